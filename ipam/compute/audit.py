"""Where ports and Nova's servers contradict each other, and what to do about it. Pure.

Ports are read first and servers after them, so that a server made in between cannot look gone.
What one look finds may be a change under way; what two looks find in the same way is a finding.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ipam.compute.facts import NEVER, Interface, Listing, Port, Server, instant

DEFAULT_GRACE_SECONDS: Final = 900
MADE_TOGETHER: Final = timedelta(seconds=10)
"""A port that Nova makes has its first address from the same transaction; a slow one included."""
DRASTIC_FRACTION: Final = 0.5
UNSETTLED: Final = ("BUILD", "ERROR")
"""Of a server in these states without a host nothing can be said."""
BAREMETAL: Final = "baremetal"
"""Ironic binds such a port to a node, which is not the host that Nova names."""
DEVICE_KEYS: Final = frozenset(
    {
        "pci_vendor_info",
        "pci_slot",
        "allocation",
        "arq_uuid",
        "physical_network",
        "card_serial_number",
        "vf_num",
        "pf_mac_address",
        "device_mac_address",
    }
)
"""What Nova takes out of binding:profile when it unbinds a port."""


class Kind(StrEnum):
    """The ways to contradict each other."""

    ORPHAN = "orphan"
    STRANGER = "stranger"
    WRONG_HOST = "wrong host"
    OTHER_ADDRESS = "other address"


class Action(StrEnum):
    """What reclaiming does about a finding."""

    DELETE = "delete"
    UNBIND = "unbind"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction. `network` is an id, or Nova's name of it where there is no port.

    `age_seconds`: since the port was last changed, or the server where there is no port.
    """

    kind: Kind
    server_id: str
    project_id: str
    network: str
    addresses: tuple[str, ...]
    mac_address: str
    age_seconds: int
    evidence: str
    proposal: str
    port: Port | None = None
    action: Action = Action.NONE

    @property
    def identity(self) -> tuple[Any, ...]:
        """What is the same when a second look finds the same thing, the port untouched."""
        port = (self.port.id, self.port.revision_number) if self.port else None
        return (self.kind, self.server_id, port, self.mac_address, self.addresses)


def find(listing: Listing, *, grace_seconds: float) -> list[Finding]:
    """Everything that one look shows, orphans without what is to be done about them."""
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
        found += [
            finding
            for port in ports
            if port.server_id
            for finding in (_wrong_host(server, port, listing), _other(server, port, listing))
            if finding
        ]
    return found


def gone_ports(listing: Listing) -> list[Port]:
    """The ports whose server is gone, the grace period aside."""
    return [port for port in listing.ports if port.server_id in listing.gone]


