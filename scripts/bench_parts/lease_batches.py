"""Measures the API applying batches of lease events: CPU of API and database, an event."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

import msgspec

from ipam.protocol.lease_events import LeaseEventCreate
from scripts.bench_parts import api_place, progress
from scripts.bench_parts.api import HEADERS
from scripts.bench_parts.api_load import Load, Wire, measure
from tests.servers.private_server import PrivateServer

BATCH: Final = 500
BATCHES: Final = 20
TARGET_CPU_US: Final = 60


def measured(server: PrivateServer, scale: float = 1) -> dict[str, Any]:
    """Microseconds of CPU an event, by what it does: begin leases, renew them, end them."""
    with api_place.served(server.fresh_url()) as api, closing(Wire(api.port, HEADERS)) as wire:
        count = max(2, int(BATCHES * scale))
        events = _Events(wire, api.database, BATCH * count)
        figures: dict[str, Any] = {"target_cpu_us": TARGET_CPU_US}
        for action, ends in (("add", "begin"), ("old", "renew"), ("del", "end")):
            load = Load(_post, partial(events.batches, action))
            found = measure(load, [wire], {"api": api.pid, "database": server.pid}, count)
            figures[ends] = {
                "cpu_us": _per_event(found["cpu_ms"]),
                "cpu_us_api": _per_event(found["cpu_ms_api"]),
                "cpu_us_database": _per_event(found["cpu_ms_database"]),
                "per_second": round(found["per_second"] * BATCH),
            }
            progress.say(f"{server.name}: leases {ends}: {figures[ends]['cpu_us']} us of CPU")
    return figures


def _per_event(batch_ms: float) -> float:
    return round(batch_ms * 1000 / BATCH, 1)


def _post(wire: Wire, events: Sequence[LeaseEventCreate]) -> None:
    body = {"lease_events": events, "sent_at_us": time.time_ns() // 1000}
    wire.call("POST", "/v2.0/lease-events", body)


def network(wire: Wire, cidr: str, *, enable_dhcp: bool = False) -> tuple[str, str]:
    """The ids of a new network and its subnet."""
    made = _post_one(wire, "network", {"name": "bench"})
    subnet: dict[str, Any] = {"network_id": made, "cidr": cidr, "ip_version": 4}
    subnet["enable_dhcp"] = enable_dhcp
    return made, _post_one(wire, "subnet", subnet)


def _post_one(wire: Wire, name: str, body: dict[str, Any]) -> str:
    answer = msgspec.json.decode(wire.call("POST", f"/v2.0/{name}s", {name: body}))
    return str(answer[name]["id"])


def _machines(wire: Wire, network_id: str) -> list[tuple[str, str]]:
    """MAC address and address of each port."""
    path = f"/v2.0/ports?network_id={network_id}&fields=mac_address&fields=fixed_ips"
    ports = msgspec.json.decode(wire.call("GET", path))["ports"]
    return [(port["mac_address"], port["fixed_ips"][0]["ip_address"]) for port in ports]


class _Events:
    """What a host's agent tells of the machines on a /16."""

    def __init__(self, wire: Wire, database: Any, machines: int) -> None:
        self._network, subnet = network(wire, "10.1.0.0/16")
        api_place.fill(database, self._network, subnet, machines)
        self._machines = _machines(wire, self._network)
        self._sequence = 0
        self._renewals = 0

    def batches(self, action: Any, calls: int) -> list[list[LeaseEventCreate]]:
        self._renewals += 1
        events = self._events(action)
        return [[next(events) for _ in range(BATCH)] for _ in range(calls)]

    def _events(self, action: Any) -> Iterator[LeaseEventCreate]:
        now = time.time_ns() // 1000
        for number, (mac, address) in enumerate(self._machines):
            self._sequence += 1
            yield LeaseEventCreate(
                id=uuid.uuid4().hex,
                network_id=self._network,
                host="bench",
                action=action,
                ip_address=address,
                mac_address=mac,
                client_id=f"01:{mac}",
                hostname=f"machine-{number}",
                expires_at=now // 1_000_000 + 86_400 + self._renewals,
                occurred_at_us=now,
                details={
                    "interface": "tap0",
                    "domain": "example.org",
                    "tags": "known subnet-0 tap0",
                    "requested_options": "1,28,2,3,15,6,119,12,44,47,26,121,42",
                    "vendor_class": "MSFT 5.0",
                },
                epoch="bench",
                sequence=self._sequence,
            )
