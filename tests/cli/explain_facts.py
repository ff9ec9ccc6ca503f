"""A machine that has its address, as facts: a test breaks one link of it."""

from datetime import UTC, datetime
from typing import Any

from ipam.cli.explain.facts import Facts

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
LATELY = "2026-11-29T11:59:50Z"
EARLIER = "2026-11-29T09:00:00Z"
PORT_ID = "6f1c2a3b-0000-4000-8000-000000000001"
NETWORK_ID = "2929d931-0000-4000-8000-000000000002"
SUBNET_ID = "34094676-0000-4000-8000-000000000003"
MAC = "52:54:00:00:00:01"
OTHER_MAC = "52:54:00:00:00:09"


def port(**changes: Any) -> dict[str, Any]:
    return {
        "id": PORT_ID,
        "name": "web-1",
        "dns_name": "web-1",
        "network_id": NETWORK_ID,
        "mac_address": MAC,
        "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": "10.0.0.20"}],
        "status": "ACTIVE",
        "admin_state_up": True,
        "binding:host_id": "cn1",
        "device_id": "vm-1",
        "device_owner": "compute:nova",
        "updated_at": EARLIER,
        "created_at": EARLIER,
    } | changes


def network(**changes: Any) -> dict[str, Any]:
    usual = {"id": NETWORK_ID, "name": "lan", "admin_state_up": True, "mtu": 1500}
    return usual | changes


def subnet(**changes: Any) -> dict[str, Any]:
    return {
        "id": SUBNET_ID,
        "name": "lan-v4",
        "cidr": "10.0.0.0/24",
        "ip_version": 4,
        "enable_dhcp": True,
        "gateway_ip": "10.0.0.1",
        "host_routes": [],
        "dns_nameservers": ["10.0.0.2"],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
    } | changes


def agent(**changes: Any) -> dict[str, Any]:
    return {
        "host": "cn1",
        "alive": True,
        "admin_state_up": True,
        "heartbeat_timestamp": LATELY,
        "configurations": {"troubles": {}},
    } | changes


def troubled(subject: str, said: str) -> list[dict[str, Any]]:
    return [agent(configurations={"troubles": {subject: said}})]


def lease(**changes: Any) -> dict[str, Any]:
    return {
        "id": "l1",
        "ip_address": "10.0.0.20",
        "mac_address": MAC,
        "host": "cn1",
        "duid": None,
        "expires_at": "2026-11-30T09:00:00Z",
        "last_seen_at": EARLIER,
    } | changes


def event(**changes: Any) -> dict[str, Any]:
    return {
        "action": "add",
        "ip_address": "10.0.0.20",
        "mac_address": MAC,
        "host": "cn1",
        "duid": None,
        "occurred_at": EARLIER,
    } | changes


def refusal(**changes: Any) -> dict[str, Any]:
    return {
        "client": MAC,
        "network_id": NETWORK_ID,
        "host": "cn1",
        "tap": "",
        "reason": "no address available",
        "count": 3,
        "last_at": LATELY,
    } | changes


def offer(**changes: Any) -> dict[str, Any]:
    usual = {"server": "10.0.0.2", "address": "10.0.0.20", "lacks": "", "options": []}
    return usual | changes


def probed(*offers: dict[str, Any], trouble: str = "") -> dict[str, Any]:
    return {"answers": [{"host": "cn1", "trouble": trouble, "offers": list(offers)}]}


def well(**changes: Any) -> Facts:
    """Nothing is wrong, unless a change makes it so."""
    usual: dict[str, Any] = {
        "subject": "web-1",
        "now": NOW,
        "matches": [port()],
        "network": network(),
        "subnets": [subnet()],
        "agents": [agent()],
        "serving_hosts": [],
        "leases": [lease()],
        "events": [event()],
        "probe": probed(offer()),
        "network_names": {NETWORK_ID: "lan", "n2": "other"},
    }
    return Facts(**usual | changes)
