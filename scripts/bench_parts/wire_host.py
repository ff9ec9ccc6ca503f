"""The inside of `scripts/bench wire`: a host of tunnels. Run it in namespaces of its own.

API, PostgreSQL, agent and dnsmasqs are real, and so are wires and guards. The other hosts are rows
of the API: an agent that said where its tunnels end, and ports that are bound there.
"""

import select as polling
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import select

from ipam import model
from ipam.agent.host.forwarding_table import peers_of
from ipam.store import tables
from ipam.store.engine.database import Database
from scripts.bench_parts import counted_agent
from scripts.bench_parts.agent_host import (
    HOST,
    Host,
    cold_start,
    host_of,
    make_networks,
    post,
    served,
    tell,
)
from scripts.bench_parts.api_load import Wire, cpu_seconds
from scripts.bench_parts.dhcp_load import Segment, frame
from scripts.bench_parts.processes import quantile, wait

PORTS: Final = 10
"""Machines of each network, each with its tap."""
HOSTS: Final = 100
NEW_NETWORKS: Final = 20
NEW_PORTS: Final = 100
OWN_END: Final = "192.0.2.1"
UNDERLAY: Final = f"""\
link add eth0 up type veth peer name underlay
link set underlay up
address add {OWN_END}/16 dev eth0
"""
PATIENCE_SECONDS: Final = 600
SETTLE_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.005
DISCOVER: Final = 1
VXLAN: Final = {"provider:network_type": "vxlan"}
SETTINGS: Final = f"local_ip = {OWN_END}\nwake_ip = 127.0.0.1\n"


def main(networks: int, counter: Path) -> None:
    """Print the figures, a JSON object a line."""
    with served("vni_ranges = 1000:9999\nagent_down_time = 3600\n") as (api, wire, pids):
        _ip(UNDERLAY)
        ports = make_networks(
            wire,
            networks,
            PORTS,
            facts=_facts(OWN_END),
            of_network=VXLAN,
            of_port={"device_owner": "compute:nova"},
        )
        _ip("".join(map(_tap, ports)))
        program = ("-m", counted_agent.__name__, str(counter))
        with host_of(api, SETTINGS, program) as host:
            found = cold_start(api.database, host, pids, networks, len(ports))
            tell(cold_start=found | {"netlink_messages": counted_agent.read(counter)})
            time.sleep(SETTLE_SECONDS)
            _tell_of_peers(wire, api.database, host, counter)
            _tell_of_ports(wire, api.database, host)


def _tell_of_peers(wire: Wire, database: Database, host: Host, counter: Path) -> None:
    """What a network costs this host that has ports on 99 others, and what one host more.

    Each with the second after it, in which the agent looks whether all is well.
    """
    for number in range(1, HOSTS + 1):
        agent = {"host": _peer(number), "started_at": 0, "configurations": _facts(_end(number))}
        wire.call("POST", "/v2.0/agents", {"agent": agent})
    made: list[dict[str, Any]] = []
    rest = _Costs(host, counter)
    for _ in range(NEW_NETWORKS):
        with rest:
            pass
    tell(at_rest_each_second=rest.of_each())
    costs = _Costs(host, counter)
    for number in range(NEW_NETWORKS):
        network_id = _network_elsewhere(wire, VXLAN, number)
        with costs:
            port = {"network_id": network_id, "binding:host_id": HOST}
            made += post(wire, "port", [port])
            _await_active(database, made[-1]["id"])
    tell(network_of_100_hosts=costs.of_each())
    costs = _Costs(host, counter)
    for one in made:
        device = _tunnel(wire, one["network_id"])
        with costs:
            port = {"network_id": one["network_id"], "binding:host_id": _peer(HOSTS)}
            post(wire, "port", [port])
            wait(partial(_has_peer, device, _end(HOSTS)), PATIENCE_SECONDS)
    tell(one_host_more=costs.of_each())


class _Costs:
    """What the agent and its programs use during some blocks, each with what comes after it."""

    def __init__(self, host: Host, counter: Path) -> None:
        self._host, self._counter = host, counter
        self._blocks, self._seconds, self._messages = 0, 0.0, 0

    def __enter__(self) -> None:
        self._seconds -= cpu_seconds(self._host.agent.pid)
        self._messages -= counted_agent.read(self._counter)

    def __exit__(self, *_error: object) -> None:
        time.sleep(SETTLE_SECONDS)
        self._seconds += cpu_seconds(self._host.agent.pid)
        self._messages += counted_agent.read(self._counter)
        self._blocks += 1

    def of_each(self) -> dict[str, float]:
        return {
            "agent_cpu_ms": round(1000 * self._seconds / self._blocks, 1),
            "netlink_messages": round(self._messages / self._blocks, 1),
        }


