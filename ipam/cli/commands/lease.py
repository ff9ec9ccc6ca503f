"""`ipam lease …`: who has an address, and who had it."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup
from ipam.cli.commands.history import history
from ipam.cli.commands.lease_changes import release, reserve
from ipam.cli.connection import connect
from ipam.cli.instants import Instant, instant
from ipam.cli.options import Command, examples, format_options, given, list_options
from ipam.cli.printing import Listing, items_text, show_list, show_record, watched
from ipam.cli.resource_kinds import DHCP_REFUSAL, LEASE, LEASE_EVENT, NETWORK, PORT

if TYPE_CHECKING:
    from ipam.client import Client

PAGE_SIZE = 500


def filter_options(command: Command) -> Command:
    """The filters of leases and events."""
    options: list[Callable[[Command], Command]] = [
        click.option("--host", metavar="HOST", help="Only leases that this host served."),
        click.option("--port", metavar="PORT", help="Only the leases of this port (name or id)."),
        click.option("--hostname", metavar="NAME", help="Only this host name."),
        click.option("--mac", "mac_address", metavar="MAC", help="Only this MAC address."),
        click.option("--ip", "ip_address", metavar="IP", help="Only this address."),
        click.option("--network", metavar="NETWORK", help="Only those of this network."),
    ]
    for option in options:
        command = option(command)
    return command


@click.group()
def lease() -> None:
    """Leases: who has an address now, and who had it."""


@lease.command(
    "list",
    epilog=examples(
        "ipam lease list",
        "ipam lease list --network demo --sort-column expires_at",
        "ipam lease list --ip 10.0.0.20 -f json",
        "ipam lease list --source slaac",
    ),
)
@filter_options
@click.option(
    "--source",
    type=click.Choice(["dhcp", "slaac"]),
    help="Only what DHCP gave, or IPv6 addresses that machines made and were seen with.",
)
@list_options
def list_leases(network: str | None, port: str | None, **options: Any) -> None:
    """List the leases that machines hold now."""
    client = connect()
    filters = _filters(client, network, port, options)
    show_list(client, LEASE, filters, **options)


@lease.command(
    epilog=examples("ipam lease show 10.0.0.20", "ipam lease show 10.0.0.20 -c hostname")
)
@click.argument("ip_or_id", metavar="LEASE")
@click.option("--network", metavar="NETWORK", help="The network, if several have this address.")
@format_options
def show(ip_or_id: str, network: str | None, output_format: str, wanted: Sequence[str]) -> None:
    """Show one lease, by its IP address or id."""
    client = connect()
    filters = {"network_id": lookup.find_id(client, NETWORK, network)} if network else {}
    found = lookup.find(client, LEASE, ip_or_id, **filters)
    show_record(found, output_format=output_format, wanted=wanted)


@lease.command(
    epilog=examples(
        "ipam lease events --ip 10.0.0.20",
        "ipam lease events --mac 52:54:00:12:34:56 --since 7d",
        "ipam lease events --since 2026-11-22T08:00 --until 2026-11-22T09:00 -f csv",
    )
)
@filter_options
@click.option(
    "--action",
    type=click.Choice(["add", "old", "del", "missed"]),
    help="Only leases given, renewed, ended, or expired unnoticed.",
)
@click.option(
    "--since",
    type=Instant(),
    metavar="WHEN",
    help="From this time on: 2h (ago), yesterday 10:00, or an ISO time.",
)
@click.option("--until", type=Instant(), metavar="WHEN", help="Before this time.")
@list_options
def events(
    *,
    network: str | None,
    port: str | None,
    since: datetime | None,
    until: datetime | None,
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
    limit: int | None,
    sort_columns: Sequence[str],
    **options: Any,
) -> None:
    """List what happened to leases, the newest first."""
    client = connect()
    filters = _filters(client, network, port, options)
    if sort_columns and not (since or until):
        show_list(
            client,
            LEASE_EVENT,
            filters,
            output_format=output_format,
            wanted=wanted,
            long_list=long_list,
            limit=limit,
            sort_columns=sort_columns,
        )
        return
    if sort_columns:
        raise click.UsageError("--since and --until go with the order of time: no --sort-column.")
    listing = Listing(output_format, wanted, long_list)
    params = {
        **filters,
        "sort_key": "occurred_at",
        "sort_dir": "desc",
        "limit": min(limit or PAGE_SIZE, PAGE_SIZE),
    }

    def text() -> str:
        newest_first = client.iterate(LEASE_EVENT.path, LEASE_EVENT.collection, params)
        found = list(itertools.islice(between(newest_first, since, until), limit))
        return items_text(client, LEASE_EVENT, found, listing)

    watched(text)


@lease.command(
    epilog=examples(
        "ipam lease refusals",
        "ipam lease refusals --network demo --sort-column last_at:desc",
    )
)
@click.option("--host", metavar="HOST", help="Only those that this host refused.")
@click.option("--mac", "client", metavar="MAC", help="Only this machine.")
@click.option("--network", metavar="NETWORK", help="Only those on this network.")
@list_options
def refusals(network: str | None, host: str | None, client: str | None, **options: Any) -> None:
    """List the machines that DHCP does not answer, such as those whose MAC address no port has."""
    api = connect()
    network_id = lookup.find_id(api, NETWORK, network) if network else None
    show_list(api, DHCP_REFUSAL, given(network_id=network_id, host=host, client=client), **options)


def between(
    newest_first: Iterable[Mapping[str, Any]], since: datetime | None, until: datetime | None
) -> Iterator[Mapping[str, Any]]:
    """The events of a period. Reading stops at the first event before it."""
    for event in newest_first:
        at = instant(event["occurred_at"], datetime.now(UTC))
        if since and at < since:
            return
        if not until or at <= until:
            yield event


def _filters(
    client: "Client", network: str | None, port: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    """The filters, removed from the command's options."""
    names = ("host", "hostname", "mac_address", "ip_address", "action", "source")
    plain = {name: options.pop(name) for name in names if name in options}
    return given(
        network_id=lookup.find_id(client, NETWORK, network) if network else None,
        port_id=lookup.find_id(client, PORT, port) if port else None,
        **plain,
    )


lease.add_command(history)
lease.add_command(release)
lease.add_command(reserve)