def confirmed(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """The findings of the second look that the first had, too."""
    before = {finding.identity for finding in first}
    return [finding for finding in second if finding.identity in before]


def drastic(listing: Listing) -> str:
    """Why nothing may be reclaimed after this look; empty where nothing speaks against it.

    An empty answer of a broken Nova must not cost a cloud its addresses.
    """
    orphans, every = len(gone_ports(listing)), listing.servers_ports
    if orphans and not listing.servers:
        return f"Nova lists no server at all, and {every} ports are for servers."
    if orphans > 2 and orphans > DRASTIC_FRACTION * every:
        return f"The servers of {orphans} of {every} ports look gone, more than half of them."
    return ""


def decided(orphan: Finding, first_allocation: Mapping[str, Any] | None) -> Finding:
    """The orphan with what is to be done: by the first event of its port's allocation history.

    Nova deletes the ports that it made for a server, and unbinds those that it was given.
    """
    port = orphan.port
    assert port is not None, orphan
    if first_allocation is None or first_allocation["action"] != "allocated":
        return _unbound(orphan, "the history of its addresses does not say that Nova made it")
    device_id = str(first_allocation["device_id"])
    at = instant(first_allocation["occurred_at"])
    got = f"when it got its first address ({first_allocation['ip_address']}, {_time(at)})"
    if device_id.lower() != port.device_id:
        return _unbound(orphan, f"its device_id was {device_id!r} {got}")
    if at - port.created_at > MADE_TOGETHER:
        return _unbound(orphan, f"it was there before, since {_time(port.created_at)}, {got}")
    return replace(
        orphan,
        action=Action.DELETE,
        proposal=f"Delete the port: Nova made it for this server, whose id it had {got}.",
    )


def unbinding(port: Port) -> dict[str, Any]:
    """The attributes that Nova sets when a server gives back a port that it was given."""
    return {
        "device_id": "",
        "device_owner": "",
        "binding:host_id": None,
        "binding:profile": {k: v for k, v in port.profile.items() if k not in DEVICE_KEYS},
        "dns_name": "",
    }


def _unbound(orphan: Finding, why: str) -> Finding:
    return replace(
        orphan,
        action=Action.UNBIND,
        proposal=f"Unbind the port and keep its addresses: {why}.",
    )


def _orphan(port: Port, listing: Listing) -> Finding:
    return _about(
        Kind.ORPHAN,
        port,
        listing.at,
        f"At {_time(listing.at)} Nova has no server {port.device_id}: it is not among the"
        f" {len(listing.servers)} that it knows, and GET of it says 404. The port was last changed"
        f" at {_time(port.updated_at)}.",
        "",
    )


def _wrong_host(server: Server, port: Port, listing: Listing) -> Finding | None:
    if server.host is None or server.task_state or port.vnic_type == BAREMETAL:
        return None
    if port.host in (server.host, None):
        return None
    bound = f"bound to host {port.host}" if port.host else "bound to no host"
    return _about(
        Kind.WRONG_HOST,
        port,
        listing.at,
        f"The port (last changed {_time(port.updated_at)}) is {bound}. Nova has the server on host"
        f" {server.host}, {server.status} (updated {_time(server.updated_at)}).",
        f"If the server does run on {server.host}: `ipam port set {port.id} --host"
        f" {server.host}`.",
    )


def _other(server: Server, port: Port, listing: Listing) -> Finding | None:
    if server.task_state:
        return None
    shown = frozenset[str]().union(
        *(each.addresses for each in server.interfaces if each.mac_address == port.mac_address)
    )
    if shown == port.addresses:
        return None
    return _about(
        Kind.OTHER_ADDRESS,
        port,
        listing.at,
        f"The port (last changed {_time(port.updated_at)}) has {_words(port.addresses)} at"
        f" {port.mac_address}. Nova's cache (server updated {_time(server.updated_at)}) has"
        f" {_words(shown)} there.",
        "Have Nova refresh its cache: an event network-changed for this server and port does.",
    )


def _strangers(
    server: Server, ports: Sequence[Port], by_mac: Mapping[str, Port], now: datetime
) -> list[Finding]:
    """The interfaces whose MAC address no port of the server has, nor one their addresses."""
    macs = {port.mac_address for port in ports}
    held = frozenset[str]().union(*(port.addresses for port in ports))
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
        age_seconds=_age(now, server.updated_at),
        evidence=f"Nova's cache (server updated {_time(server.updated_at)}, {server.status}) shows"
        f" an interface {interface.mac_address} with {_words(interface.addresses)} on"
        f" {interface.network}; the server has no such port.{whose}",
        proposal="Have Nova refresh its cache by an event network-changed for this server; if the"
        " machine does use the address, detach the interface or make a port for it.",
    )


def _about(kind: Kind, port: Port, now: datetime, evidence: str, proposal: str) -> Finding:
    return Finding(
        kind=kind,
        server_id=port.device_id,
        project_id=port.project_id,
        network=port.network_id,
        addresses=tuple(sorted(port.addresses)),
        mac_address=port.mac_address,
        age_seconds=_age(now, port.updated_at),
        evidence=evidence,
        proposal=proposal,
        port=port,
    )


def _age(now: datetime, since: datetime) -> int:
    return max(0, int((now - since).total_seconds()))


def _words(addresses: Collection[str]) -> str:
    return ", ".join(sorted(addresses)) or "no address"


def _time(moment: datetime) -> str:
    return "a time unknown" if moment == NEVER else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
