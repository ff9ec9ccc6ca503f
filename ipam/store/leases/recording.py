"""Records lease events of DHCP servers: the history, and the leases that follow from it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ipam import clock, model
from ipam.errors import MacAddressInUse
from ipam.rules.leases import Holder, Key, Lease, LeaseEvent, after_all, with_holder
from ipam.store import served_networks
from ipam.store.engine import bulk
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.rows_by_number import ByNumbers
from ipam.store.engine.write_again import write_again
from ipam.store.leases import sequences, touched
from ipam.store.tables import agent, lease, lease_event

INTERFERENCE: Final = (IntegrityError, MacAddressInUse)
"""What another transaction has made meanwhile: an event, a lease, a machine's port."""
_TOLD: Final = tuple((set(LeaseEvent.__struct_fields__) & set(lease_event.c.keys())) - {"details"})
"""The columns of the history that an event has. Its place in its epoch is kept by `sequences`."""
_HISTORY: Final = (*_TOLD, "details", "project_id", "port_id", "recorded_at_us")
_LEASE: Final = (*touched.STATE, *touched.HOLDER)
_RENEWED: Final = ("expires_at", "last_seen_at_us")
"""What a renewal changes."""
_told_by: Final = attrgetter(*_TOLD)
_state_of: Final = attrgetter(*touched.STATE)
_lasting_of: Final = attrgetter(*(name for name in touched.STATE if name not in _RENEWED))
_GONE: Final = ByNumbers(delete(lease), lease.c.pk)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many events of a batch were new, and how many were known."""

    applied: int
    duplicates: int


OnOwnNames: TypeAlias = Callable[[Transaction, Collection[str]], object]
"""Is told of the ports whose machines call themselves otherwise now, in the same transaction."""


class Follower(Protocol):
    """Is told of the leases after a batch, by address, in the same transaction."""

    def __call__(
        self,
        tx: Transaction,
        leases: Mapping[Key, Lease | None],
        vendor_classes: Mapping[Key, str],
    ) -> Mapping[Key, Holder]:
        """The addresses that have another holder now."""


def record(
    database: Database,
    events: Sequence[LeaseEvent],
    *,
    reporter: str = "",
    follow: Follower | None = None,
    on_own_names: OnOwnNames | None = None,
) -> Recorded:
    """Insert events into the history, each id once, and update the leases; all or nothing.

    The order of the events counts. `follow` says who holds leases that nobody held before. If
    the `reporter`, a host, is not to be believed in all, only leases of networks that it serves,
    and leases that it gave, change.
    Raises DatabaseUnavailable when others keep interfering.
    """

    def work(tx: Transaction, *, trusting: bool = False) -> Recorded:
        return _record(tx, events, reporter, follow, on_own_names, trusting=trusting)

    try:
        return database.write(lambda tx: work(tx, trusting=True))
    except INTERFERENCE:
        pass
    # A batch collides only with its own repetition, or with another host's event for an address.
    return write_again(database, work, INTERFERENCE)


def _record(
    tx: Transaction,
    events: Sequence[LeaseEvent],
    reporter: str,
    follow: Follower | None,
    on_own_names: OnOwnNames | None,
    *,
    trusting: bool = False,
) -> Recorded:
    """`trusting`: what goes on where its host ended has no id that the history has.

    If it has one after all, the history refuses it.
    """
    marks = sequences.read(tx, {event.host for event in events if event.epoch})
    new = [event for event in events if not sequences.has(marks, event)]
    first_of_id = {event.id: event for event in reversed(new)}
    unsure = [e.id for e in new if not (trusting and sequences.continues(marks, e))]
    known = touched.known_ids(tx, list(dict.fromkeys(unsure)))
    fresh = [e for e in new if e.id not in known and first_of_id[e.id] is e]
    sequences.write(tx, marks, new)
    keys = sorted({event.key for event in fresh})
    stored = touched.stored_leases(tx, keys) if keys else {}
    ended = touched.ends(tx, [e for e in fresh if not e.is_end and e.key not in stored])
    owners = touched.owners(tx, keys) if keys else {}
    owners |= touched.owners_by_mac(tx, [e for e in fresh if _is_privacy_address(e, owners)])
    projects = touched.projects(tx, {event.network_id for event in fresh})
    with_holders = [
        with_holder(event, owners.get(event.key), projects.get(event.network_id, ""))
        for event in fresh
    ]
    before = {key: each.lease for key, each in stored.items()}
    believed = _believed(tx, with_holders, before, reporter) if reporter else with_holders
    leases = after_all(before, believed, ended, model.new_id)
    if follow is not None and (found := follow(tx, leases, _vendor_classes(fresh))):
        with_holders = [(event, _new_holder(event, found) or held) for event, held in with_holders]
    now_us = clock.now_microseconds()
    rows = [_history_row(*each, now_us) for each in with_holders]
    bulk.insert_all(tx, lease_event, _HISTORY, rows)
    _write_leases(tx, stored, leases, {event.key: holder for event, holder in with_holders})
    if on_own_names is not None and (of_ports := _renamed(stored, leases, with_holders)):
        on_own_names(tx, of_ports)
    return Recorded(len(fresh), len(events) - len(fresh))


def _renamed(
    stored: Mapping[Key, touched.Stored],
    leases: Mapping[Key, Lease | None],
    with_holders: Sequence[tuple[LeaseEvent, Holder]],
) -> set[str]:
    """The ports whose machines call themselves otherwise than before."""
    ports = {key: each.holder[2] for key, each in stored.items() if each.lease.own_name}
    names = {key: stored[key].lease.own_name for key in ports}
    ports |= {event.key: holder.port_id for event, holder in with_holders if event.own_name}
    now = {key: state.own_name for key, state in leases.items() if state is not None}
    return {of for key, of in ports.items() if of and names.get(key, "") != now.get(key, "")}


def _is_privacy_address(event: LeaseEvent, owners: Mapping[Key, Holder]) -> bool:
    """Whether a machine made an address that no port has."""
    is_made = event.source == "slaac" and len(event.ip_address) == 16
    return is_made and event.key not in owners


def _new_holder(event: LeaseEvent, found: Mapping[Key, Holder]) -> Holder | None:
    """The new holder of the event's address, if the event is about its machine."""
    holder = found.get(event.key)
    is_its = holder is not None and event.mac_address in (None, holder.mac_address)
    return holder if is_its else None


