"""Writes the history of addresses: a row in `allocation_event` per change of an owner.

The rows of a transaction are inserted last (`last_rows`). Until then a ledger in memory keeps
them. Code that makes ports or reads subnets tells the ledger what it knows of them, so that the
ledger need not look it up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, select

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.store import tables
from ipam.store.allocation_history import ALLOCATED, CHANGED, RELEASED
from ipam.store.engine import last_rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_T: Final = tables.allocation_event
_COLUMNS: Final = tuple(column.name for column in _T.c if column is not _T.c.pk)

COUNTED: Final = frozenset({"device_id", "device_owner"})
"""What the counters of subnets tell addresses apart by."""

HOLDER: Final = ("port_id", "project_id", "device_id", "device_owner", "mac_address")


def _holder_columns() -> list[ColumnElement[Any]]:
    port = tables.port.c
    return [port.id.label("port_id"), *(port[name] for name in HOLDER[1:])]


_PORT_AND_SUBNETS: Final = (
    select(
        *_holder_columns(),
        tables.network.c.id.label("network_id"),
        tables.subnet.c.id.label("subnet_id"),
        tables.subnet.c.pk.label("subnet_pk"),
    )
    .select_from(tables.port)
    .join(tables.network, tables.network.c.pk == tables.port.c.network_pk)
    .join(tables.subnet, tables.subnet.c.network_pk == tables.network.c.pk)
    .where(tables.port.c.pk == bindparam("owner_pk"))
)
"""What a port is, with a row for each subnet of its network."""

_ADDRESSES: Final = _PORT_AND_SUBNETS.add_columns(tables.ip_address.c.ip).join(
    tables.ip_address,
    and_(
        tables.ip_address.c.subnet_pk == tables.subnet.c.pk,
        tables.ip_address.c.owner_pk == tables.port.c.pk,
    ),
)
"""What a port is, with a row for each of its addresses."""


Row = Mapping[str, Any]
"""Columns by name. A port has those of `HOLDER`, a subnet has `network_id` and `subnet_id`."""


@dataclass(frozen=True, slots=True)
class _Allocation:
    """An address that a port got. The port is described before the transaction ends."""

    subnet_pk: int
    ip: bytes
    owner_pk: int
    at_us: int


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The addresses that a transaction has moved, in order, and what it knows of their ports."""

    moves: list[_Allocation | Row] = field(default_factory=list)
    """A release is a finished row, because its port may be deleted before the transaction ends."""
    changed: dict[int, Row | None] = field(default_factory=dict)
    """Ports by number, as they were where that matters: before their device or owner changed."""
    gone: set[int] = field(default_factory=set)
    """Subnets that this transaction deletes, so that nobody counts their addresses."""
    holders: dict[int, Row] = field(default_factory=dict)
    places: dict[int, Row] = field(default_factory=dict)
    releasing: dict[int, tuple[Row, Mapping[int, Row]]] = field(default_factory=dict)
    """By number of a port that gives addresses back: its description, and its network's
    subnets."""

    @property
    def allocations(self) -> list[_Allocation]:
        return [move for move in self.moves if isinstance(move, _Allocation)]

    def row(self, move: _Allocation | Row) -> Row:
        """The event of a move. The port and the subnet of the move must be known."""
        if isinstance(move, _Allocation):
            holder, place = self.holders[move.owner_pk], self.places[move.subnet_pk]
            counted = _counted(move.subnet_pk, after=holder)
            move = _row(ALLOCATED, move.ip, move.at_us, holder, place, counted=counted)
        return {**move, "uncounted_in": None} if move["uncounted_in"] in self.gone else move


_LEDGERS: Final[dict[Transaction, _Ledger]] = {}
"""The ledgers of the running transactions."""


class AllocationLedger:
    """The allocator's journal."""

    def allocated(self, tx: Transaction, subnet_pk: int, given: Mapping[bytes, int]) -> None:
        """Note which addresses of a subnet now belong to which ports."""
        now_us = clock.now_microseconds()
        _ledger(tx).moves.extend(
            _Allocation(subnet_pk, ip, owner, now_us) for ip, owner in given.items()
        )

    def released(self, tx: Transaction, subnet_pk: int, ip: bytes, owner_pk: int) -> None:
        """Note that a port gave back an address.

        Call this before the port changes or is deleted.
        """
        ledger, now_us = _ledger(tx), clock.now_microseconds()
        if owner_pk not in ledger.releasing:
            ledger.releasing[owner_pk] = _describe_port(tx, owner_pk)
        holder, places = ledger.releasing[owner_pk]
        counted = _counted(subnet_pk, before=holder)
        ledger.moves.append(_row(RELEASED, ip, now_us, holder, places[subnet_pk], counted=counted))


def know_ports(tx: Transaction, pks: Sequence[int], rows: Sequence[Row]) -> None:
    """Remember ports that this transaction makes, so that their events need no look-up."""
    holders = _ledger(tx).holders
    for pk, row in zip(pks, rows, strict=True):
        holders[pk] = {"port_id": row["id"]} | {name: row[name] for name in HOLDER[1:]}


