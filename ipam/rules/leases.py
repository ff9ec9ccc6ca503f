"""Decides what events do to leases, one event after the other. Pure.

Rule 1: a lease is what a DHCP server last said, so an older event changes nothing. Which of two
events of one host is older, their order says, if the host gives them one, and else their times.
Hosts that were cut off tell late: between two hosts, their times decide.
Rule 2: an end counts only for the machine that has the lease. A late `del` for an earlier machine
does not end the lease of the next one. A host that a machine has left cannot end the machine's
lease with a `del`, and cannot take it back with a repeated `old`.
Rule 3: another machine on the address makes another lease, with its own id and begin.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from ipam.model import DHCP_LEASE, SLAAC_LEASE, LeaseAction, LeaseOrigin, LeaseSource

Key: TypeAlias = tuple[str, bytes]
"""Network id and packed address. There is at most one lease for each."""

SERVICE: Final = ""
"""Stands for a host where the service itself ended a lease."""

Ends: TypeAlias = Mapping[str, int]
"""When the lease of an address was last ended, by host, in microseconds since 1970."""


class LeaseEvent(Struct, frozen=True):
    """What a DHCP server did, or an end that no server reported (`missed`)."""

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
    own_name: str | None = ""
    """How the machine calls itself, where its port may answer to that; None if it is not said."""
    expires_at: int | None = None
    """Epoch seconds. None means infinite for `add`, and unknown for the others."""
    details: Mapping[str, str] = {}
    source: LeaseSource = "hook"
    epoch: str | None = None
    sequence: int | None = None
    """The event's place in its epoch. What a host tells in an epoch comes in order."""

    @property
    def key(self) -> Key:
        return (self.network_id, self.ip_address)

    @property
    def is_end(self) -> bool:
        return self.action in ("del", "missed")


class Lease(Struct, frozen=True):
    """The lease of one address after its last event."""

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
    source: LeaseOrigin = DHCP_LEASE
    own_name: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """The port and project to which a lease of an address belongs."""

    project_id: str
    subnet_id: str | None = None
    port_id: str | None = None
    mac_address: str | None = None
    host: str = ""
    """The host to which the port is bound."""


def holder_of(event: LeaseEvent, owner: Holder | None, project_id: str) -> Holder:
    """The holder that the event is about. A port with another MAC address is not the holder.

    `owner` is the port that owns the address, `project_id` the owner of the network.
    """
    if owner is None:
        return Holder(project_id)
    if event.mac_address and event.mac_address != owner.mac_address and not event.duid:
        return Holder(project_id, owner.subnet_id)
    return owner


def with_holder(
    event: LeaseEvent, owner: Holder | None, project_id: str
) -> tuple[LeaseEvent, Holder]:
    """The event with its holder, as `holder_of`.

    What the machine calls itself is left out unless the port is of the network's own project: the
    machines of others, who share the network, name nothing in it.
    """
    holder = holder_of(event, owner, project_id)
    if event.own_name and (holder.port_id is None or holder.project_id != project_id):
        return replace(event, own_name=""), holder
    return event, holder


def after_all(
    stored: Mapping[Key, Lease],
    events: Sequence[tuple[LeaseEvent, Holder]],
    ended_at_us: Mapping[Key, Ends],
    new_id: Callable[[], str],
) -> dict[Key, Lease | None]:
    """The leases after these events, which come with their holders, in their order.

    None is a lease that has ended. `ended_at_us` says when the lease of an address that has none
    was ended: an older event does not bring it back.
    """
    leases: dict[Key, Lease | None] = dict(stored)
    ends = {key: dict(each) for key, each in ended_at_us.items()}
    for event, holder in events:
        before = leases.get(event.key)
        if before is not None or not _has_ended(event, ends.get(event.key, {})):
            leases[event.key] = after(before, event, new_id, bound_host=holder.host)
        if event.action == "del":
            known = ends.setdefault(event.key, {})
            known[event.host] = max(event.occurred_at_us, known.get(event.host, 0))
    return leases


def _has_ended(event: LeaseEvent, ends: Ends) -> bool:
    """Whether the lease was ended after this event, which comes late."""
    own = event.host if event.epoch else None
    return any(event.occurred_at_us < at for host, at in ends.items() if host != own)


def after(
    lease: Lease | None, event: LeaseEvent, new_id: Callable[[], str], *, bound_host: str = ""
) -> Lease | None:
    """The lease of the event's address after the event; None if there is none.

    `bound_host` is the host to which the machine's port is bound; "" is none.
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
    """Whether a later event is known. Events of a host that the machine has left do not count."""
    if event.epoch and event.host == lease.host:
        return False  # what the host says later is later, whatever its clock says
    has_come = event.host == bound_host != lease.host
    return event.occurred_at_us < lease.last_seen_at_us and not has_come


def _ends(lease: Lease, event: LeaseEvent, bound_host: str) -> bool:
    """Whether a `del` ends the lease. It does not after the machine has moved to another host."""
    if _has_left(event, bound_host):
        return False
    return lease.host == event.host and is_same_machine(lease, event)


def _is_echo(lease: Lease, event: LeaseEvent, bound_host: str) -> bool:
    """Whether it is an `old` for a machine that has left the host.

    dnsmasq sends an `old` for each of its leases when it reads its files. On the machine's new
    host the lease began with an `add`.
    """
    return _has_left(event, bound_host) and lease.host != event.host


def _has_left(event: LeaseEvent, bound_host: str) -> bool:
    """Whether the machine's port is bound to another host than the event's."""
    return bound_host not in ("", event.host)


def is_same_machine(lease: Lease, event: LeaseEvent) -> bool:
    """Whether the values that both have are equal: DUID and IAID first, then the MAC address."""
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
        source=SLAAC_LEASE if event.source == "slaac" else DHCP_LEASE,
        own_name=event.own_name or "",
    )


def _repeated(lease: Lease, event: LeaseEvent) -> Lease:
    """The lease after an `add`, which replaces everything except the id and the begin."""
    begun = _begun(event, lease.id)
    last_seen_at_us = max(lease.last_seen_at_us, event.occurred_at_us)
    return replace(begun, first_seen_at_us=lease.first_seen_at_us, last_seen_at_us=last_seen_at_us)


def _renewed(lease: Lease, event: LeaseEvent) -> Lease:
    """The lease after an `old`. Values it leaves out stay (dnsmasq(8), --dhcp-script)."""
    return replace(
        lease,
        host=event.host,
        mac_address=event.mac_address or lease.mac_address,
        client_id=event.client_id or lease.client_id,
        duid=event.duid or lease.duid,
        iaid=event.iaid or lease.iaid,
        hostname=event.hostname or lease.hostname,
        own_name=lease.own_name if event.own_name is None else event.own_name,
        expires_at=lease.expires_at if event.expires_at is None else event.expires_at,
        last_seen_at_us=max(lease.last_seen_at_us, event.occurred_at_us),
    )
