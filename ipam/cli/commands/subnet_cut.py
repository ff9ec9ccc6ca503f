"""`ipam subnet split` and `merge`: other subnets of the same addresses."""

from collections.abc import Sequence
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.commands.subnet_options import wire_gateway
from ipam.cli.connection import connect
from ipam.cli.options import examples, told_first
from ipam.cli.resource_kinds import SUBNET

PARTS_MAX = 64
"""The most that the API takes."""


@click.command(
    epilog=examples(
        "ipam subnet split demo-v4 --prefix-length 25 --dry-run",
        "ipam subnet split demo-v4 10.0.0.0/25 10.0.0.128/26 10.0.0.192/26",
        "ipam subnet split demo-v4 --prefix-length 25 --gateway 10.0.0.254",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@click.argument("cidrs", metavar="[CIDR]...", nargs=-1)
@click.option(
    "--prefix-length",
    type=click.IntRange(1, 128),
    metavar="BITS",
    help="Split it into parts of this size, in place of naming them.",
)
@click.option(
    "--gateway",
    "gateways",
    multiple=True,
    metavar="IP",
    help="The router of the part that has this address; repeat for more. A part without one gets"
    " its first address, unless the present router is in it.",
)
@told_first
def split(
    name_or_id: str, cidrs: Sequence[str], prefix_length: int | None, gateways: Sequence[str]
) -> None:
    """Split a subnet into parts, in which its ports keep their addresses.

    Pools, dynamic ranges and host routes go to the part in which they lie. The first part keeps
    the id. Machines learn their netmask and router at their next renewal.
    """
    client = connect()
    found = lookup.find(client, SUBNET, name_or_id)
    if (prefix_length is None) == (not cidrs):
        raise click.UsageError("Name the parts by their CIDRs, or their --prefix-length.")
    named = list(cidrs) if prefix_length is None else _parts(found["cidr"], prefix_length)
    client.put(
        f"{SUBNET.path}/{found['id']}/split",
        json={"subnets": _with_gateways(named, gateways)},
        revision_number=found["revision_number"],
    )


@click.command(
    epilog=examples(
        "ipam subnet merge 10.0.0.0/25 10.0.0.128/25 --dry-run",
        "ipam subnet merge demo-v4 demo-v4-2 demo-v4-3 --gateway 10.0.0.254",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@click.argument("others", metavar="OTHER...", nargs=-1, required=True)
@click.option(
    "--cidr", metavar="CIDR", help="The new prefix; the smallest around all of them if left out."
)
@click.option("--gateway", metavar="IP", help="The router; none for none, SUBNET's if left out.")
@told_first
def merge(name_or_id: str, others: Sequence[str], cidr: str | None, gateway: str | None) -> None:
    """Make one subnet of several, in which their ports keep their addresses.

    SUBNET stays, and the others become a part of it. What machines are told has to be alike in
    all of them, except the router and host routes.
    """
    client = connect()
    found = lookup.find(client, SUBNET, name_or_id)
    body: dict[str, Any] = {
        "subnet_ids": [lookup.find_id(client, SUBNET, other) for other in others],
        **wire_gateway(gateway),
    }
    if cidr is not None:
        body["cidr"] = cidr
    client.put(
        f"{SUBNET.path}/{found['id']}/merge",
        json={"subnet": body},
        revision_number=found["revision_number"],
    )


def _parts(cidr: str, prefix_length: int) -> list[str]:
    """The parts of this size. Raises ClickException if there are none, or too many."""
    from ipaddress import ip_network  # noqa: PLC0415  # slow to import, and seldom needed

    whole = ip_network(cidr)
    if not whole.prefixlen < prefix_length <= whole.max_prefixlen:
        raise click.ClickException(f"/{prefix_length} is no part of {cidr}.")
    if 2 ** (prefix_length - whole.prefixlen) > PARTS_MAX:
        raise click.ClickException(
            f"{cidr} has more than {PARTS_MAX} parts of /{prefix_length}: split it in steps."
        )
    return [str(one) for one in whole.subnets(new_prefix=prefix_length)]


def _with_gateways(cidrs: Sequence[str], gateways: Sequence[str]) -> list[dict[str, str]]:
    """Each part with the router that is in it.

    Raises ClickException for a router that is in no part, and for a second one of a part.
    """
    from ipaddress import ip_address, ip_network  # noqa: PLC0415  # as above

    parts = [{"cidr": cidr} for cidr in cidrs]
    for gateway in gateways:
        try:
            ip = ip_address(gateway)
            own = [one for one in parts if ip in ip_network(one["cidr"], strict=False)]
        except ValueError as error:
            raise click.ClickException(f"{error}.") from error
        if not own:
            raise click.ClickException(f"--gateway {gateway} is in none of the parts.")
        if "gateway_ip" in own[0]:
            other, cidr = own[0]["gateway_ip"], own[0]["cidr"]
            raise click.ClickException(f"--gateway {other} and {gateway} are both in {cidr}.")
        own[0]["gateway_ip"] = gateway
    return parts
