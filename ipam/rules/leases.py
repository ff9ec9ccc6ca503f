"""What an event does to a lease: pure, one event after the other.

Rule 1: a lease is what a DHCP server last said, so an event older than that changes nothing.
Rule 2: an end counts only for the machine that has the lease. A late `del` of the machine before
does not end its successor's lease, and the host that a machine has left neither ends its lease
when it forgets the machine, nor takes it back with an `old` that it repeats.
Rule 3: another machine on the address makes another lease, with an id and a beginning of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from ipam.model import LeaseAction

Key: TypeAlias = tuple[str, bytes]
"""Network id and packed address: one lease at most."""


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """What a DHCP server did, or (`missed`) an end that none reported."""

    id: str
    network_id: str
    host: str
    action: LeaseAction
    ip_address: bytes
    occurred_at_us: int
    mac_address: str | None = None
    client_id: str | None = None
    duid: str | None = None
    iaid: str | None = None
    hostname: str | None = None
    expires_at: int | None = None
    """Epoch seconds; None is infinite for `add`, and says nothing for the others."""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return (self.network_id, self.ip_address)

    @property
    def is_end(self) -> bool:
        return self.action in ("del", "missed")


@dataclass(frozen=True, slots=True)
class Lease:
    """The state of one address, as the last event left it."""

    id: str
    network_id: str
    ip_address: bytes
    host: str
    mac_address: str | None
    client_id: str | None
    duid: str | None
    iaid: str | None
    hostname: str | None
    expires_at: int | None
    first_seen_at_us: int
    last_seen_at_us: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an address: what a lease of it is said to belong to."""

    project_id: str
    subnet_id: str | None = None
    port_id: str | None = None
    mac_address: str | None = None
    host: str = ""
    """To which its port is bound."""


def holder_of(event: LeaseEvent, owner: Holder | None, project_id: str) -> Holder:
    """The holder that the event is about: not a port that has the address with another MAC.

    `owner` is the port that owns the address, `project_id` whose network it is.
    """
    if owner is None:
        return Holder(project_id)
    if event.mac_address and event.mac_address != owner.mac_address and not event.duid:
        return Holder(project_id, owner.subnet_id)
    return owner


def after_all(
    stored: Mapping[Key, Lease],
    told: Sequence[tuple[LeaseEvent, Holder]],
    ended_at_us: Mapping[Key, int],
    new_id: Callable[[], str],
) -> dict[Key, Lease | None]:
    """The leases once these events, with whom they are about, are told in their order.

    None is a lease that is over. `ended_at_us` is when a DHCP server last ended the lease of an
    address that has none: an event that was long on its way does not bring that back.
    """
    leases: dict[Key, Lease | None] = dict(stored)
    ends = dict(ended_at_us)
    for event, holder in told:
        if event.occurred_at_us >= ends.get(event.key, 0):
            before = leases.get(event.key)
            leases[event.key] = after(before, event, new_id, bound_host=holder.host)
        if event.action == "del" and leases.get(event.key) is None:
            ends[event.key] = max(event.occurred_at_us, ends.get(event.key, 0))
    return leases


def after(
    lease: Lease | None, event: LeaseEvent, new_id: Callable[[], str], *, bound_host: str = ""
) -> Lease | None:
    """The lease of the event's address once the event is told; None when there is none.

    `bound_host` is where the machine's port is bound now; "" is nowhere.
    """
    if lease is not None and _is_stale(lease, event, bound_host):
        return lease
    match event.action:
        case "del" | "missed":
            return None if lease is None or _ends(lease, event, bound_host) else lease
        case "add" | "old":
            if lease is None or not is_same_machine(lease, event):
                return _begun(event, new_id())
            if event.action == "add":
                return _repeated(lease, event)
            return lease if _is_echo(lease, event, bound_host) else _renewed(lease, event)
        case _:
            assert_never(event.action)


def _is_stale(lease: Lease, event: LeaseEvent, bound_host: str) -> bool:
    """Whether a later word is known: but not the last words of the host that the machine left."""
    has_come = event.host == bound_host != lease.host
    return event.occurred_at_us < lease.last_seen_at_us and not has_come


def _ends(lease: Lease, event: LeaseEvent, bound_host: str) -> bool:
    """Not where the machine has gone to another host, seen or not yet seen there."""
    if _has_left(event, bound_host):
        return False
    return lease.host == event.host and is_same_machine(lease, event)


def _is_echo(lease: Lease, event: LeaseEvent, bound_host: str) -> bool:
    """An `old` that dnsmasq tells of all its leases when it reads its files, of one that has gone.

    At the next host the lease began with an `add`.
    """
    return _has_left(event, bound_host) and lease.host != event.host


def _has_left(event: LeaseEvent, bound_host: str) -> bool:
    """Whether the machine's port is on another host than the one that speaks."""
    return bound_host not in ("", event.host)


def is_same_machine(lease: Lease, event: LeaseEvent) -> bool:
    """Whether nothing that both name speaks against it: DUID and IAID first, then the MAC."""
    if lease.duid and event.duid:
        same_iaid = not (lease.iaid and event.iaid) or lease.iaid == event.iaid
        return lease.duid == event.duid and same_iaid
    if lease.mac_address and event.mac_address:
        return lease.mac_address == event.mac_address
    return True


def _begun(event: LeaseEvent, lease_id: str) -> Lease:
    return Lease(
        id=lease_id,
        network_id=event.network_id,
        ip_address=event.ip_address,
        host=event.host,
        mac_address=event.mac_address,
        client_id=event.client_id,
        duid=event.duid,
        iaid=event.iaid,
        hostname=event.hostname,
        expires_at=event.expires_at,
        first_seen_at_us=event.occurred_at_us,
        last_seen_at_us=event.occurred_at_us,
    )


def _repeated(lease: Lease, event: LeaseEvent) -> Lease:
    """An `add` says everything anew; only the beginning stays."""
    begun = _begun(event, lease.id)
    last_seen_at_us = max(lease.last_seen_at_us, event.occurred_at_us)
    return replace(begun, first_seen_at_us=lease.first_seen_at_us, last_seen_at_us=last_seen_at_us)


def _renewed(lease: Lease, event: LeaseEvent) -> Lease:
    """An `old` may leave out what the `add` said (dnsmasq(8), --dhcp-script): that stays."""
    return replace(
        lease,
        host=event.host,
        mac_address=event.mac_address or lease.mac_address,
        client_id=event.client_id or lease.client_id,
        duid=event.duid or lease.duid,
        iaid=event.iaid or lease.iaid,
        hostname=event.hostname or lease.hostname,
        expires_at=lease.expires_at if event.expires_at is None else event.expires_at,
        last_seen_at_us=max(lease.last_seen_at_us, event.occurred_at_us),
    )