def port_changed(tx: Transaction, pk: int, before: Record | None = None) -> None:
    """Note that its device or name changed: the history is searched by device and by change.

    `before` is the port before its device or its owner changed, and None if neither did.
    """
    changed = _ledger(tx).changed
    if changed.get(pk) is None:
        changed[pk] = before and {name: getattr(before, name) for name in COUNTED}


def subnet_removed(tx: Transaction, subnet_pk: int) -> None:
    """Note that nobody is to count the addresses of this subnet any more."""
    _ledger(tx).gone.add(subnet_pk)


def write_now(tx: Transaction) -> None:
    """Write the events so far, so that a statement of this transaction sees them."""
    if (ledger := _LEDGERS.get(tx)) is not None:
        _write(tx, ledger)
        last_rows.write_now(tx)


def know_subnets(tx: Transaction, network_id: str, ids: Iterable[tuple[int, str]]) -> None:
    """Remember subnets (number, id) of a network, as `know_ports` does ports."""
    places = _ledger(tx).places
    for pk, subnet_id in ids:
        places[pk] = {"network_id": network_id, "subnet_id": subnet_id}


def _ledger(tx: Transaction) -> _Ledger:
    """The transaction's ledger, written before the commit and forgotten after it."""
    ledger = _LEDGERS.get(tx)
    if ledger is None:
        ledger = _LEDGERS[tx] = _Ledger()

        def close() -> None:
            del _LEDGERS[tx]

        tx.before_commit(partial(_write, tx, ledger))
        tx.on_commit(close)
        tx.on_rollback(close)
    return ledger


def _write(tx: Transaction, ledger: _Ledger) -> None:
    ledger.moves.extend(_kept_by_changed(tx, ledger))
    if not ledger.moves:
        return
    _look_up(tx, ledger)
    events = [ledger.row(move) for move in ledger.moves]
    rows = [tuple([event[name] for name in _COLUMNS]) for event in events]
    last_rows.add(tx, _T, _COLUMNS, rows)
    ledger.moves.clear()
    ledger.changed.clear()


def _row(action: str, ip: bytes, at_us: int, holder: Row, place: Row, *, counted: Row) -> Row:
    own = {"id": model.new_id(), "action": action, "ip_address": ip, "occurred_at_us": at_us}
    return {**own, **holder, **place, **counted}


def _counted(subnet_pk: int, *, before: Row | None = None, after: Row | None = None) -> Row:
    """What an event changes in the counters of its subnet: see `store.subnet_counters`."""
    held = _is_held(after) - _is_held(before)
    dynamic = _is_dynamic(after) - _is_dynamic(before)
    return {"uncounted_in": subnet_pk, "held_change": held, "dynamic_change": dynamic}


def _is_held(holder: Row | None) -> bool:
    return holder is not None and not holder["device_id"]


def _is_dynamic(holder: Row | None) -> bool:
    return holder is not None and holder["device_owner"] == model.LEASE_PORT_OWNER


def _holder(row: Record) -> Row:
    return {name: getattr(row, name) for name in HOLDER}


def _place(row: Record) -> Row:
    return {"network_id": row.network_id, "subnet_id": row.subnet_id}


def _kept_by_changed(tx: Transaction, ledger: _Ledger) -> list[Row]:
    """Events for the addresses that changed ports had before and still have."""
    if not ledger.changed:
        return []
    fresh = {(move.subnet_pk, move.ip) for move in ledger.allocations}
    now_us = clock.now_microseconds()
    events = []
    for pk in sorted(ledger.changed):
        for row in tx.execute(_ADDRESSES, {"owner_pk": pk}):
            if (row.subnet_pk, row.ip) in fresh:
                continue
            holder = _holder(row)
            before = ledger.changed[pk] or holder
            counted = _counted(row.subnet_pk, before=before, after=holder)
            events.append(_row(CHANGED, row.ip, now_us, holder, _place(row), counted=counted))
    return events


def _describe_port(tx: Transaction, owner_pk: int) -> tuple[Row, Mapping[int, Row]]:
    """The description of a port at this moment, with the subnets of its network."""
    rows = tx.execute(_PORT_AND_SUBNETS, {"owner_pk": owner_pk}).all()
    assert rows, f"port {owner_pk} gave back an address and is on no network with subnets"
    return _holder(rows[0]), {row.subnet_pk: _place(row) for row in rows}


def _look_up(tx: Transaction, ledger: _Ledger) -> None:
    """Read the ports and subnets that are not known yet."""
    port, network, subnet = tables.port, tables.network, tables.subnet
    owners = sorted({move.owner_pk for move in ledger.allocations} - ledger.holders.keys())
    for some in alternatives(owners):
        query = select(port.c.pk, *_holder_columns()).where(port.c.pk.in_(some))
        ledger.holders.update({row.pk: _holder(row) for row in tx.execute(query)})
    unknown = sorted({move.subnet_pk for move in ledger.allocations} - ledger.places.keys())
    for some in alternatives(unknown):
        places = (
            select(subnet.c.pk, subnet.c.id.label("subnet_id"), network.c.id.label("network_id"))
            .join(network, network.c.pk == subnet.c.network_pk)
            .where(subnet.c.pk.in_(some))
        )
        ledger.places.update({row.pk: _place(row) for row in tx.execute(places)})
