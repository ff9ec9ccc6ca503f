"""Compares what a DHCP server holds with what was recorded. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ipam import model
from ipam.agent.dnsmasq.answered import Answer
from ipam.agent.leases.record import CUT
from ipam.agent.state import Lease
from ipam.model import LeaseAction
from ipam.rules.dhcp_option_values import INFINITE_SECONDS


@dataclass(frozen=True, slots=True)
class Difference:
    """An event that must have been, and that nobody recorded."""

    action: LeaseAction
    lease: Lease


def differences(held: Collection[Lease], recorded: Mapping[str, Lease]) -> list[Difference]:
    """The events that make of the recorded leases, by address, those that are held.

    An end stands before the begin on the same address.
    """
    found = []
    by_address = {lease.ip_address: lease for lease in held}
    for address, lease in recorded.items():
        if address not in by_address or not is_same_client(lease, by_address[address]):
            found.append(Difference("missed", lease))
    for address, lease in by_address.items():
        known = recorded.get(address)
        if known is None or not is_same_client(known, lease):
            found.append(Difference("add", lease))
        elif known.expires_at != lease.expires_at:
            found.append(Difference("old", lease))
    return found


def completed(held: Collection[Lease], recorded: Mapping[str, Lease]) -> list[Lease]:
    """The held leases, those of DHCPv6 with the MAC addresses that only a record has.

    One that is not recorded yet is left out: nobody knows whose it is, so it would pass for
    anybody's. Until then dnsmasq's refusal shows that it is there.
    """
    found = []
    for lease in held:
        if lease.duid:
            known = recorded.get(lease.ip_address)
            if known is None or not is_same_client(known, lease):
                continue
            found.append(replace(lease, mac_address=known.mac_address))
        else:
            found.append(lease)
    return found


def rebuilt(
    base: Collection[Lease],
    answered: Mapping[str, Answer],
    part: Collection[Lease],
    now: int,
    lease_seconds: int,
) -> list[Lease]:
    """The leases that a dnsmasq had when it was killed while it wrote its file.

    `base` are those that were known before, `answered` what it has said in its log since then, by
    address, and `part` what it has left of the file. `now` is in epoch seconds.
    """
    leases = {one.ip_address: one for one in base if not 0 < one.expires_at <= now}
    for address, (mac, hostname) in answered.items():
        known = leases.get(address)
        if not mac:
            leases.pop(address, None)
        elif known is None or known.mac_address != mac:
            leases[address] = Lease(address, mac, _end(now, lease_seconds), hostname or None)
    leases.update({one.ip_address: one for one in part})
    return list(leases.values())


def _end(now: int, lease_seconds: int) -> int:
    """When a lease that begins now ends; 0 for never."""
    return 0 if lease_seconds == INFINITE_SECONDS else now + lease_seconds


def is_same_client(one: Lease, other: Lease) -> bool:
    """Whether two leases of an address are of one client: its DUID and IAID, or its MAC address.

    An identifier that was cut is equal to the whole one.
    """
    if one.duid or other.duid:
        return one.iaid == other.iaid and _same(one.duid or "", other.duid or "")
    return ethernet_address(one) == ethernet_address(other)


def _same(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return shorter == longer or (shorter.endswith(CUT) and longer.startswith(shorter))


def ethernet_address(lease: Lease) -> str | None:
    """The lease's MAC address, if it is one of Ethernet. A hook's record has no other."""
    mac = lease.mac_address
    return mac if mac and model.is_mac(mac) else None
