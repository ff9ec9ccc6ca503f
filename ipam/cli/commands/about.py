"""`ipam ip availability`, `ipam availability zone`, `ipam extension`: what the service has."""

from collections.abc import Sequence
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options, given, list_options, project_option
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import AVAILABILITY_ZONE, EXTENSION, IP_AVAILABILITY, NETWORK


@click.group("ip")
def ip() -> None:
    """Addresses in numbers."""


@ip.group()
def availability() -> None:
    """How many addresses networks have, and how many are used."""


@availability.command(
    "list", epilog=examples("ipam ip availability list", "ipam ip availability list -f json")
)
@click.option("--ip-version", type=click.Choice(["4", "6"]), help="Count only this IP version.")
@project_option
@list_options
def list_availabilities(ip_version: str | None, project_id: str | None, **listing: Any) -> None:
    """List networks with the number of their addresses. `ipam subnet usage` tells more."""
    filters = given(ip_version=ip_version, project_id=project_id)
    show_list(connect(), IP_AVAILABILITY, filters, **listing)


@availability.command("show", epilog=examples("ipam ip availability show demo"))
@click.argument("name_or_id", metavar="NETWORK")
@format_options
def show_availability(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show the numbers of one network and its subnets."""
    client = connect()
    network_id = lookup.find_id(client, NETWORK, name_or_id)
    found = client.get(f"{IP_AVAILABILITY.path}/{network_id}")[IP_AVAILABILITY.body]
    show_record(found, output_format=output_format, wanted=wanted)


@click.group("availability")
def availability_zone() -> None:
    """Availability zones: what the hosts of agents are in."""


@availability_zone.group()
def zone() -> None:
    """Availability zones."""


@zone.command(
    "list",
    epilog=examples("ipam availability zone list", "ipam availability zone list --network"),
)
@click.option("--network", is_flag=True, help="Those of networks, as all are; for scripts.")
@list_options
def list_zones(*, network: bool, **listing: Any) -> None:  # noqa: ARG001  # always so
    """List availability zones."""
    show_list(connect(), AVAILABILITY_ZONE, {}, **listing)


@click.group()
def extension() -> None:
    """Extensions of the Networking API that are served."""


@extension.command(
    "list", epilog=examples("ipam extension list", "ipam extension list -f value -c Alias")
)
@click.option("--network", is_flag=True, help="Those of the Networking API, as all are.")
@list_options
def list_extensions(*, network: bool, **listing: Any) -> None:  # noqa: ARG001  # always so
    """List the extensions."""
    show_list(connect(), EXTENSION, {}, **listing)


@extension.command("show", epilog=examples("ipam extension show subnet_allocation"))
@click.argument("alias", metavar="ALIAS")
@format_options
def show_extension(alias: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one extension, by its alias."""
    found = connect().get(f"{EXTENSION.path}/{alias}")[EXTENSION.body]
    show_record(found, output_format=output_format, wanted=wanted)
