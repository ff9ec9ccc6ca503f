"""`ipam subnet usage`: how full subnets are, and when they will be full."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options, given, project_option, watch_option
from ipam.cli.printing import Listing, items_text, watched
from ipam.cli.resource_kinds import NETWORK, SUBNET, SUBNET_POOL, SUBNET_USAGE

BAR_WIDTH = 10
OVER = 3
"""The exit status if a subnet is as full as --fail-over says."""


@click.command(
    epilog=examples(
        "ipam subnet usage",
        "ipam subnet usage demo-v4 --long",
        "ipam subnet usage --network demo --fail-over 90",
        "ipam subnet usage --subnet-pool corp -f json",
    )
)
@click.argument("names_or_ids", metavar="[SUBNET]...", nargs=-1)
@click.option("--network", metavar="NETWORK", help="Those of this network, with their sum.")
@click.option("--subnet-pool", metavar="POOL", help="Those from this subnet pool, with their sum.")
@project_option
@click.option(
    "--fail-over",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="End with status 3 if one of them is used so much or more.",
)
@click.option("--long", "long_list", is_flag=True, help="More columns.")
@watch_option
@format_options
def usage(
    names_or_ids: Sequence[str],
    *,
    network: str | None,
    subnet_pool: str | None,
    project_id: str | None,
    fail_over: float | None,
    long_list: bool,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Show how full subnets are: used, free, a bar, and the day on which each will be full.

    The day follows from the growth of the last weeks' peaks, at least four; before that it is not
    known. Only addresses of the allocation pools count. IPv6 subnets have no percentage.
    """
    client = connect()
    filters = given(
        id=[lookup.find_id(client, SUBNET, name) for name in names_or_ids] or None,
        network_id=lookup.find_id(client, NETWORK, network) if network else None,
        subnetpool_id=lookup.find_id(client, SUBNET_POOL, subnet_pool) if subnet_pool else None,
        project_id=project_id,
    )
    listing = Listing(output_format, wanted, long_list)
    found: list[dict[str, Any]] = []

    def text() -> str:
        found[:] = client.list(SUBNET_USAGE.path, SUBNET_USAGE.collection, filters)
        shown = [_told(each) for each in found]
        if (network or subnet_pool or project_id) and len(found) > 1 and output_format == "table":
            shown.append(_told(_sum(found)))
        return items_text(client, SUBNET_USAGE, shown, listing)

    watched(text)
    percents = [each["percent"] for each in found if each["percent"] is not None]
    if fail_over is not None and any(percent >= fail_over for percent in percents):
        raise click.exceptions.Exit(OVER)


def bar(percent: float | None) -> str:
    """The percent as a bar of plain characters; anything in use is seen."""
    if percent is None:
        return ""
    filled = min(BAR_WIDTH, max(int(percent > 0), int(percent * BAR_WIDTH / 100)))
    return "#" * filled + "." * (BAR_WIDTH - filled)


def _told(item: Mapping[str, Any]) -> dict[str, Any]:
    words = {"steady": "not growing", "beyond": "in over a year", "unknown": "not known yet"}
    full = item.get("full_on") or words.get(item["outlook"], "now" if item["outlook"] else "")
    return {**item, "bar": bar(item["percent"]), "full": full}


def _sum(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All together; percents of IPv4 alone, since any IPv6 subnet would hide it."""
    counts = ("total", "used", "held", "dynamic", "cooling", "free")
    four = [each for each in found if each["percent"] is not None]
    total = sum(each["total"] for each in four)
    used = sum(each["used"] for each in four)
    return {name: sum(each[name] for each in found) for name in counts} | {
        "name": "all",
        "percent": round(100 * used / total, 1) if total else None,
        "outlook": "",
    }
