"""Options of the commands for networks, and their values in the API's form."""

from collections.abc import Sequence
from typing import Any

import click

from ipam.cli.options import (
    Command,
    admin_state_option,
    description_option,
    stacked,
)

WIRE = {
    "router_external": "router:external",
    "provider_network_type": "provider:network_type",
    "provider_physical_network": "provider:physical_network",
    "provider_segment": "provider:segmentation_id",
}
"""Names of the API that are no names of Python."""

shared_option = click.option(
    "--share/--no-share", "shared", default=None, help="Every project may use it, or only its own."
)
external_option = click.option(
    "--external/--internal",
    "router_external",
    default=None,
    help="Whether it leads outside, for clients that ask. Nothing else follows from it.",
)


def wire_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields under their names in the API."""
    return {WIRE.get(name, name): value for name, value in fields.items()}


def wire_dns_servers(named: Sequence[str]) -> dict[str, list[str] | None]:
    """The field that --dns-server means; none if it was not used."""
    special: dict[tuple[str, ...], list[str] | None] = {("none",): [], ("default",): None}
    return {"dns_servers": special.get(tuple(named), list(named))} if named else {}


def provider_options(command: Command) -> Command:
    """--provider-network-type, --provider-physical-network and --provider-segment."""
    return stacked(
        click.option(
            "--provider-network-type",
            metavar="TYPE",
            help="How hosts are connected: local, flat, vlan or another type that is served.",
        ),
        click.option(
            "--provider-physical-network", metavar="NAME", help="The physical network below it."
        ),
        click.option(
            "--provider-segment",
            type=int,
            metavar="ID",
            help="The VLAN, or the id of the tunnel.",
        ),
    )(command)


def network_options(command: Command) -> Command:
    """What `create` and `set` have in common."""
    return stacked(
        description_option,
        admin_state_option,
        shared_option,
        external_option,
        click.option(
            "--mtu", type=int, metavar="BYTES", help="The largest packet that machines may send."
        ),
        click.option("--dns-domain", metavar="DOMAIN", help="The domain of the machines' names."),
        click.option(
            "--dns-server",
            "dns_servers",
            multiple=True,
            metavar="IP|none|default",
            help="A server that its resolver asks for names of elsewhere; repeat for more. `none`:"
            " it knows the network's names alone. `default`: as the hosts' settings say.",
        ),
    )(command)
