"""Ports and servers for a look of the audit, and its findings."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ipam.compute import audit, facts
from ipam.compute.facts import Listing, Port, Server
from ipam.compute.findings import Finding
from tests.compute.nova_listing import server as server_body

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIVE, GONE = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
MAC, IP = "fa:16:3e:00:00:01", "10.0.0.5"
GRACE = 900


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def port(device_id: str = LIVE, **changes: Any) -> Port:
    body = {
        "id": str(uuid.uuid4()),
        "project_id": "p",
        "network_id": "n",
        "mac_address": MAC,
        "fixed_ips": [{"subnet_id": "s", "ip_address": IP}],
        "device_id": device_id,
        "device_owner": "compute:nova",
        "binding:host_id": "host-a",
        "binding:vnic_type": "normal",
        "binding:profile": {},
        "revision_number": 3,
        "created_at": iso(NOW - timedelta(hours=2)),
        "updated_at": iso(NOW - timedelta(hours=1)),
    }
    return facts.port(body | changes)


def live(*interfaces: tuple[str, str], **changes: Any) -> Server:
    return facts.server(server_body(LIVE, *(interfaces or ((MAC, IP),)), **changes))


def looked(ports: Iterable[Port], *servers: Server, gone: Iterable[str] = ()) -> list[Finding]:
    listing = Listing(NOW, tuple(ports), {one.id: one for one in servers}, frozenset(gone))
    return audit.find(listing, grace_seconds=GRACE)
