"""`ipam subnet resize`: another prefix around the same addresses."""

from collections.abc import Sequence

import click

from ipam.cli import lookup
from ipam.cli.commands.subnet_options import gateway_option, wire_gateway
from ipam.cli.connection import connect
from ipam.cli.options import KeyValues, examples, given, list_or_none, told_first
from ipam.cli.resource_kinds import SUBNET


@click.command(
    epilog=examples(
        "ipam subnet resize demo-v4 10.0.0.0/23 --dry-run",
        "ipam subnet resize demo-v4 10.0.0.0/25 --gateway 10.0.0.1",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@click.argument("cidr", metavar="CIDR")
@gateway_option
@click.option(
    "--allocation-pool",
    "pools",
    multiple=True,
    type=KeyValues(["start", "end"]),
    metavar="start=IP,end=IP",
    callback=list_or_none,
    help="Give addresses from this range only; repeat for more. Without this, pools that had all"
    " addresses have all of the new prefix, and others keep what is left of them.",
)
@told_first
def resize(
    name_or_id: str, cidr: str, gateway: str | None, pools: Sequence[dict[str, str]] | None
) -> None:
    """Give a subnet a larger or smaller prefix, in which its ports keep their addresses.

    Machines learn their netmask at their next renewal. Until then they send what is for the new
    addresses to their gateway.
    """
    client = connect()
    found = lookup.find(client, SUBNET, name_or_id)
    lookup.update(
        client,
        SUBNET,
        found["id"],
        given(cidr=cidr, allocation_pools=pools) | wire_gateway(gateway),
        revision_number=found["revision_number"],
    )
