"""`ipam quota …`: how many resources of each kind a project may have."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from ipam.cli import lookup, output
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options, given
from ipam.cli.printing import print_rows, show_record
from ipam.cli.resource_kinds import QUOTA

LIMITS: Final = {
    "networks": "network",
    "subnets": "subnet",
    "ports": "port",
    "subnetpools": "subnetpool",
    "rbac-policies": "rbac_policy",
    "fixed-ips": "fixed_ip",
}
"""By option, the limit's name in the API."""


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One option for each limit."""
    for option, name in reversed(LIMITS.items()):
        words = (
            option.replace("-", " ")
            .replace("rbac", "RBAC")
            .replace("fixed ips", "addresses")
            .replace("subnetp", "subnet p")
        )
        command = click.option(
            f"--{option}",
            name,
            type=click.IntRange(min=-1),
            metavar="N",
            help=f"How many {words} it may have; -1 for any number.",
        )(command)
    return command


@click.group()
def quota() -> None:
    """Quotas: how many networks, ports and so on a project may have. -1 sets no limit."""


@quota.command(epilog=examples("ipam quota show", "ipam quota show PROJECT --usage"))
@click.argument("project_id", metavar="PROJECT", required=False)
@click.option("--usage", is_flag=True, help="Also show how much is used.")
@click.option(
    "--default", "default", is_flag=True, help="The quotas of projects without their own."
)
@format_options
def show(
    project_id: str | None,
    output_format: str,
    wanted: Sequence[str],
    *,
    usage: bool,
    default: bool,
) -> None:
    """Show the quotas of a project, by its id; without one, of your own project."""
    if usage and default:
        raise click.UsageError("--usage is of a project, --default of none: take one of them.")
    client = connect()
    project = project_id or client.get("/v2.0/quotas/project")["project"]["project_id"]
    below = "/details" if usage else "/default" if default else ""
    found = client.get(f"{_path(project)}{below}")["quota"]
    show_record(found, output_format=output_format, wanted=wanted)


@quota.command("list", epilog=examples("ipam quota list", "ipam quota list -f csv"))
@format_options
def list_quotas(output_format: str, wanted: Sequence[str]) -> None:
    """List the projects that have quotas of their own."""
    found = connect().get(QUOTA.path)[QUOTA.collection]
    columns = output.select(QUOTA.columns, QUOTA.every_column, wanted)
    print_rows(QUOTA, columns, found, output_format)


@quota.command(
    "set",
    epilog=examples("ipam quota set PROJECT --ports 500", "ipam quota set PROJECT --networks -1"),
)
@click.argument("project_id", metavar="PROJECT")
@limit_options
@click.option("--check-limit", is_flag=True, help="Refuse a limit below what is used already.")
def change(project_id: str, *, check_limit: bool, **limits: int | None) -> None:
    """Give a project, by its id, limits of its own. Limits that are not named stay."""
    changes = given(**limits)
    if not changes:
        raise click.UsageError("Nothing to change: say what. `ipam quota set --help`")
    if check_limit:
        changes["check_limit"] = True
    connect().put(_path(project_id), json={"quota": changes})


@quota.command(epilog=examples("ipam quota delete PROJECT"))
@click.argument("project_ids", metavar="PROJECT...", nargs=-1, required=True)
def delete(project_ids: Sequence[str]) -> None:
    """Give projects the default quotas again, by their ids."""
    client = connect()
    lookup.for_each(project_ids, lambda project: client.delete(_path(project)))


def _path(project_id: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415  # not needed for help

    return f"{QUOTA.path}/{quote(project_id, safe='')}"
