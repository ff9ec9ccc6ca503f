"""What ports are called, and which of them changed since a moment.

The history of addresses says which: each change of an address, a name (also of what the machine
calls itself) or a device is an event in it, so that names cost a writer nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Select, func, select

from ipam import clock
from ipam.chunks import alternatives
from ipam.store import ports, tables
from ipam.store.addresses_of_ports import FixedIp
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases import own_names

LATE_MICROSECONDS: Final = 10_000_000
"""An event may be seen this much later than its time: transactions last, and clocks differ."""

_event, _port, _network = tables.allocation_event, tables.port, tables.network


def now_cursor() -> int:
    """The cursor for changes from now on."""
    return clock.now_microseconds()


def changed_since(
    tx: Transaction, cursor: int, network_ids: Iterable[str], *, limit: int
) -> list[Record]:
    """Of each port of these networks with events since then: port_id, network_id, seen, last.

    `seen` is how many events, `last` the time of the latest. At most `limit` ports. What changes
    in other networks is not read: the index has the events of each network together.
    """
    found: list[Record] = []
    for some in alternatives(sorted(network_ids)):
        found += tx.execute(_changes(cursor, some, limit - len(found)))
        if len(found) >= limit:
            break
    return found


def _changes(cursor: int, network_ids: Sequence[str], limit: int) -> Select[Any]:
    return (
        select(
            _event.c.port_id,
            _event.c.network_id,
            func.count().label("seen"),
            func.max(_event.c.occurred_at_us).label("last"),
        )
        .where(
            _event.c.network_id.in_(network_ids),
            _event.c.occurred_at_us > cursor - LATE_MICROSECONDS,
        )
        .group_by(_event.c.port_id, _event.c.network_id)
        .limit(limit)
    )


def of_ports(tx: Transaction, port_ids: Iterable[str]) -> list[tuple[Record, Sequence[FixedIp]]]:
    """The ports with these ids that exist, with their addresses."""
    found: list[Record] = []
    for some in alternatives(sorted(port_ids)):
        found += tx.execute(_NAMED.where(_port.c.id.in_(some))).all()
    return _with_addresses(tx, found)


def of_networks(
    tx: Transaction, network_ids: Iterable[str], *, after: int, limit: int
) -> list[tuple[Record, Sequence[FixedIp]]]:
    """The next ports of these networks after a port's number, in the order of numbers."""
    query = (
        _NAMED.where(_network.c.id.in_(sorted(network_ids)), _port.c.pk > after)
        .order_by(_port.c.pk)
        .limit(limit)
    )
    return _with_addresses(tx, list(tx.execute(query)))


_NAMED: Final = select(
    _port.c.pk,
    _port.c.id,
    _port.c.dns_name,
    _port.c.device_owner,
    own_names.OF_PORT,
    _network.c.id.label("network_id"),
).join(_network, _network.c.pk == _port.c.network_pk)


def _with_addresses(tx: Transaction, rows: list[Record]) -> list[tuple[Record, Sequence[FixedIp]]]:
    addresses = ports.fixed_ips(tx, [row.pk for row in rows]) if rows else {}
    return [(row, addresses[row.pk]) for row in rows]
