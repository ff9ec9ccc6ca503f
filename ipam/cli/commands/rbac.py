"""`ipam network rbac …`: with which projects networks and other objects are shared."""

from collections.abc import Sequence
from typing import Any, Final

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options, given, list_options, project_option
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import NETWORK, RBAC_POLICY

ACTIONS: Final = ("access_as_shared", "access_as_external")
TYPES: Final = ("network", "subnetpool", "address_scope")


@click.group()
def rbac() -> None:
    """RBAC policies: with which projects a network is shared."""


@rbac.command(
    epilog=examples(
        "ipam network rbac create demo --target-project PROJECT",
        "ipam network rbac create demo --target-all-projects",
    )
)
@click.argument("name_or_id", metavar="OBJECT")
@click.option("--target-project", metavar="ID", help="Share it with this project.")
@click.option("--target-all-projects", is_flag=True, help="Share it with every project.")
@click.option(
    "--type",
    "object_type",
    type=click.Choice(TYPES),
    default="network",
    show_default=True,
    help="The kind of OBJECT. Name other kinds than networks by their id.",
)
@click.option(
    "--action",
    type=click.Choice(ACTIONS),
    default="access_as_shared",
    show_default=True,
    help="How the projects may use it.",
)
@project_option
@format_options
def create(
    name_or_id: str,
    *,
    target_project: str | None,
    target_all_projects: bool,
    object_type: str,
    output_format: str,
    wanted: Sequence[str],
    **fields: Any,
) -> None:
    """Share a network, by name or id, with a project or with all projects."""
    if bool(target_project) == target_all_projects:
        raise click.UsageError("Say either --target-project or --target-all-projects.")
    client = connect()
    is_network = object_type == "network"
    body = given(
        object_type=object_type,
        object_id=lookup.find_id(client, NETWORK, name_or_id) if is_network else name_or_id,
        target_tenant=target_project or "*",
        **fields,
    )
    created = client.post(RBAC_POLICY.path, json={RBAC_POLICY.body: body})[RBAC_POLICY.body]
    show_record(created, output_format=output_format, wanted=wanted)


@rbac.command(
    "list",
    epilog=examples("ipam network rbac list", "ipam network rbac list --network demo --long"),
)
@click.option("--network", "network_name", metavar="NETWORK", help="Only those of this network.")
@click.option(
    "--type", "object_type", type=click.Choice(TYPES), help="Only policies of this kind of object."
)
@click.option("--action", type=click.Choice(ACTIONS), help="Only those with this action.")
@click.option(
    "--target-project", "target_tenant", metavar="ID", help="Only policies for this project."
)
@project_option
@list_options
def list_policies(
    network_name: str | None,
    object_type: str | None,
    action: str | None,
    target_tenant: str | None,
    project_id: str | None,
    **listing: Any,
) -> None:
    """List RBAC policies."""
    client = connect()
    object_id = lookup.find_id(client, NETWORK, network_name) if network_name else None
    filters = given(
        object_id=object_id,
        object_type=object_type,
        action=action,
        target_tenant=target_tenant,
        project_id=project_id,
    )
    show_list(client, RBAC_POLICY, filters, **listing)


@rbac.command(epilog=examples("ipam network rbac show POLICY"))
@click.argument("policy_id", metavar="POLICY")
@format_options
def show(policy_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one policy, by its id."""
    found = lookup.find(connect(), RBAC_POLICY, policy_id)
    show_record(found, output_format=output_format, wanted=wanted)


@rbac.command("set", epilog=examples("ipam network rbac set POLICY --target-project PROJECT"))
@click.argument("policy_id", metavar="POLICY")
@click.option(
    "--target-project",
    "target_tenant",
    required=True,
    metavar="ID",
    help="Share it with this project instead.",
)
def change(policy_id: str, target_tenant: str) -> None:
    """Change the project that a policy shares its object with."""
    client = connect()
    found = lookup.find_id(client, RBAC_POLICY, policy_id)
    lookup.update(client, RBAC_POLICY, found, {"target_tenant": target_tenant})


@rbac.command(epilog=examples("ipam network rbac delete POLICY"))
@click.argument("policy_ids", metavar="POLICY...", nargs=-1, required=True)
def delete(policy_ids: Sequence[str]) -> None:
    """Stop sharing. Refused while other projects use the shared object."""
    lookup.delete_each(connect(), RBAC_POLICY, policy_ids)
