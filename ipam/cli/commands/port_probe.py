"""`ipam port probe`: asks what the machine of a port would get by DHCP."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam import model
from ipam.cli import lookup, output
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options
from ipam.cli.printing import print_columns
from ipam.cli.resource_kinds import NETWORK, PORT
from ipam.errors import IpamError, NotFound

if TYPE_CHECKING:
    from ipam.client import Client

PAUSE_SECONDS = 0.05
FOR_EVER = 0xFFFFFFFF

Record = Mapping[str, Any]


def _options(options: Any) -> str:
    """Each option as `name=value`, or with its code if it has no name."""
    return "; ".join(f"{one['name'] or one['code']}={one['value']}" for one in options or ())


def _lease(seconds: Any) -> str:
    return "for ever" if seconds == FOR_EVER else output.plain(seconds or None)


COLUMNS = (
    output.Column("Port", "port"),
    output.Column("Host", "host"),
    output.Column("Server", "server"),
    output.Column("Address", "address"),
    output.Column("Prefix", "prefix_length"),
    output.Column("Lease", "lease_seconds", _lease),
    output.Column("Options", "options", _options),
    output.Column("Lacks", "lacks"),
)


@click.command(
    epilog=examples(
        "ipam port probe web-1",
        "ipam port probe web-1 -f json",
        "ipam port probe --all demo -c Port -c Address -c Lacks",
    )
)
@click.argument("name_or_id", metavar="PORT", required=False)
@click.option("--all", "network", metavar="NETWORK", help="All ports of this network.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait at most for an agent's answer.",
)
@format_options
def probe(
    name_or_id: str | None,
    *,
    network: str | None,
    timeout: float,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Ask the DHCP server what the machine of a port would get.

    The port's agent asks with the machine's MAC address. No machine sees it, and no lease is made.
    Ends with status 1 if something is wrong.
    """
    if (name_or_id is None) is (network is None):
        raise click.UsageError("Name a port, or a network with --all.")
    client = connect()
    ports = _ports(client, name_or_id, network)
    asked = {port["id"]: client.post(f"{PORT.path}/{port['id']}/probe", json={}) for port in ports}
    deadline = time.monotonic() + timeout
    rows: list[dict[str, Any]] = []
    for port in ports:
        rows += _rows(port, _answered(client, port["id"], asked[port["id"]]["probe"], deadline))
    columns = output.select(COLUMNS, COLUMNS, wanted)
    print_columns(columns, rows, output_format, none="No offers.")
    if any(row["lacks"] for row in rows):
        raise click.exceptions.Exit(1)


def _ports(client: "Client", name_or_id: str | None, network: str | None) -> list[Record]:
    if name_or_id is not None:
        return [lookup.find(client, PORT, name_or_id)]
    network_id = lookup.find_id(client, NETWORK, str(network))
    ports = client.list(PORT.path, PORT.collection, {"network_id": network_id})
    return [port for port in ports if port["device_owner"] != model.DHCP_PORT_OWNER]


def _answered(client: "Client", port_id: str, asked: Record, deadline: float) -> Record:
    """The question when an agent has answered it, or at the deadline."""
    found = asked
    while not found["answers"] and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        try:
            found = client.get(f"{PORT.path}/{port_id}/probe")["probe"]
        except NotFound as error:
            raise IpamError("The port was deleted meanwhile.") from error
    return found


def _rows(port: Record, asked: Record) -> Iterator[dict[str, Any]]:
    row = {"port": port["name"] or port["id"], "host": "", "lacks": ""}
    if not asked["answers"]:
        why = "No agent has answered: `ipam port wait` says which one should."
        yield {**row, "lacks": why}
    for answer in asked["answers"]:
        if answer["trouble"]:
            yield {**row, "host": answer["host"], "lacks": answer["trouble"]}
        for offer in answer["offers"]:
            yield {**row, "host": answer["host"], **offer}
