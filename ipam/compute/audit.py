"""Where ports and Nova's servers contradict each other. Pure.

Ports are read first and servers after them, so that a server made in between does not look
deleted. What one look finds may be a change in progress. Only what two looks find is a finding.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from ipam.compute.facts import Interface, Listing, Port, Server
from ipam.compute.findings import Finding, Kind, about_port, age, time_text

DEFAULT_GRACE_SECONDS: Final = 900
UNSETTLED: Final = ("BUILD", "ERROR")
"""A server in one of these states that has no host is not judged."""
BAREMETAL: Final = "baremetal"
"""Ironic binds such a port to a node, which is not the host that Nova names."""


def find(listing: Listing, *, grace_seconds: float) -> list[Finding]:
    """Everything that one look shows. The action for orphans is not decided yet."""
    by_server: dict[str, list[Port]] = {}
    for port in listing.ports:
        by_server.setdefault(port.device_id, []).append(port)
    grace = timedelta(seconds=grace_seconds)
    found = [
        _orphan(port, listing)
        for port in gone_ports(listing)
        if listing.at - port.updated_at >= grace
    ]
    by_mac = {port.mac_address: port for port in listing.ports}
    for server in listing.servers.values():
        if not server.known or (server.host is None and server.status in UNSETTLED):
            continue
        ports = by_server.get(server.id, ())
        found += _strangers(server, ports, by_mac, listing.at)
        for port in ports:
            if port.server_id:
                contradictions = (
                    _wrong_host(server, port, listing),
                    _other(server, port, listing),
                )
                found += [finding for finding in contradictions if finding]
    return found


def gone_ports(listing: Listing) -> list[Port]:
    """The ports whose server is gone, ignoring the grace period."""
    return [port for port in listing.ports if port.server_id in listing.gone]


def confirmed(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """The findings of the second look that the first look had, too."""
    before = {finding.identity for finding in first}
    return [finding for finding in second if finding.identity in before]


def _orphan(port: Port, listing: Listing) -> Finding:
    return about_port(
        Kind.ORPHAN,
        port,
        listing.at,
        f"At {time_text(listing.at)} Nova has no server {port.device_id}: it is not among the"
        f" {len(listing.servers)} that it knows, and GET of it says 404. The port was last changed"
        f" at {time_text(port.updated_at)}.",
        "",
    )


def _wrong_host(server: Server, port: Port, listing: Listing) -> Finding | None:
    if server.host is None or server.task_state or port.vnic_type == BAREMETAL:
        return None
    if port.host in (server.host, None):
        return None
    bound = f"bound to host {port.host}" if port.host else "bound to no host"
    return about_port(
        Kind.WRONG_HOST,
        port,
        listing.at,
        f"The port (last changed {time_text(port.updated_at)}) is {bound}. Nova has the server on"
        f" host {server.host}, {server.status} (updated {time_text(server.updated_at)}).",
        f"If the server does run on {server.host}: `ipam port set {port.id} --host"
        f" {server.host}`.",
    )


def _other(server: Server, port: Port, listing: Listing) -> Finding | None:
    if server.task_state:
        return None
    shown = {
        address
        for interface in server.interfaces
        if interface.mac_address == port.mac_address
        for address in interface.addresses
    }
    if shown == port.addresses:
        return None
    return about_port(
        Kind.OTHER_ADDRESS,
        port,
        listing.at,
        f"The port (last changed {time_text(port.updated_at)}) has {_words(port.addresses)} at"
        f" {port.mac_address}. Nova's cache (server updated {time_text(server.updated_at)}) has"
        f" {_words(shown)} there.",
        "Have Nova refresh its cache: an event network-changed for this server and port does.",
    )


def _strangers(
    server: Server, ports: Sequence[Port], by_mac: Mapping[str, Port], now: datetime
) -> list[Finding]:
    """The server's interfaces that match no port of it, neither by MAC nor by IP addresses."""
    macs = {port.mac_address for port in ports}
    held = {address for port in ports for address in port.addresses}
    return [
        _stranger(server, interface, by_mac.get(interface.mac_address), now)
        for interface in server.interfaces
        if interface.mac_address not in macs and not interface.addresses & held
    ]


def _stranger(server: Server, interface: Interface, holder: Port | None, now: datetime) -> Finding:
    whose = (
        f" Port {holder.id} has this MAC address and is for device {holder.device_id or 'none'}."
        if holder
        else ""
    )
    return Finding(
        kind=Kind.STRANGER,
        server_id=server.id,
        project_id=server.project_id,
        network=interface.network,
        addresses=tuple(sorted(interface.addresses)),
        mac_address=interface.mac_address,
        age_seconds=age(now, server.updated_at),
        evidence=f"Nova's cache (server updated {time_text(server.updated_at)}, {server.status})"
        f" shows an interface {interface.mac_address} with {_words(interface.addresses)} on"
        f" {interface.network}; the server has no such port.{whose}",
        proposal="Have Nova refresh its cache by an event network-changed for this server; if the"
        " machine does use the address, detach the interface or make a port for it.",
    )


def _words(addresses: Collection[str]) -> str:
    return ", ".join(sorted(addresses)) or "no address"
