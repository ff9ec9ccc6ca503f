"""`ipam conflicts`: every address of a port that another machine has, and what to do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from ipam.cli import lookup, output
from ipam.cli.connection import connect
from ipam.cli.instants import relative
from ipam.cli.options import examples, format_options
from ipam.cli.printing import print_columns
from ipam.cli.resource_kinds import NETWORK
from ipam.cli.terminal import say

COLUMNS = (
    output.Column("IP Address", "ip_address"),
    output.Column("Port", "port"),
    output.Column("MAC Address", "mac_address"),
    output.Column("Host", "host"),
    output.Column("Since", "since"),
    output.Column("Kind", "kind"),
    output.Column("Next Step", "next_step"),
)
LONG_COLUMNS = (
    output.Column("Port MAC Address", "port_mac_address"),
    output.Column("Port ID", "port_id"),
    output.Column("Network", "network_id"),
    output.Column("Project", "project_id"),
)


@click.command(
    epilog=examples("ipam conflicts", "ipam conflicts --network lan", "ipam conflicts -f json")
)
@click.option("--network", metavar="NETWORK", help="On this network only.")
@click.option("--long", "long_list", is_flag=True, help="More columns.")
@format_options
def conflicts(
    network: str | None, *, long_list: bool, output_format: str, wanted: Sequence[str]
) -> None:
    """List the addresses of ports that other machines have, and what to do about each.

    They are known by declined addresses, by who answers agents, by checks of the last day, and by
    leases. Ends with status 1 if there are any.
    """
    client = connect()
    query = {"network_id": lookup.find_id(client, NETWORK, network)} if network else {}
    answer = client.get("/v2.0/address-conflicts", query)
    found, now = answer["address_conflicts"], datetime.now(UTC)
    for one in found:
        one["port"] = one["port_name"] or one["port_id"]
        one["next_step"] = _next_step(one)
        if output_format == "table":
            one["since"] = relative(one["since"], now)
    every = COLUMNS + LONG_COLUMNS
    columns = output.select(every if long_list else COLUMNS, every, wanted)
    print_columns(columns, found, output_format, none="No conflict is known.")
    if answer["truncated"]:
        say("There are more: see those of one network with --network.", err=True)
    if found:
        raise click.exceptions.Exit(1)


def _next_step(conflict: Mapping[str, Any]) -> str:
    mac, address = conflict["mac_address"], conflict["ip_address"]
    if mac is None:
        return "none: nobody answers for it, and dnsmasq gives it again"
    if conflict["kind"] == "leased":
        return f"`ipam lease release {address}`, unless the port should have {mac}"
    return f"`ipam find {mac}`: take the address from that machine, or from the port"
