"""Reads the events that tell who held an address, from the allocation and the lease history.

Renewals of leases are most of the lease history. They begin and end nothing, so they are left out
here, and the indexes of these statements leave them out, too.
"""

from collections.abc import Collection as SomeOf
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, literal_column, select, text

from ipam.chunks import padded
from ipam.rules.address_holders import Allocation, Sighting
from ipam.store import allocation_history
from ipam.store.engine.database import Transaction
from ipam.store.engine.list_statements import each_if_visible
from ipam.store.engine.listing import Collection, Viewer
from ipam.store.leases.lists import EVENTS, LEASES
from ipam.store.tables import allocation_event, lease, lease_event, port

MOST_EVENTS: Final = 500
"""How many events of each history are read before the instant that is asked about."""
MOST_PORTS: Final = 100
"""How many ports one machine is followed to."""

_PORT, _LEASE, _SEEN = port.c, lease.c, lease_event.c
_NO_RENEWAL: Final = text("action <> 'old'")
_NO_BEGINNING: Final = text("action <> 'allocated'")
"""As the indexes have it: planners compare the text."""

_ALLOCATIONS: Final = select(
    allocation_event.c.pk.label("number"),
    *(allocation_event.c[field.name] for field in fields(Allocation)[1:]),
)
_SIGHTINGS: Final = select(*(_SEEN[field.name] for field in fields(Sighting)))
_LASTING: Final = select(
    literal_column("'add'").label("action"),
    *(_LEASE[field.name] for field in fields(Sighting)[1:-1]),
    _LEASE.first_seen_at_us,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for; at least one of the first five. What is None does not matter.

    A host name counts if DHCP clients sent it, or a port has it as its DNS name.
    """

    ip_address: bytes | None = None
    mac_address: str | None = None
    hostname: str | None = None
    port_id: str | None = None
    device_id: str | None = None
    network_id: str | None = None
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The events that were found, and the ports that the question is about now."""

    allocations: list[Allocation]
    sightings: list[Sighting]
    port_ids: frozenset[str]
    is_whole: bool
    """False if there were more events than are read."""


def told(tx: Transaction, question: Question, viewer: Viewer | None) -> Told:
    """The events about the question that the viewer may see; None may see all.

    The events after `until_us` are read too, if not all of them: they say when a holder's time
    ended.
    """
    sightings = _Events(_SIGHTINGS.where(_NO_RENEWAL), EVENTS, _SEEN.occurred_at_us, Sighting)
    allocations = _Events(
        _ALLOCATIONS, allocation_history.COLLECTION, allocation_event.c.occurred_at_us, Allocation
    )
    seen: list[Sighting] = []
    if about := _about_leases(question, lease_event):
        seen = sightings.around(tx, about, question, viewer)
        lasting = _Events(_LASTING, LEASES, _LEASE.first_seen_at_us, Sighting)
        seen += lasting.around(tx, _about_leases(question, lease), question, viewer)
    now = _ports(tx, question)
    ids = {*now, *_former_ports(tx, question), *(each.port_id for each in seen if each.port_id)}
    given = allocations.around(tx, _about_ports(question, sorted(ids)), question, viewer)
    if not about and given:
        seen = sightings.around(tx, _about_their_leases(given), question, viewer)
    is_whole = max(len(seen), len(given)) < MOST_EVENTS and len(ids) <= MOST_PORTS
    return Told(given, seen, frozenset(now), is_whole)


def names_of_ports(tx: Transaction, port_ids: SomeOf[str]) -> dict[str, str]:
    """The names of those of these ports that exist."""
    if not port_ids:
        return {}
    query = select(_PORT.id, _PORT.name).where(_PORT.id.in_(padded(sorted(port_ids))))
    return {row.id: row.name for row in tx.execute(query)}


@dataclass(frozen=True, slots=True)
class _Events:
    """A statement for events of one kind, and how they are ordered and shown."""

    statement: Select[Any]
    collection: Collection
    time: ColumnElement[int]
    kind: type[Any]

    def around(
        self,
        tx: Transaction,
        about: Sequence[ColumnElement[bool]],
        question: Question,
        viewer: Viewer | None,
    ) -> list[Any]:
        """The last events up to the instant asked about, and the first after it."""
        if not about:
            return []
        rows = each_if_visible(self.statement.where(*about), self.collection, viewer)
        if question.network_id is not None:
            rows = rows.where(self.collection.columns["network_id"] == question.network_id)
        before = rows.order_by(self.time.desc()).limit(MOST_EVENTS)
        if question.until_us is None:
            return self._read(tx, before)
        after = rows.where(self.time > question.until_us).order_by(self.time)
        before = before.where(self.time <= question.until_us)
        return [*self._read(tx, before), *self._read(tx, after.limit(MOST_EVENTS // 10))]

    def _read(self, tx: Transaction, statement: Select[Any]) -> list[Any]:
        return [self.kind(*row) for row in tx.execute(statement)]


def _about_leases(question: Question, table: Any) -> list[ColumnElement[bool]]:
    """The conditions on events of leases, or on leases. Ports are found by their addresses."""
    wanted = {
        table.c.ip_address: question.ip_address,
        table.c.mac_address: question.mac_address,
        table.c.hostname: question.hostname,
    }
    return [column == value for column, value in wanted.items() if value is not None]


def _about_their_leases(given: Sequence[Allocation]) -> list[ColumnElement[bool]]:
    """The conditions on events of leases of these ports; the index of addresses has few."""
    addresses = sorted({each.ip_address for each in given})[:MOST_EVENTS]
    return [
        _SEEN.ip_address.in_(padded(addresses)),
        _SEEN.port_id.in_(_some({each.port_id for each in given})),
    ]


def _about_ports(question: Question, port_ids: Sequence[str]) -> list[ColumnElement[bool]]:
    """The conditions on allocation events."""
    columns = allocation_event.c
    wanted = {
        columns.ip_address: question.ip_address,
        columns.port_id: question.port_id,
        columns.device_id: question.device_id,
    }
    plain = [column == value for column, value in wanted.items() if value is not None]
    if question.mac_address is None and question.hostname is None:
        return plain
    return [*plain, columns.port_id.in_(_some(port_ids))] if port_ids else []


def _some(port_ids: SomeOf[str]) -> Sequence[str]:
    return padded(sorted(port_ids)[:MOST_PORTS])


def _ports(tx: Transaction, question: Question) -> list[str]:
    """The ports that have this MAC address or DNS name now."""
    wanted = {_PORT.mac_address: question.mac_address, _PORT.dns_name: question.hostname}
    about = [column == value for column, value in wanted.items() if value is not None]
    if not about:
        return []
    return list(tx.execute(select(_PORT.id).where(*about).limit(MOST_PORTS)).scalars())


def _former_ports(tx: Transaction, question: Question) -> list[str]:
    """The ports that had this MAC address when they changed or gave an address back."""
    if question.mac_address is None:
        return []
    query = (
        select(allocation_event.c.port_id)
        .where(allocation_event.c.mac_address == question.mac_address, _NO_BEGINNING)
        .limit(MOST_PORTS)
    )
    return list(tx.execute(query).scalars())
