"""What dnsmasq is told of a lease in its machine's name, as frames for its interface."""

import random
from ipaddress import IPv4Address, IPv6Address

from ipam import model
from ipam.agent.actions import ReleaseLease, RestoreLease
from ipam.agent.dnsmasq import probe_dhcp4, probe_dhcp6, probe_frames
from ipam.agent.dnsmasq.config import server_duid
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.state import Lease

LONGEST_NAME = 63


def release6(step: ReleaseLease) -> bytes:
    """The frame that gives an IPv6 lease back. Raises DnsmasqFailed if too little is known."""
    relay = IPv6Address(step.server)
    message = probe_dhcp6.release(relay, _held(step))
    return probe_frames.dhcp6_frame(probe_frames.octets(step.interface.mac), relay, message)


def request(step: RestoreLease, seconds: int) -> bytes:
    """The frame that asks for the lease. Raises DnsmasqFailed if too little is known."""
    to, lease = probe_frames.octets(step.interface.mac), step.lease
    if not lease.mac_address:
        raise DnsmasqFailed(f"lease of {lease.ip_address}: no MAC address is known")
    mac = probe_frames.octets(lease.mac_address)
    if model.ip_version(lease.ip_address) == 6:
        relay = IPv6Address(step.server)
        message = probe_dhcp6.request(relay, _held(step), mac=mac, seconds=seconds)
        return probe_frames.dhcp6_frame(to, relay, message)
    message = probe_dhcp4.request(
        random.getrandbits(32),
        mac,
        IPv4Address(step.server),
        IPv4Address(lease.ip_address),
        seconds=seconds,
        client_id=probe_frames.octets(whole_client_id(lease)),
        hostname=(lease.hostname or "").encode("ascii", "ignore")[:LONGEST_NAME],
    )
    return probe_frames.dhcp4_frame(to, message)


def whole_client_id(lease: Lease) -> str:
    """The lease's client identifier, if it has one that can be told; else empty.

    dnsmasq tells its hook no more than 100 octets, and then a colon. A lease is found by its MAC
    address, too, but with the wrong identifier it is not.
    """
    told = lease.client_id or ""
    return "" if told.endswith(":") else told


def _held(step: ReleaseLease | RestoreLease) -> probe_dhcp6.Holding:
    lease = step.lease
    if not (lease.duid and lease.iaid):
        raise DnsmasqFailed(f"lease of {lease.ip_address}: no DUID or IAID is known")
    return probe_dhcp6.Holding(
        address=IPv6Address(lease.ip_address),
        duid=probe_frames.octets(lease.duid),
        iaid=int(lease.iaid.removeprefix("T")).to_bytes(4),
        is_temporary=lease.iaid.startswith("T"),
        server_duid=probe_frames.octets(server_duid(step.network_id)),
    )
