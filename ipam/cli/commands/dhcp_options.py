"""`ipam options …`: which DHCP options there are, and what a machine is told in the end."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup, output
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options
from ipam.cli.printing import print_columns
from ipam.cli.reference_names import named, names_of
from ipam.cli.resource_kinds import NETWORK, PORT, SUBNET, Resource
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.client import Client

Record = Mapping[str, Any]
KNOWN = (
    output.Column("Name", "name"),
    output.Column("Code", "code"),
    output.Column("IP", "ip_version"),
    output.Column("Value", "value"),
)
OWN = (
    output.Column("Option", "option"),
    output.Column("Value", "value"),
    output.Column("IP", "ip_version"),
    output.Column("Attribute", "attribute"),
)
EFFECTIVE = (
    output.Column("Subnet", "subnet_id", refers_to=("subnet",)),
    output.Column("Option", "opt_name"),
    output.Column("Value", "opt_value"),
    output.Column("When", "condition"),
    output.Column("From", "origin"),
    output.Column("Attribute", "attribute"),
)
LONG = (
    output.Column("Code", "code"),
    output.Column("IP", "ip_version"),
    output.Column("From ID", "origin_id"),
)
LISTS = {"network": "dhcp_options", "subnet": "dhcp_options", "port": "extra_dhcp_opts"}
"""The attribute with a thing's own options."""


@click.group("options")
def options() -> None:
    """DHCP options: which there are, and what a machine is told."""


@options.command(
    "list",
    epilog=examples(
        "ipam options list", "ipam options list ntp", "ipam options list --ip-version 6"
    ),
)
@click.argument("text", required=False)
@click.option("--ip-version", type=click.Choice(["4", "6"]), help="Only this IP version.")
@format_options
def list_known(
    text: str | None, *, ip_version: str | None, output_format: str, wanted: Sequence[str]
) -> None:
    """List the DHCP options that have names, or those with TEXT in it. Others have numbers."""
    from ipam.rules import dhcp_options  # noqa: PLC0415  # msgspec, which the help does without

    rows = [
        {"name": name, "code": code, "ip_version": version, "value": value}
        for name, code, version, value in dhcp_options.known()
        if ip_version in (None, str(version))
        if text is None or text.lower() in name or text == str(code)
    ]
    _print(KNOWN, rows, output_format, wanted)
    if not rows:
        say(f"No option has {text!r} in its name. A number from 1 to 254 is one.", err=True)


@options.command(
    epilog=examples(
        "ipam options show web-1 --effective",
        "ipam options show --subnet demo-v4 --effective",
        "ipam options show --network demo",
    )
)
@click.argument("name_or_id", metavar="[PORT]", required=False)
@click.option("--network", metavar="NETWORK", help="Of this network.")
@click.option("--subnet", metavar="SUBNET", help="Of this subnet.")
@click.option(
    "--effective",
    is_flag=True,
    help="All that machines are told, with who says it: the service, network, subnet, client"
    " class, or port.",
)
@click.option("--long", "long_list", is_flag=True, help="More columns.")
@format_options
def show(
    name_or_id: str | None,
    *,
    network: str | None,
    subnet: str | None,
    effective: bool,
    long_list: bool,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Show the DHCP options of a port, subnet or network: its own, or with --effective all.

    Of two rows of an option, the one whose When fits the request counts. It is what the service
    believes; `ipam port probe PORT` asks the DHCP server.
    """
    asked = [(PORT, name_or_id), (NETWORK, network), (SUBNET, subnet)]
    named_one = [(resource, name) for resource, name in asked if name is not None]
    if len(named_one) != 1:
        raise click.UsageError("Name one: a port, or --network NETWORK, or --subnet SUBNET.")
    ((resource, name),) = named_one
    client = connect()
    found = lookup.find(client, resource, name)
    if effective:
        rows = list(_effective(client, resource, found))
        _print_effective(client, rows, long_list, output_format, wanted)
    else:
        rows = list(_own(resource, found))
        _print(OWN, rows, output_format, wanted)
    if not rows:
        hint = "" if effective else " --effective shows what its machines are told all the same."
        say(f"The {resource.noun} {name} has no DHCP options.{hint}", err=True)


def _print(
    columns: Sequence[output.Column],
    rows: Sequence[Record],
    output_format: str,
    wanted: Sequence[str],
) -> None:
    print_columns(output.select(columns, columns, wanted), rows, output_format)


def _effective(client: "Client", resource: Resource, found: Record) -> Iterator[Record]:
    """The rows of the API; of a network those of each subnet."""
    paths = [f"{resource.path}/{found['id']}"]
    if resource is NETWORK:
        paths = [f"{SUBNET.path}/{one}" for one in found["subnets"]]
    for path in paths:
        yield from client.get(f"{path}/dhcp-options")["dhcp_options"]


def _print_effective(
    client: "Client",
    rows: Sequence[Record],
    long_list: bool,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    if output_format == "table" and not long_list:
        names = names_of(client, EFFECTIVE, rows)
        rows = [{**one, "subnet_id": named(one["subnet_id"], names)} for one in rows]
    every = (*EFFECTIVE, *LONG)
    _print(every if long_list or wanted else EFFECTIVE, rows, output_format, wanted)


def _own(resource: Resource, found: Record) -> Iterator[Record]:
    """What is set on the thing itself."""
    attribute = LISTS[resource.noun]
    version = found.get("ip_version", "")
    if found.get("lease_time") is not None:
        yield _row("lease-time", _lease(found["lease_time"]), version, "lease_time")
    for one in found[attribute]:
        value = "(none)" if one["opt_value"] is None else one["opt_value"]
        yield _row(one["opt_name"], value, one.get("ip_version", version), attribute)
    for name, value in (found.get("dhcp_boot") or {}).items():
        yield _row(name.replace("_", "-"), value, version, "dhcp_boot")


def _row(option: str, value: str, version: Any, attribute: str) -> Record:
    return {"option": option, "value": value, "ip_version": version, "attribute": attribute}


def _lease(seconds: int) -> str:
    return "infinite" if seconds < 0 else str(seconds)
