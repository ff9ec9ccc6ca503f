"""Decides what to do about ports of servers that are gone, and when to do nothing. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from ipam.compute.audit import gone_ports
from ipam.compute.facts import Listing, Port, instant
from ipam.compute.findings import Action, Finding, time_text

MADE_TOGETHER: Final = timedelta(seconds=10)
"""A port that Nova makes gets its first address in the same transaction. This allows a slow
one."""
DRASTIC_FRACTION: Final = 0.5
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
"""The keys that Nova removes from binding:profile when it unbinds a port."""


def drastic(listing: Listing) -> str:
    """Why nothing may be reclaimed after this look; empty if it may.

    An empty answer of a broken Nova must not cost a cloud its addresses.
    """
    orphans, every = len(gone_ports(listing)), listing.servers_ports
    if orphans and not listing.servers:
        return f"Nova lists no server at all, and {every} ports are for servers."
    if orphans > 2 and orphans > DRASTIC_FRACTION * every:
        return f"The servers of {orphans} of {every} ports look gone, more than half of them."
    return ""


def decided(orphan: Finding, first_allocation: Mapping[str, Any] | None) -> Finding:
    """The orphan with its action, decided by the first event of its port's allocation history.

    Nova deletes the ports that it made for a server, and unbinds those that it was given.
    """
    port = orphan.port
    assert port is not None, orphan
    if first_allocation is None or first_allocation["action"] != "allocated":
        return _unbound(orphan, "the history of its addresses does not say that Nova made it")
    device_id = str(first_allocation["device_id"])
    at = instant(first_allocation["occurred_at"])
    got = f"when it got its first address ({first_allocation['ip_address']}, {time_text(at)})"
    if device_id.lower() != port.device_id:
        return _unbound(orphan, f"its device_id was {device_id!r} {got}")
    if at - port.created_at > MADE_TOGETHER:
        return _unbound(orphan, f"it was there before, since {time_text(port.created_at)}, {got}")
    return replace(
        orphan,
        action=Action.DELETE,
        proposal=f"Delete the port: Nova made it for this server, whose id it had {got}.",
    )


def unbinding(port: Port) -> dict[str, Any]:
    """The attributes that Nova sets when a server releases a port that it was given."""
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
