"""`ipam who-had` and `ipam lease history`: who held an address, and what a machine held."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.instants import LONG, SHORT, Instant, shown
from ipam.cli.options import examples, format_options, given
from ipam.cli.printing import Listing, print_rows, show_record
from ipam.cli.resource_kinds import ADDRESS_HOLDER, NETWORK
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.client import Client

NOBODY = 1
"""The exit status if nobody held the address."""

utc_option = click.option(
    "--utc", is_flag=True, is_eager=True, help="Read and show times in UTC, not in local time."
)
network_option = click.option(
    "--network", metavar="NETWORK", help="The network, if several have this address."
)


@click.command(
    "who-had",
    epilog=examples(
        "ipam who-had 10.0.0.20 --at 'last tuesday 10:00'",
        "ipam who-had 10.0.0.20 --at 2h",
        "ipam who-had 2001:db8::20 --at 2026-11-22T08:00:00Z -f json",
    ),
)
@click.argument("ip_address", metavar="ADDRESS")
@utc_option
@click.option("--at", type=Instant(), metavar="WHEN", help="When; now, if it is left out.")
@network_option
@format_options
def who_had(
    ip_address: str,
    *,
    utc: bool,
    at: datetime | None,
    network: str | None,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Say who had an address at a time: port, project, device, MAC, name and host.

    Times without a zone are local. WHEN may be 2h or 7d (ago), today 10:00, yesterday, last
    tuesday 10:00, 10:00, or an ISO time. The status is 1 if nobody had it.
    """
    client = connect()
    moment = at or datetime.now(UTC)
    filters = {"ip_address": ip_address, **_on_network(client, network)}
    found = _ask(client, {**filters, "at": moment.isoformat()})
    for number, holder in enumerate(found):
        if number and output_format == "table":
            say()
        record = holder if output_format in ("json", "yaml") else _told(holder, utc=utc)
        show_record(record, output_format=output_format, wanted=wanted)
    if not found:
        last = _ask(client, {**filters, "until": moment.isoformat(), "limit": 1})
        say(_nobody(ip_address, moment, last, utc=utc), err=True)
        raise click.exceptions.Exit(NOBODY)


@click.command(
    epilog=examples(
        "ipam lease history 10.0.0.20",
        "ipam lease history fa:16:3e:12:34:56 --since 7d",
        "ipam lease history web-1 --at 'last tuesday 10:00' --utc",
    )
)
@click.argument("what", metavar="ADDRESS|MAC|HOSTNAME")
@utc_option
@click.option("--at", type=Instant(), metavar="WHEN", help="Only who held it at this time.")
@click.option("--since", type=Instant(), metavar="WHEN", help="Only what lasted at this time.")
@click.option("--until", type=Instant(), metavar="WHEN", help="Only what began before.")
@network_option
@click.option("--long", "long_list", is_flag=True, help="More columns.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many items.")
@format_options
def history(
    what: str,
    *,
    utc: bool,
    at: datetime | None,
    since: datetime | None,
    until: datetime | None,
    network: str | None,
    long_list: bool,
    limit: int | None,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """List who held an address, or what a machine held, the newest first.

    The answer combines the history of allocations and that of leases.
    """
    client = connect()
    times = {"at": at, "since": since, "until": until}
    filters = {
        **_subject(what),
        **_on_network(client, network),
        **{name: moment.isoformat() for name, moment in times.items() if moment},
        **given(limit=limit),
    }
    columns = Listing(output_format, wanted, long_list).columns(ADDRESS_HOLDER)
    found = _ask(client, filters)
    if output_format == "table":
        found = [_with_times(holder, SHORT, utc=utc) for holder in found]
    print_rows(ADDRESS_HOLDER, columns, found, output_format)


def _subject(what: str) -> dict[str, str]:
    """The filter that finds this address, MAC address, id of a port, or host name."""
    from ipam import values  # noqa: PLC0415  # msgspec, for this alone

    for name, check in (
        ("ip_address", values.address),
        ("mac_address", values.mac),
        ("port_id", values.uuid),
    ):
        try:
            return {name: check(what)}
        except ValueError:
            continue
    return {"hostname": what}


def _on_network(client: "Client", network: str | None) -> dict[str, str]:
    return {"network_id": lookup.find_id(client, NETWORK, network)} if network else {}


def _ask(client: "Client", filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = client.get(ADDRESS_HOLDER.path, filters)
    if answer["truncated"] and "limit" not in filters:
        say("There is more: narrow it with --since and --until.", err=True)
    found: list[dict[str, Any]] = answer[ADDRESS_HOLDER.collection]
    return found


def _told(holder: Mapping[str, Any], *, utc: bool) -> dict[str, Any]:
    """The holder as a person reads it: what is unknown left out, times with their zone."""
    known = _with_times(holder, LONG, utc=utc)
    known.pop("tenant_id")
    return {name: value for name, value in known.items() if value not in (None, "")}


def _with_times(holder: Mapping[str, Any], form: str, *, utc: bool) -> dict[str, Any]:
    zone = UTC if utc else None
    times = ("since", "until", "lease_since", "lease_until", "lease_expires_at")
    told = dict(holder) | {name: shown(holder[name], zone, form) for name in times}
    told["since"] = told["since"] or "before the history"
    told["until"] = told["until"] or "now"
    return told


def _nobody(
    ip_address: str, moment: datetime, last: Sequence[Mapping[str, Any]], *, utc: bool
) -> str:
    zone = UTC if utc else None
    text = f"Nobody had {ip_address} at {shown(moment.isoformat(), zone)}."
    if last and last[0]["until"]:
        who = last[0]["hostname"] or last[0]["port_name"] or last[0]["mac_address"]
        text += f" Before, {who} had it, until {shown(last[0]['until'], zone)}."
    return text
