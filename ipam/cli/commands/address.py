"""`ipam address …`: who uses an address, who had it, and address scopes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.commands.address_check import check
from ipam.cli.connection import connect
from ipam.cli.instants import Instant
from ipam.cli.options import (
    description_option,
    examples,
    format_options,
    given,
    list_options,
    project_option,
)
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import ADDRESS_SCOPE, ALLOCATION_EVENT, NETWORK

share_option = click.option(
    "--share/--no-share", "shared", default=None, help="Every project may use it, or only its own."
)


@click.group()
def address() -> None:
    """Addresses: who uses them, who had them and when, and scopes in which each occurs once."""


address.add_command(check)


@address.command(
    epilog=examples(
        "ipam address history 10.0.0.20",
        "ipam address history 10.0.0.20 --at 2026-11-22T03:00",
        "ipam address history 10.0.0.20 --since 7d -f csv",
    )
)
@click.argument("ip_address", metavar="IP")
@click.option(
    "--at",
    type=Instant(),
    metavar="WHEN",
    help="Only who had it at this time: 2h (ago), yesterday 10:00, or ISO.",
)
@click.option("--since", type=Instant(), metavar="WHEN", help="From this time on.")
@click.option("--until", type=Instant(), metavar="WHEN", help="Before this time.")
@click.option("--network", metavar="NETWORK", help="The network, if several have this address.")
@list_options
def history(
    ip_address: str,
    *,
    at: datetime | None,
    since: datetime | None,
    until: datetime | None,
    network: str | None,
    **listing: Any,
) -> None:
    """List which ports got and gave back an address, the newest first."""
    client = connect()
    instants = {"at": at, "since": since, "until": until}
    filters = {name: moment.isoformat() for name, moment in instants.items() if moment}
    filters["ip_address"] = ip_address
    if network:
        filters["network_id"] = lookup.find_id(client, NETWORK, network)
    show_list(client, ALLOCATION_EVENT, filters, **listing)


@address.group()
def scope() -> None:
    """Address scopes: subnet pools in which no address occurs twice."""


@scope.command(
    epilog=examples(
        "ipam address scope create corp", "ipam address scope create v6 --ip-version 6 --share"
    )
)
@click.argument("name")
@click.option(
    "--ip-version",
    type=click.Choice(["4", "6"]),
    default="4",
    show_default=True,
    help="The IP version of its subnet pools.",
)
@share_option
@description_option
@project_option
@format_options
def create(
    name: str, *, ip_version: str, output_format: str, wanted: Sequence[str], **fields: Any
) -> None:
    """Make an address scope."""
    body = given(name=name, ip_version=int(ip_version), **fields)
    answer = connect().post(ADDRESS_SCOPE.path, json={ADDRESS_SCOPE.body: body})
    show_record(answer[ADDRESS_SCOPE.body], output_format=output_format, wanted=wanted)


@scope.command(
    "list", epilog=examples("ipam address scope list", "ipam address scope list --ip-version 6")
)
@click.option("--name", metavar="NAME", help="Only those with this name.")
@click.option("--ip-version", type=click.Choice(["4", "6"]), help="Only this IP version.")
@share_option
@project_option
@list_options
def list_scopes(
    name: str | None,
    ip_version: str | None,
    shared: bool | None,
    project_id: str | None,
    **listing: Any,
) -> None:
    """List address scopes."""
    filters = given(name=name, ip_version=ip_version, shared=shared, project_id=project_id)
    show_list(connect(), ADDRESS_SCOPE, filters, **listing)


@scope.command(epilog=examples("ipam address scope show corp"))
@click.argument("name_or_id", metavar="SCOPE")
@format_options
def show(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one address scope, by name or id."""
    found = lookup.find(connect(), ADDRESS_SCOPE, name_or_id)
    show_record(found, output_format=output_format, wanted=wanted)


@scope.command("set", epilog=examples("ipam address scope set corp --name main --share"))
@click.argument("name_or_id", metavar="SCOPE")
@click.option("--name", metavar="NAME", help="The new name.")
@share_option
@description_option
def change(name_or_id: str, **fields: Any) -> None:
    """Change an address scope."""
    client = connect()
    scope_id = lookup.find_id(client, ADDRESS_SCOPE, name_or_id)
    lookup.update(client, ADDRESS_SCOPE, scope_id, given(**fields))


@scope.command(epilog=examples("ipam address scope delete corp"))
@click.argument("names_or_ids", metavar="SCOPE...", nargs=-1, required=True)
def delete(names_or_ids: Sequence[str]) -> None:
    """Delete address scopes that have no subnet pool."""
    lookup.delete_each(connect(), ADDRESS_SCOPE, names_or_ids)
