"""The bodies of how full subnets are, and when they will be full."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from msgspec import Meta, Struct

from ipam import clock, model
from ipam.allocator import ranges
from ipam.api.http.attributes import wire_names
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import TENANT_ID
from ipam.api.subnets.free_blocks import MOST_READ, FreeBlockSearch
from ipam.errors import SubnetNotFound
from ipam.rules.usage import WEEK, WEEKS, Forecast, Outlook, forecast
from ipam.store import subnet_counters, subnet_ranges, subnets, usage
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.subnet_counters import Count
from ipam.values import Cidr, Name, ProjectId, Uuid


class SubnetUsageView(Struct):
    """The addresses of a subnet's allocation pools. An IPv6 subnet may need more than 64 bits."""

    id: Annotated[Uuid, Meta(description="The id of the subnet.")]
    name: Annotated[Name, Meta(description="The subnet's name.")]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    subnetpool_id: Annotated[Uuid | None, Meta(description="The pool that the prefix is from.")]
    project_id: Annotated[ProjectId, Meta(description="The project of the subnet.")]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    cidr: Annotated[Cidr, Meta(description="The network in prefix notation.")]
    ip_version: Annotated[int, Meta(description="4 or 6.")]
    total: Annotated[int, Meta(description="How many addresses can be given.")]
    used: Annotated[int, Meta(description="How many a port has.")]
    held: Annotated[int, Meta(description="How many of these ports have no device.")]
    dynamic: Annotated[
        int,
        Meta(
            description="How many unannounced machines have, in dynamic ranges beside the pools."
        ),
    ]
    static: Annotated[
        int, Meta(description="How many are kept in static ranges, beside the pools.")
    ]
    cooling: Annotated[int, Meta(description="How many were given back a short time ago.")]
    free: Annotated[int, Meta(description="How many can be given now.")]
    percent: Annotated[
        float | None, Meta(description="How much is used, of a hundred; null for IPv6.")
    ]
    nearly_full: Annotated[
        bool, Meta(description="Whether that is [network] nearly_full_percent or more.")
    ]
    largest_free: Annotated[
        Cidr | None,
        Meta(
            description="The largest free prefix; null if there is none, or if"
            f" {MOST_READ} addresses and more are in use so far apart that it was not found."
        ),
    ]
    outlook: Annotated[
        Outlook,
        Meta(
            description="unknown with under four weeks of history, steady without growth, beyond"
            " if it lasts over a year, growing with a day in full_on, or full."
        ),
    ]
    growth_per_week: Annotated[
        float | None, Meta(description="How many more are used each week, by the weekly peaks.")
    ]
    full_on: Annotated[str | None, Meta(description="The day on which it will be full.")]
    full_on_earliest: Annotated[
        str | None, Meta(description="The earlier of that day by four and by eight weeks.")
    ]
    full_on_latest: Annotated[str | None, Meta(description="The later one; at most a year.")]


def views(
    nearly_full_percent: int, tx: Transaction, rows: Sequence[Record]
) -> list[SubnetUsageView]:
    """The usage of these subnets. Runs statements for each whose free blocks are looked for."""
    now = clock.now_seconds()
    pks = [row.pk for row in rows]
    today = now // clock.SECONDS_PER_DAY
    of_subnets = subnet_ranges.every(tx, pks)
    counts = subnet_counters.current(tx, now, pks)
    peaks = usage.peaks(tx, pks, today - WEEK * WEEKS)
    search, found = FreeBlockSearch(tx, now), []
    for row in rows:
        count = counts[row.pk]
        block = search.largest(row.pk, of_subnets[row.pk].pools, count.owned + count.cooling)
        total = sum(map(ranges.size, of_subnets[row.pk].pools))
        samples = peaks[row.pk]
        samples[today] = max(count.used, samples.get(today, 0))
        outlook = forecast(samples, total, today) if total else Forecast("full")
        view = _view(row, count, total, outlook, block)
        view.static = sum(ranges.size(one[:2]) for one in of_subnets[row.pk].static)
        view.nearly_full = view.percent is not None and view.percent >= nearly_full_percent
        found.append(view)
    return found


def _view(
    row: Record, count: Count, total: int, outlook: Forecast, block: str | None
) -> SubnetUsageView:
    return SubnetUsageView(
        id=row.id,
        name=row.name,
        network_id=row.network_id,
        subnetpool_id=row.subnetpool_id,
        project_id=row.project_id,
        tenant_id=row.project_id,
        cidr=row.cidr,
        ip_version=row.ip_version,
        total=total,
        used=count.used,
        held=count.held,
        dynamic=count.dynamic,
        static=0,
        cooling=count.cooling,
        free=max(0, total - count.used - count.cooling),
        percent=_percent(count.used, total) if row.ip_version == 4 else None,
        nearly_full=False,
        largest_free=block,
        outlook=outlook.outlook,
        growth_per_week=outlook.growth_per_week,
        full_on=_date(outlook.full_on),
        full_on_earliest=_date(outlook.full_on_earliest),
        full_on_latest=_date(outlook.full_on_latest),
    )


def _percent(used: int, total: int) -> float:
    return round(100 * used / total, 1) if total else 100.0


def _date(day: int | None) -> str | None:
    return None if day is None else model.iso_time(day * clock.SECONDS_PER_DAY)[:10]


def kind(nearly_full_percent: int) -> Kind:
    """How full subnets are, as a kind of resource."""
    shown = wire_names(SubnetUsageView)
    columns = {name: one for name, one in subnets.COLLECTION.columns.items() if name in shown}
    return Kind(
        "subnet_usage",
        "subnet_usages",
        SubnetUsageView,
        replace(subnets.COLLECTION, columns=columns),
        partial(views, nearly_full_percent),
        SubnetNotFound,
    )
