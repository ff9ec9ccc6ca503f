"""`ipam address check`: who uses addresses now, as the hosts of their network hear it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import address_checks, lookup, output
from ipam.cli.address_checks import Heard
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options
from ipam.cli.printing import print_columns
from ipam.cli.resource_kinds import NETWORK, PORT

if TYPE_CHECKING:
    from ipam.client import Client

COLUMNS = (
    output.Column("IP Address", "ip_address"),
    output.Column("MAC Address", "mac_address"),
    output.Column("Host", "host"),
    output.Column("Port", "port"),
    output.Column("Note", "note"),
)


@click.command(
    epilog=examples(
        "ipam address check 10.0.0.50 --network lan",
        "ipam address check 10.0.0.50 10.0.0.51 --network lan -f json",
    )
)
@click.argument("ip_addresses", metavar="IP...", nargs=-1, required=True)
@click.option("--network", metavar="NETWORK", required=True, help="The network that is asked.")
@format_options
def check(
    ip_addresses: Sequence[str], network: str, output_format: str, wanted: Sequence[str]
) -> None:
    """Ask the machines of a network by ARP and ND who uses addresses.

    Each host of the network asks its own machines, and those beyond its link to others. Nothing is
    changed, and no machine remembers the question. Ends with status 1 if a machine uses an address
    that its port does not have.
    """
    client = connect()
    network_id = lookup.find_id(client, NETWORK, network)
    addresses = list(dict.fromkeys(map(address_checks.canonical, ip_addresses)))
    heard = address_checks.ask(client, network_id, addresses)
    rows = list(_rows(client, network_id, addresses, heard))
    columns = output.select(COLUMNS, COLUMNS, wanted)
    print_columns(columns, rows, output_format, none="")
    heard.say_failures()
    if any(row["is_foreign"] for row in rows):
        raise click.exceptions.Exit(1)


def _rows(
    client: "Client", network_id: str, addresses: Sequence[str], heard: Heard
) -> Iterator[dict[str, Any]]:
    for address in addresses:
        filters = {"network_id": network_id, "fixed_ips": f"ip_address={address}"}
        port = next(iter(client.list(PORT.path, PORT.collection, filters)), None)
        about = {
            "ip_address": address,
            "mac_address": None,
            "host": None,
            "port": (port["name"] or port["id"]) if port else None,
            "is_foreign": False,
        }
        answers = [(mac, host) for one, mac, host in heard.machines if one == address]
        if not answers:
            yield {**about, "note": "nobody answers"}
        for mac, host in answers:
            note, is_foreign = "no port has it", True
            if port is not None:
                is_foreign = mac != port["mac_address"]
                note = (
                    f"the port has {port['mac_address']}" if is_foreign else "its port's machine"
                )
            told = {"mac_address": mac, "host": host, "note": note, "is_foreign": is_foreign}
            yield {**about, **told}
