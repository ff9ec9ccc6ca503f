"""Who had which address when: the table `allocation_event`, written and read.

Every address that changes hands leaves a row, in the transaction that moves it: the rows of one
transaction go in together, as its last statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, insert, select

from ipam import clock, model
from ipam.chunks import chunks
from ipam.store import tables
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection

_T = tables.allocation_event

ALLOCATED: Final = "allocated"
CHANGED: Final = "changed"
"""The port kept the address and became another machine's."""
RELEASED: Final = "released"

_INSERT: Final = insert(_T).inline()
"""Nobody asks for the number of the new row, which a single one would else return."""

HOLDER: Final = ("port_id", "project_id", "device_id", "device_owner", "mac_address")


def _holder_columns() -> list[ColumnElement[Any]]:
    port = tables.port.c
    return [port.id.label("port_id"), *(port[name] for name in HOLDER[1:])]


_LAST_WORDS: Final = (
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

_ADDRESSES: Final = _LAST_WORDS.add_columns(tables.ip_address.c.ip).join(
    tables.ip_address,
    and_(
        tables.ip_address.c.subnet_pk == tables.subnet.c.pk,
        tables.ip_address.c.owner_pk == tables.port.c.pk,
    ),
)
"""What a port is, with a row for each of its addresses."""

_LEDGER: Final = "allocation ledger"


def _held_at(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
    """The last event of an address up to this instant, if it had a holder then."""
    instant = max(instants.microseconds(text) for text in texts)
    later = _T.alias("later")
    return and_(
        _T.c.action != RELEASED,
        _T.c.occurred_at_us <= instant,
        ~exists().where(
            later.c.ip_address == _T.c.ip_address,
            later.c.subnet_id == _T.c.subnet_id,
            later.c.pk > _T.c.pk,
            later.c.occurred_at_us <= instant,
        ),
    )


COLLECTION: Final = Collection(
    source=_T,
    selected=tuple(_T.c),
    columns={
        "id": _T.c.id,
        "action": _T.c.action,
        "ip_address": _T.c.ip_address,
        "network_id": _T.c.network_id,
        "subnet_id": _T.c.subnet_id,
        "port_id": _T.c.port_id,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "device_id": _T.c.device_id,
        "device_owner": _T.c.device_owner,
        "mac_address": _T.c.mac_address,
        "occurred_at": _T.c.occurred_at_us,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special={
        "occurred_at": instants.equal(_T.c.occurred_at_us),
        "since": instants.at_or_after(_T.c.occurred_at_us),
        "until": instants.before(_T.c.occurred_at_us),
        "at": _held_at,
    },
    newest_first=True,
)


@dataclass(frozen=True, slots=True)
class _Given:
    """An address that got an owner, of whom the ledger's end knows more."""

    subnet_pk: int
    ip: bytes
    owner_pk: int
    at_us: int


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What one transaction has moved so far, in order, and what it knows of ports and subnets."""

    moves: list[_Given | dict[str, Any]] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    holders: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    places: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def row(self, move: _Given | dict[str, Any]) -> dict[str, Any]:
        """The event of a move, all of whose ports and subnets are known."""
        if isinstance(move, dict):
            return move
        holder, place = self.holders[move.owner_pk], self.places[move.subnet_pk]
        return _row(ALLOCATED, move.ip, move.at_us, holder, place)


class AllocationHistory:
    """The allocator's journal."""

    def allocated(self, tx: Transaction, subnet_pk: int, given: Mapping[bytes, int]) -> None:
        """Note which addresses of a subnet now belong to which ports."""
        now_us = clock.now_microseconds()
        _moves(tx).extend(_Given(subnet_pk, ip, owner, now_us) for ip, owner in given.items())

    def released(self, tx: Transaction, subnet_pk: int, ip: bytes, owner_pk: int) -> None:
        """Note that a port gave back an address; the port is still there, as it was."""
        holder, places = _last_words(tx, owner_pk)
        _moves(tx).append(_row(RELEASED, ip, clock.now_microseconds(), holder, places[subnet_pk]))


def know_ports(tx: Transaction, pks: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> None:
    """Remember ports that this transaction makes: their events then need no look-up."""
    holders = _ledger(tx).holders
    for pk, row in zip(pks, rows, strict=True):
        holders[pk] = {"port_id": row["id"]} | {name: row[name] for name in HOLDER[1:]}


def port_changed(tx: Transaction, pk: int) -> None:
    """Note that a port is another machine's now: who had its addresses is asked by machine."""
    _ledger(tx).changed.add(pk)


def know_subnets(tx: Transaction, network_id: str, ids: Iterable[tuple[int, str]]) -> None:
    """Remember subnets (number, id) of a network, as `know_ports` does ports."""
    places = _ledger(tx).places
    for pk, subnet_id in ids:
        places[pk] = {"network_id": network_id, "subnet_id": subnet_id}


def forget(tx: Transaction, *, before_us: int, limit: int) -> int:
    """Delete at most `limit` events of addresses that were given back before this instant.

    Of one that still has its owner every event stays, so that `at` is right for all the time
    that is kept.
    """
    other = _T.alias("other")
    same = and_(other.c.ip_address == _T.c.ip_address, other.c.subnet_id == _T.c.subnet_id)
    ended = exists().where(
        same,
        other.c.action == RELEASED,
        other.c.pk > _T.c.pk,
        other.c.occurred_at_us < before_us,
    )
    begun = exists().where(same, other.c.action != RELEASED, other.c.pk < _T.c.pk)
    releases_last = (
        and_(_T.c.action != RELEASED, ended),
        and_(_T.c.action == RELEASED, ~begun),
    )
    for condition in releases_last:
        query = (
            select(_T.c.pk)
            .where(_T.c.occurred_at_us < before_us, condition)
            .order_by(_T.c.occurred_at_us)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if pks := list(tx.execute(query).scalars()):
            for some in chunks(pks):
                tx.execute(delete(_T).where(_T.c.pk.in_(some)))
            return len(pks)
    return 0


def _ledger(tx: Transaction) -> _Ledger:
    ledger: _Ledger | None = tx.memo.get(_LEDGER)
    if ledger is None:
        ledger = tx.memo[_LEDGER] = _Ledger()
        tx.before_commit(lambda: _write(tx))
    return ledger


def _moves(tx: Transaction) -> list[_Given | dict[str, Any]]:
    return _ledger(tx).moves


def _write(tx: Transaction) -> None:
    ledger = _ledger(tx)
    ledger.moves.extend(_kept_by_changed(tx, ledger))
    if not ledger.moves:
        return
    _look_up(tx, ledger, [move for move in ledger.moves if isinstance(move, _Given)])
    tx.execute(_INSERT, [ledger.row(move) for move in ledger.moves])


def _row(
    action: str, ip: bytes, at_us: int, holder: Mapping[str, Any], place: Mapping[str, Any]
) -> dict[str, Any]:
    own = {"id": model.new_id(), "action": action, "ip_address": ip, "occurred_at_us": at_us}
    return {**own, **holder, **place}


def _kept_by_changed(tx: Transaction, ledger: _Ledger) -> list[dict[str, Any]]:
    """Events for the addresses that changed ports had before and have still."""
    if not ledger.changed:
        return []
    fresh = {(move.subnet_pk, move.ip) for move in ledger.moves if isinstance(move, _Given)}
    now_us = clock.now_microseconds()
    return [
        _row(
            CHANGED,
            row.ip,
            now_us,
            {name: getattr(row, name) for name in HOLDER},
            {"network_id": row.network_id, "subnet_id": row.subnet_id},
        )
        for pk in sorted(ledger.changed)
        for row in tx.execute(_ADDRESSES, {"owner_pk": pk})
        if (row.subnet_pk, row.ip) not in fresh
    ]


def _last_words(
    tx: Transaction, owner_pk: int
) -> tuple[Mapping[str, Any], Mapping[int, Mapping[str, Any]]]:
    """What a port is now, with the subnets of its network; asked for once in a transaction."""
    key = ("last words", owner_pk)
    if key not in tx.memo:
        rows = tx.execute(_LAST_WORDS, {"owner_pk": owner_pk}).all()
        assert rows, f"port {owner_pk} gave back an address and is on no network with subnets"
        holder = {name: getattr(rows[0], name) for name in HOLDER}
        places = {
            row.subnet_pk: {"network_id": row.network_id, "subnet_id": row.subnet_id}
            for row in rows
        }
        tx.memo[key] = (holder, places)
    found: tuple[Mapping[str, Any], Mapping[int, Mapping[str, Any]]] = tx.memo[key]
    return found


def _look_up(tx: Transaction, ledger: _Ledger, given: Sequence[_Given]) -> None:
    """Learn of the ports and subnets that nobody told of."""
    port, network, subnet = tables.port, tables.network, tables.subnet
    owners = sorted({move.owner_pk for move in given} - ledger.holders.keys())
    for some in chunks(owners):
        query = select(port.c.pk, *_holder_columns()).where(port.c.pk.in_(some))
        for row in tx.execute(query):
            ledger.holders[row.pk] = {name: getattr(row, name) for name in HOLDER}
    unknown = sorted({move.subnet_pk for move in given} - ledger.places.keys())
    for some in chunks(unknown):
        places = (
            select(subnet.c.pk, subnet.c.id, network.c.id.label("network_id"))
            .join(network, network.c.pk == subnet.c.network_pk)
            .where(subnet.c.pk.in_(some))
        )
        for row in tx.execute(places):
            ledger.places[row.pk] = {"network_id": row.network_id, "subnet_id": row.id}
