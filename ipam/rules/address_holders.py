"""Decides who held which address when, from allocation events and lease events together. Pure.

The allocation history says which port had an address. The lease history says which machine a DHCP
server gave it to, by which name and on which host. A lease of a port's machine becomes a part of
the port's time. Any other lease is a holder of its own.

Events may be missing where the history begins: what ends without a beginning began before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, TypeAlias

from ipam.model import LeaseAction

ALLOCATED: Final = "allocated"
RELEASED: Final = "released"

Place: TypeAlias = tuple[str, bytes]
"""Network id and packed address."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """An event of the allocation history. `number` orders the events of one address."""

    number: int
    action: str
    ip_address: bytes
    network_id: str
    subnet_id: str
    port_id: str
    project_id: str
    device_id: str
    device_owner: str
    mac_address: str
    occurred_at_us: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event of the lease history, or a lease that lasts, as the `add` of its beginning."""

    action: LeaseAction
    ip_address: bytes
    network_id: str
    port_id: str | None
    project_id: str
    mac_address: str | None
    hostname: str | None
    host: str
    expires_at: int | None
    occurred_at_us: int


@dataclass(frozen=True, slots=True)
class LeaseSpan:
    """The time of a lease. None as its begin is before the history, as its end is not yet."""

    last: Sighting
    since_us: int | None
    until_us: int | None


@dataclass(frozen=True, slots=True)
class AddressHolder:
    """Who held an address from `since_us` to `until_us`, which are None as in `LeaseSpan`.

    Without a port the times are those of the lease.
    """

    ip_address: bytes
    network_id: str
    project_id: str
    since_us: int | None
    until_us: int | None
    mac_address: str | None
    subnet_id: str | None = None
    port_id: str | None = None
    device_id: str | None = None
    device_owner: str | None = None
    lease: LeaseSpan | None = None
    """The last lease of that time."""

    def held_at(self, instant_us: int) -> bool:
        """Whether the address was held at this instant."""
        begun = self.since_us is None or self.since_us <= instant_us
        return begun and (self.until_us is None or instant_us < self.until_us)


def holders(
    allocations: Iterable[Allocation], sightings: Iterable[Sighting]
) -> list[AddressHolder]:
    """All holders that these events tell of, the newest first."""
    ports: dict[Place, list[AddressHolder]] = {}
    for holder in _of_ports(allocations):
        ports.setdefault((holder.network_id, holder.ip_address), []).append(holder)
    strangers = []
    for span in _spans(sightings):
        of_address = ports.get((span.last.network_id, span.last.ip_address), [])
        at = _port_of(span, of_address)
        if at is None:
            strangers.append(_stranger(span))
        else:
            of_address[at] = replace(of_address[at], lease=_later(of_address[at].lease, span))
    found = [holder for each in ports.values() for holder in each] + strangers
    return sorted(found, key=lambda each: (each.since_us or 0, each.until_us or 0), reverse=True)


def _of_ports(events: Iterable[Allocation]) -> list[AddressHolder]:
    """The times in which ports had addresses."""
    found: list[AddressHolder] = []
    in_order = sorted(events, key=lambda event: (event.ip_address, event.subnet_id, event.number))
    for _, of_address in groupby(in_order, key=lambda event: (event.ip_address, event.subnet_id)):
        now: AddressHolder | None = None
        for event in of_address:
            at = event.occurred_at_us
            is_known = now is not None and now.port_id == event.port_id
            if now is not None:
                found.append(replace(now, until_us=at))
            if not is_known and event.action != ALLOCATED:
                found.append(_of_port(event, None, at))
            now = None if event.action == RELEASED else _of_port(event, at, None)
        if now is not None:
            found.append(now)
    return [holder for holder in found if holder.since_us != holder.until_us]


def _of_port(event: Allocation, since_us: int | None, until_us: int | None) -> AddressHolder:
    return AddressHolder(
        ip_address=event.ip_address,
        network_id=event.network_id,
        project_id=event.project_id,
        since_us=since_us,
        until_us=until_us,
        mac_address=event.mac_address,
        subnet_id=event.subnet_id,
        port_id=event.port_id,
        device_id=event.device_id,
        device_owner=event.device_owner,
    )


def _spans(sightings: Iterable[Sighting]) -> list[LeaseSpan]:
    """The times of leases, the oldest of each address first."""
    found: list[LeaseSpan] = []
    in_order = sorted(
        sightings, key=lambda each: (each.network_id, each.ip_address, each.occurred_at_us)
    )
    for _, of_address in groupby(in_order, key=lambda each: (each.network_id, each.ip_address)):
        now: LeaseSpan | None = None
        for event in of_address:
            at = event.occurred_at_us
            is_same = now is not None and now.last.mac_address == event.mac_address
            if event.action in ("del", "missed"):
                if now is not None and is_same:
                    found.append(LeaseSpan(_told(now.last, event), now.since_us, at))
                    now = None
                elif now is None:
                    found.append(LeaseSpan(event, None, at))
            elif now is not None and is_same:
                now = LeaseSpan(_told(now.last, event), now.since_us, None)
            else:
                if now is not None:
                    found.append(replace(now, until_us=at))
                now = LeaseSpan(event, at, None)
        if now is not None:
            found.append(now)
    return found


def _told(before: Sighting, event: Sighting) -> Sighting:
    """The event, with what it leaves out as it was before."""
    return replace(
        event,
        hostname=event.hostname or before.hostname,
        port_id=event.port_id or before.port_id,
        expires_at=before.expires_at if event.expires_at is None else event.expires_at,
    )


def _port_of(span: LeaseSpan, of_address: Sequence[AddressHolder]) -> int | None:
    """The place of the port whose machine had the lease.

    Of several times of one port it is the last that began before the lease ended. The clock of a
    host may differ a little, so that the lease can seem to begin before its port.
    """
    own = [place for place, holder in enumerate(of_address) if holder.port_id == span.last.port_id]
    if span.last.port_id is None or not own:
        return None
    begun = [
        place
        for place in own
        if span.until_us is None or (of_address[place].since_us or 0) <= span.until_us
    ]
    return (begun or own[:1])[-1]


def _stranger(span: LeaseSpan) -> AddressHolder:
    return AddressHolder(
        ip_address=span.last.ip_address,
        network_id=span.last.network_id,
        project_id=span.last.project_id,
        since_us=span.since_us,
        until_us=span.until_us,
        mac_address=span.last.mac_address,
        port_id=span.last.port_id,
        lease=span,
    )


def _later(one: LeaseSpan | None, other: LeaseSpan) -> LeaseSpan:
    """The time from the first lease to the last."""
    if one is None:
        return other
    early, late = sorted((one, other), key=lambda span: span.since_us or 0)
    return LeaseSpan(late.last, early.since_us, late.until_us)
