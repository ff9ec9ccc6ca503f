"""`ipam subnet map`: draws which addresses of a subnet are in use."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import groupby, islice, takewhile

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import examples
from ipam.cli.resource_kinds import SUBNET, SUBNET_ADDRESS
from ipam.cli.subnet_cells import COLUMNS, MARKS, Cell, cells
from ipam.cli.terminal import say, say_coloured

MOST_ADDRESSES = 100_000


@click.command(
    "map",
    epilog=examples("ipam subnet map demo-v4", "ipam subnet map demo-v4 --part 10.0.4.0/24"),
)
@click.argument("name_or_id", metavar="SUBNET")
@click.option("--part", metavar="CIDR", help="Draw only this part of it, in finer cells.")
def draw(name_or_id: str, part: str | None) -> None:
    """Draw a subnet in 256 cells: an address each, or in larger ones a block of addresses each.

    A cell shows what most of its addresses are, of those that are not free. NO_COLOR leaves the
    colours out.
    """
    client = connect()
    subnet = lookup.find(client, SUBNET, name_or_id)
    whole = ip_network(subnet["cidr"])
    shown = _part(part, whole) if part else whole
    path = SUBNET_ADDRESS.path.format(subnet_id=subnet["id"])
    marker = str(shown.network_address - 1) if int(shown.network_address) else None
    fields = ("ip_address", "state", "device_id")
    params = [("fields", name) for name in fields] + ([("marker", marker)] if marker else [])
    last = int(shown.broadcast_address)
    from_there = client.iterate(path, SUBNET_ADDRESS.collection, params)
    inside = takewhile(lambda item: int(ip_address(item["ip_address"])) <= last, from_there)
    taken = list(islice(inside, MOST_ADDRESSES))
    if len(taken) == MOST_ADDRESSES:
        say(f"Only the first {MOST_ADDRESSES} addresses are drawn: take a --part.", err=True)
    drawn = cells(shown, subnet["allocation_pools"], taken, subnet["static_ranges"])
    size = shown.num_addresses // len(drawn)
    say(f"{shown}: {'an address' if size == 1 else f'{size} addresses'} a cell")
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    width = max(len(cell.first) for cell in drawn)
    for at in range(0, len(drawn), COLUMNS):
        _row(drawn[at : at + COLUMNS], width, coloured=coloured)
    counts = Counter(cell.state for cell in drawn)
    say(
        "  ".join(
            f"{MARKS[state][0]!r} {state} {counts[state]}" for state in MARKS if counts[state]
        )
    )


def _part(text: str, whole: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    try:
        part = ip_network(text, strict=False)
    except ValueError:
        raise click.UsageError(f"--part {text!r} is no prefix such as 10.0.4.0/24.") from None
    if part.version != whole.version or not part.subnet_of(whole):  # type: ignore[arg-type]
        raise click.UsageError(f"--part {part} is not in the subnet {whole}.")
    return part


def _row(row: Sequence[Cell], width: int, *, coloured: bool) -> None:
    parts = [(f"{row[0].first:<{width}}  ", "")]
    for state, some in groupby(row, key=lambda cell: cell.state):
        mark, colour = MARKS[state]
        parts.append((mark * len(list(some)), colour if coloured else ""))
    say_coloured(parts)
