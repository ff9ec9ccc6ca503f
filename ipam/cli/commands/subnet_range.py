"""`ipam subnet range …`: addresses of fixed use, which are given only to who names them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup, output
from ipam.cli.address_checks import canonical
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options, told_first
from ipam.cli.printing import print_columns
from ipam.cli.resource_kinds import SUBNET
from ipam.errors import IpamError

if TYPE_CHECKING:
    from ipam.client import Client

Range = dict[str, Any]

COLUMNS = (
    output.Column("Subnet", "subnet"),
    output.Column("Range", "range"),
    output.Column("Label", "label"),
    output.Column("Owner", "owner"),
    output.Column("Addresses", "addresses"),
)

label_option = click.option("--label", metavar="TEXT", help="What the addresses are for.")
owner_option = click.option("--owner", metavar="TEXT", help="Who plans them: a team or a person.")


@click.group("range")
def subnet_range() -> None:
    """Static ranges: addresses of fixed use, which ports get only by name."""


@subnet_range.command(
    "list", epilog=examples("ipam subnet range list", "ipam subnet range list lan-v4 -f csv")
)
@click.argument("name_or_id", metavar="[SUBNET]", required=False)
@format_options
def list_ranges(name_or_id: str | None, output_format: str, wanted: Sequence[str]) -> None:
    """List the static ranges of a subnet, or of all."""
    client = connect()
    subnets = (
        [lookup.find(client, SUBNET, name_or_id)]
        if name_or_id
        else client.list(SUBNET.path, SUBNET.collection)
    )
    rows = [
        {
            **one,
            "subnet": subnet["name"] or subnet["cidr"],
            "range": output.pools([one]),
            "addresses": _size(one),
        }
        for subnet in subnets
        for one in subnet["static_ranges"]
    ]
    columns = output.select(COLUMNS, COLUMNS, wanted)
    print_columns(columns, rows, output_format, none="No static ranges.")


@subnet_range.command(
    epilog=examples(
        "ipam subnet range create lan-v4 10.0.0.10-10.0.0.29 --label printers --owner facilities",
        "ipam subnet range create lan-v4 10.0.0.224/28 --label infrastructure",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@click.argument("text", metavar="RANGE")
@label_option
@owner_option
@told_first
def create(name_or_id: str, text: str, label: str | None, owner: str | None) -> None:
    """Keep a range (FIRST-LAST, a prefix, or an address) for static use.

    The allocation pools lose its addresses. Ports that have some keep them.
    """
    client = connect()
    subnet = lookup.find(client, SUBNET, name_or_id)
    new = {**_read(text), "label": label or "", "owner": owner or ""}
    _write(client, subnet, [*subnet["static_ranges"], new])


@subnet_range.command(
    "set", epilog=examples("ipam subnet range set lan-v4 printers --owner 'team blue'")
)
@click.argument("name_or_id", metavar="SUBNET")
@click.argument("text", metavar="RANGE")
@label_option
@owner_option
@told_first
def change(name_or_id: str, text: str, label: str | None, owner: str | None) -> None:
    """Change the label or the owner of a range, named by its label or its addresses."""
    if label is None and owner is None:
        raise click.UsageError("Nothing to change: give --label or --owner.")
    client = connect()
    subnet = lookup.find(client, SUBNET, name_or_id)
    found = _find(subnet, text)
    changes = {"label": label, "owner": owner}
    new = {**found, **{name: one for name, one in changes.items() if one is not None}}
    _write(client, subnet, [new if one is found else one for one in subnet["static_ranges"]])


@subnet_range.command(
    epilog=examples(
        "ipam subnet range delete lan-v4 printers",
        "ipam subnet range delete lan-v4 10.0.0.10-10.0.0.29",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@click.argument("text", metavar="RANGE")
@told_first
def delete(name_or_id: str, text: str) -> None:
    """Keep a range no longer, named by its label or its addresses.

    Pools that have all other addresses of the subnet get its addresses, too; others stay.
    """
    client = connect()
    subnet = lookup.find(client, SUBNET, name_or_id)
    found = _find(subnet, text)
    _write(client, subnet, [one for one in subnet["static_ranges"] if one is not found])


def _write(client: "Client", subnet: dict[str, Any], ranges: Sequence[Range]) -> None:
    """Replace the ranges, unless somebody has changed the subnet meanwhile."""
    revision = subnet["revision_number"]
    changes = {"static_ranges": list(ranges)}
    lookup.update(client, SUBNET, subnet["id"], changes, revision_number=revision)


def _find(subnet: dict[str, Any], text: str) -> Range:
    ranges: list[Range] = subnet["static_ranges"]
    found = [one for one in ranges if _is_called(one, text)]
    if len(found) != 1:
        many = "Several static ranges are" if found else "No static range is"
        raise IpamError(
            f"{many} called {text!r} in subnet {subnet['name'] or subnet['id']}. There are:"
            f" {output.labelled_ranges(ranges) or 'none'}."
        )
    return found[0]


def _is_called(one: Range, text: str) -> bool:
    """Whether the text is the range's label, or its addresses in any form that `create` reads."""
    if not text:
        return False
    try:
        ends = _read(text)
    except click.UsageError:  # a label with a slash
        ends = {}
    is_there = ends and all(canonical(ip) == one[end] for end, ip in ends.items())
    return bool(is_there or text == one["label"])


def _read(text: str) -> Range:
    """`first-last`, a prefix, or an address in the API's form, which judges it."""
    from ipaddress import ip_network  # noqa: PLC0415  # only where it is needed

    if "/" in text:
        try:
            net = ip_network(text)
        except ValueError:
            raise click.UsageError(f"{text!r} is no prefix such as 10.0.0.224/28.") from None
        return {"start": str(net.network_address), "end": str(net.broadcast_address)}
    first, dash, last = text.partition("-")
    return {"start": first.strip(), "end": (last if dash else first).strip()}


def _size(one: Range) -> int:
    from ipaddress import ip_address  # noqa: PLC0415  # only where it is needed

    return int(ip_address(one["end"])) - int(ip_address(one["start"])) + 1