def _vendor_classes(events: Sequence[LeaseEvent]) -> dict[Key, str]:
    """What the machines of these addresses say that they are."""
    return {e.key: e.details["vendor_class"] for e in events if "vendor_class" in e.details}


def _believed(
    tx: Transaction,
    events: Sequence[tuple[LeaseEvent, Holder]],
    leases: Mapping[Key, Lease],
    reporter: str,
) -> list[tuple[LeaseEvent, Holder]]:
    """The events of networks that this host serves, or of leases that it gave."""
    own = (agent.c.host == reporter, agent.c.agent_type == model.DHCP_AGENT_TYPE)
    row = tx.execute(select(agent).where(*own)).one_or_none()
    ids = {event.network_id for event, _ in events}
    served = served_networks.served_ids(tx, row, list(ids)) if row else frozenset()
    gave = {key for key, lease_ in leases.items() if lease_.host == reporter}
    return [each for each in events if each[0].network_id in served or each[0].key in gave]


def _history_row(event: LeaseEvent, holder: Holder, recorded_at_us: int) -> tuple[Any, ...]:
    return (
        *_told_by(event),
        msgspec.json.encode(event.details).decode(),
        holder.project_id,
        holder.port_id,
        recorded_at_us,
    )


def _write_leases(
    tx: Transaction,
    stored: Mapping[Key, touched.Stored],
    leases: Mapping[Key, Lease | None],
    owners: Mapping[Key, Holder],
) -> None:
    """Insert, change and delete rows so that they become `leases`."""
    made, changed, renewed, gone = [], [], [], []
    for key, state in leases.items():
        before = stored.get(key)
        if state is None:
            if before is not None:
                gone.append(before.pk)
        elif before is None or state != before.lease:
            of = owners[key]
            holder = (of.project_id, of.subnet_id, of.port_id)
            if before is None:
                made.append((*_state_of(state), *holder))
            elif bulk.takes_parts(tx) and _is_renewed(before, state, holder):
                renewed.append((before.pk, state.expires_at, state.last_seen_at_us))
            else:
                changed.append((before.pk, *_state_of(state), *holder))
    for statement, parameters in _GONE.each(tx, gone) if gone else ():
        tx.execute(statement, parameters)
    bulk.insert_all(tx, lease, _LEASE, made)
    bulk.update_all(tx, lease, ("pk", *_LEASE), changed)
    bulk.update_all(tx, lease, ("pk", *_RENEWED), renewed)


def _is_renewed(before: touched.Stored, state: Lease, holder: tuple[Any, ...]) -> bool:
    """Whether nothing is new but until when it lasts."""
    return before.holder == holder and _lasting_of(before.lease) == _lasting_of(state)
