"""`ipam user …`: who may call the API over TCP, in the htpasswd file of this machine."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ipam.cli import output
from ipam.cli.configured import load_settings
from ipam.cli.lookup import for_each
from ipam.cli.options import config_file_option, examples, format_options
from ipam.cli.printing import print_columns
from ipam.cli.system_log import record
from ipam.cli.terminal import say
from ipam.errors import NotFound

ROLES = ("admin", "member", "reader", "service", "agent")
COLUMNS = (
    output.Column("Name", "name"),
    output.Column("Role", "role"),
    output.Column("Project", "project_id"),
)


def file_option(command: Any) -> Any:
    """--htpasswd-file."""
    return click.option(
        "--htpasswd-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file, instead of the one that the settings name.",
    )(command)


def role_option(command: Any) -> Any:
    """--role."""
    return click.option(
        "--role",
        type=click.Choice(ROLES),
        required=True,
        help="admin may do everything, member reads and writes in the project, reader reads"
        " there, service is for Nova, agent for the agent of one host (`ipam agent enrol`).",
    )(command)


@click.group()
def user() -> None:
    """Users of the API over TCP. They are in an htpasswd file on the API's machine."""


@user.command(
    epilog=examples(
        "ipam user add anna --role admin",
        "ipam user add monitoring --role reader",
        "pass show ipam/nova | ipam user add nova --role service --password-stdin",
    )
)
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@role_option
@click.option(
    "--project",
    "project_id",
    default="default",
    metavar="ID",
    help="The project that owns what the user makes. Members and readers see its resources.",
)
@config_file_option
@file_option
def add(
    *,
    name: str,
    password_stdin: bool,
    role: str,
    project_id: str,
    config_files: Sequence[str],
    htpasswd_file: Path | None,
) -> None:
    """Add a user, or give a user a new password or role. A running API uses it at once."""
    from ipam.identity import htpasswd  # noqa: PLC0415  # bcrypt, for this alone

    path = _path(htpasswd_file, config_files)
    password = _read_password(name, password_stdin)
    htpasswd.put(path, name, password, role=role, project_id=project_id)
    record(f"user {name} was given a password, role {role} and project {project_id} in {path}")
    say(f"User {name} with the role {role} is in {path}.", err=True)


@user.command("set", epilog=examples("ipam user set anna --role member --project acme"))
@click.argument("name")
@role_option
@click.option("--project", "project_id", metavar="ID", help="Another project of the user.")
@config_file_option
@file_option
def change(
    *,
    name: str,
    role: str,
    project_id: str | None,
    config_files: Sequence[str],
    htpasswd_file: Path | None,
) -> None:
    """Give a user another role or project. The password stays. A running API uses it at once."""
    from ipam.identity import htpasswd  # noqa: PLC0415  # bcrypt, for this alone

    path = _path(htpasswd_file, config_files)
    htpasswd.change(path, name, role=role, project_id=project_id)
    of_project = f" and project {project_id}" if project_id else ""
    record(f"user {name} was given role {role}{of_project} in {path}")


@user.command("list", epilog=examples("ipam user list", "ipam user list -f json"))
@config_file_option
@file_option
@format_options
def list_users(
    config_files: Sequence[str],
    htpasswd_file: Path | None,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """List users and their roles."""
    from ipam.identity import htpasswd  # noqa: PLC0415  # bcrypt, for this alone

    columns = output.select(COLUMNS, COLUMNS, wanted)
    known = htpasswd.load(_path(htpasswd_file, config_files)).values()
    users = [{"name": one.name, "role": one.role, "project_id": one.project_id} for one in known]
    if fault := htpasswd.without_role(known):
        say(f"Warning: {fault}", err=True)
    none = "No users. `ipam user add NAME --role ROLE` makes one."
    print_columns(columns, users, output_format, none=none)


@user.command(epilog=examples("ipam user delete anna"))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@config_file_option
@file_option
def delete(names: Sequence[str], config_files: Sequence[str], htpasswd_file: Path | None) -> None:
    """Delete users. A running API refuses them at once."""
    from ipam.identity import htpasswd  # noqa: PLC0415  # bcrypt, for this alone

    path = _path(htpasswd_file, config_files)

    def remove(name: str) -> None:
        if not htpasswd.remove(path, name):
            raise NotFound(
                f"No user named '{name}' in {path}. `ipam user list` shows who there is."
            )
        record(f"user {name} was deleted in {path}")

    for_each(names, remove)


def _path(htpasswd_file: Path | None, config_files: Sequence[str]) -> Path:
    return htpasswd_file or load_settings(config_files).api.htpasswd_file


def _read_password(name: str, password_stdin: bool) -> str:
    if password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask at: send the password to --password-stdin."
        )
    prompt = f"New password of {name}"
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))
