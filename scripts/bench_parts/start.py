"""Measures how soon the service, a new network and a new port answer."""

import os
import subprocess
import sys
import time
from typing import Any

from ipam.client import Client
from scripts.bench_parts.processes import Place, place, process, quantile, wait

STARTS = 5
LEASES = 5
PORTS = 100
TARGET_PORT_MS = 50


def run() -> dict[str, Any]:
    """Milliseconds: p50 and p99, each beside its floor."""
    starts, floors = [], []
    for _ in range(STARTS):
        floors.append(_bare_python_ms())
        with place() as made:
            starts.append(_start_ms(made))
    with place() as made, process(made, "up"), made.client() as client:
        wait(lambda: any(a["alive"] for a in client.get("/v2.0/agents")["agents"]))
        leases = [_first_lease_ms(client, made.host, number) for number in range(LEASES)]
        created, ready = _port_ready_ms(client, made.host)
    return {
        "up_to_first_answer_ms": _summary(starts),
        "bare_python_ms": _summary(floors),
        "network_to_first_lease_ms": _summary(leases),
        "port_to_ready_ms": _summary(ready),
        "port_create_ms": _summary(created),
        "ratio": {
            "up_to_bare_python": round(quantile(starts, 0.5) / quantile(floors, 0.5), 2),
            "ready_to_create": round(quantile(ready, 0.5) / quantile(created, 0.5), 2),
        },
        "target_port_to_ready_p50_ms": TARGET_PORT_MS,
    }


def _summary(values: list[float]) -> dict[str, float]:
    return {"p50": round(quantile(values, 0.5), 1), "p99": round(quantile(values, 0.99), 1)}


def _bare_python_ms() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.monotonic() - begun) * 1000


def _start_ms(made: Place) -> float:
    begun = time.monotonic()
    with process(made, "up"):
        with made.client() as client:
            wait(lambda: client.get("/v2.0/networks"))
        return (time.monotonic() - begun) * 1000


def _network(client: Client, number: int) -> str:
    network = client.post("/v2.0/networks", json={"network": {"name": f"n{number}"}})
    network_id = str(network["network"]["id"])
    cidr = f"10.8.{number}.0/24"
    subnet = {"network_id": network_id, "ip_version": 4, "cidr": cidr}
    client.post("/v2.0/subnets", json={"subnet": subnet})
    return network_id


def _first_lease_ms(client: Client, host: str, number: int) -> float:
    """From the network's creation to the client's acceptance of the address."""
    namespace = f"bench-{os.getpid()}-{number}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    tap = ""
    try:
        begun = time.monotonic()
        network_id = _network(client, number)
        wanted = {"network_id": network_id, "binding:host_id": host}
        port = client.post("/v2.0/ports", json={"port": wanted})["port"]
        tap = f"tap{port['id']}"[:14]
        inside = ["address", port["mac_address"], "netns", namespace]
        link = ["ip", "link", "add", tap, "type", "veth", "peer", "name", "eth0", *inside]
        subprocess.run(link, check=True)
        inner = ["ip", "netns", "exec", namespace]
        subprocess.run([*inner, "ip", "link", "set", "eth0", "up"], check=True)
        wait(lambda: client.get(f"/v2.0/ports/{port['id']}")["port"]["status"] == "ACTIVE")
        ask = ["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-s", "/bin/true"]
        subprocess.run([*inner, *ask], check=True, capture_output=True)
        return (time.monotonic() - begun) * 1000
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=False)
        subprocess.run(["ip", "link", "del", tap], check=False, capture_output=True)


def _port_ready_ms(client: Client, host: str) -> tuple[list[float], list[float]]:
    """For each port: its creation alone, and its creation until it is ACTIVE."""
    network_id = _network(client, LEASES)
    created, ready = [], []
    for _ in range(PORTS):
        begun = time.monotonic()
        wanted = {"network_id": network_id, "binding:host_id": host}
        port = client.post("/v2.0/ports", json={"port": wanted})["port"]
        created.append((time.monotonic() - begun) * 1000)
        path = f"/v2.0/ports/{port['id']}"
        wait(lambda path=path: client.get(path)["port"]["status"] == "ACTIVE", every=0.002)
        ready.append((time.monotonic() - begun) * 1000)
        time.sleep(0.05)
    return created, ready