def _tell_of_ports(wire: Wire, database: Database, host: Host) -> None:
    """Of a new port, from the request until its machine is offered its address, and until ACTIVE.

    With and without a tunnel in turn.
    """
    kinds = {
        "vxlan": _network_elsewhere(wire, VXLAN, NEW_NETWORKS),
        "local": _network_elsewhere(wire, {}, NEW_NETWORKS + 1),
    }
    machines = {}
    for kind, network_id in kinds.items():
        (made,) = post(wire, "port", [{"network_id": network_id, "binding:host_id": HOST}])
        _await_active(database, made["id"])
        machines[kind] = _Machine(kind, network_id)
    offered: dict[str, list[float]] = {kind: [] for kind in kinds}
    active: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(NEW_PORTS):
        for kind, network_id in kinds.items():
            began = time.monotonic()
            (made,) = post(wire, "port", [{"network_id": network_id, "binding:host_id": HOST}])
            told = host.run_path / "dhcp" / network_id / "hosts" / made["id"]
            wait(told.exists, PATIENCE_SECONDS, LOOK_SECONDS / 5)  # dnsmasq logs what it refuses
            machines[kind].await_offer(made["mac_address"])
            offered[kind].append((time.monotonic() - began) * 1000)
            _await_active(database, made["id"])
            active[kind].append((time.monotonic() - began) * 1000)
            time.sleep(SETTLE_SECONDS / 20)
    tell(port_to_dhcp_ms=_quantiles(offered), port_to_active_ms=_quantiles(active))


def _quantiles(found: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        kind: {"p50": round(quantile(each, 0.5), 1), "p99": round(quantile(each, 0.99), 1)}
        for kind, each in found.items()
    }


class _Machine:
    """A link on the network's bridge, from which every machine of the network asks."""

    def __init__(self, name: str, network_id: str) -> None:
        bridge = model.bridge_name(network_id)
        _ip(
            f"link add vm-{name} up type veth peer name sw-{name}\n"
            f"link set sw-{name} master {bridge} up\n"
        )
        self._segment = Segment(f"vm-{name}", [], 1)

    def await_offer(self, mac_address: str) -> None:
        """Ask for an address until one is offered."""
        mac, segment = bytes.fromhex(mac_address.replace(":", "")), self._segment
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            segment.send(mac, frame(mac, DISCOVER))
            if polling.select([segment.socket], [], [], LOOK_SECONDS)[0] and segment.is_offered(
                mac
            ):
                return
        raise TimeoutError(f"{mac_address} is offered no address")


def _network_elsewhere(wire: Wire, row: Mapping[str, Any], number: int) -> str:
    """A network with a port on each of 99 other hosts."""
    (network,) = post(wire, "network", [dict(row)])
    of_network = {"network_id": network["id"]}
    post(wire, "subnet", [of_network | {"ip_version": 4, "cidr": f"10.99.{number}.0/24"}])
    hosts = map(_peer, range(1, HOSTS))
    post(wire, "port", [of_network | {"binding:host_id": host} for host in hosts])
    return str(network["id"])


def _await_active(database: Database, port_id: str) -> None:
    """The database is asked: the API would be busy with the question."""
    port = tables.port.c
    query = select(port.status).where(port.id == port_id)

    def is_active() -> bool:
        return database.read(lambda tx: tx.execute(query).scalar_one()) == model.ACTIVE

    wait(is_active, PATIENCE_SECONDS, LOOK_SECONDS)


def _tunnel(wire: Wire, network_id: str) -> int:
    """The index of the network's VXLAN on this host."""
    network = msgspec.json.decode(wire.call("GET", f"/v2.0/networks/{network_id}"))["network"]
    return socket.if_nametoindex(f"vxlan-{network['provider:segmentation_id']}")


def _has_peer(device: int, end: str) -> bool:
    return end in peers_of(device)


def _facts(end: str) -> dict[str, Any]:
    return {"tunnel_types": ["vxlan"], "tunneling_ip": end}


def _peer(number: int) -> str:
    return f"peer-{number}"


def _end(number: int) -> str:
    return f"192.0.3.{number}"


def _tap(port: Mapping[str, Any]) -> str:
    tap = model.tap_name(port["id"])
    return f"link add {tap} type veth peer name vm{tap.removeprefix('tap')}\n"


def _ip(commands: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
