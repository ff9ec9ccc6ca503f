"""The inside of `scripts/bench wire`: a host of tunnels. Run it in namespaces of its own.

API, PostgreSQL, agent and dnsmasqs are real, and so are wires and guards. The other hosts are rows
of the API: an agent that said where its tunnels end, and ports that are bound there.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from ipam import model
from ipam.agent.host.forwarding_table import peers_of
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
REST_SECONDS: Final = 10.0
VXLAN: Final = {"provider:network_type": "vxlan"}
SETTINGS: Final = f"local_ip = {OWN_END}\nwake_ip = 127.0.0.1\n"


def main(networks: int, counter: Path) -> None:
    """Print the figures, a JSON object a line."""
    with served("vni_ranges = 1000:9999\n") as (api, wire, pids):
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
            _tell_of_peers(wire, host, counter)
            tell(port_to_ready_ms=_port_to_ready(wire))


def _tell_of_peers(wire: Wire, host: Host, counter: Path) -> None:
    """What a network costs this host that has ports on 99 others, and what one host more."""
    for number in range(1, HOSTS + 1):
        agent = {"host": _peer(number), "started_at": 0, "configurations": _facts(_end(number))}
        wire.call("POST", "/v2.0/agents", {"agent": agent})
    made: list[dict[str, Any]] = []
    costs = _Costs(host, counter)
    for number in range(NEW_NETWORKS):
        network_id = _network_elsewhere(wire, number)
        with costs:
            port = {"network_id": network_id, "binding:host_id": HOST}
            made += (one := post(wire, "port", [port]))
            _await_active(wire, one[0]["id"])
    tell(network_of_100_hosts=costs.of_each())
    costs = _Costs(host, counter)
    for one in made:
        with costs:
            port = {"network_id": one["network_id"], "binding:host_id": _peer(HOSTS)}
            post(wire, "port", [port])
            wait(lambda one=one: _end(HOSTS) in _peers(wire, one["network_id"]), PATIENCE_SECONDS)
    tell(one_host_more=costs.of_each())


class _Costs:
    """What the agent and its programs use during some blocks, each with what comes after it."""

    def __init__(self, host: Host, counter: Path) -> None:
        self._host, self._counter = host, counter
        self._blocks, self._spent = 0, _Spent()
        self._idle = self._during_rest()

    def __enter__(self) -> None:
        self._before = self._now()

    def __exit__(self, *_error: object) -> None:
        time.sleep(SETTLE_SECONDS)
        self._blocks += 1
        self._spent += self._now() - self._before

    def of_each(self) -> dict[str, float]:
        """Without what it uses at rest for so long."""
        rest = self._idle.cpu_s / self._idle.wall_s, self._idle.messages / self._idle.wall_s
        spent = self._spent
        return {
            "agent_cpu_ms": round(1000 * (spent.cpu_s - rest[0] * spent.wall_s) / self._blocks, 1),
            "netlink_messages": round((spent.messages - rest[1] * spent.wall_s) / self._blocks, 1),
        }

    def _during_rest(self) -> "_Spent":
        before = self._now()
        time.sleep(REST_SECONDS)
        return self._now() - before

    def _now(self) -> "_Spent":
        pid = self._host.agent.pid
        return _Spent(cpu_seconds(pid), counted_agent.read(self._counter), time.monotonic())


@dataclass(frozen=True)
class _Spent:
    cpu_s: float = 0
    messages: int = 0
    wall_s: float = 0

    def __add__(self, other: "_Spent") -> "_Spent":
        return _Spent(
            self.cpu_s + other.cpu_s, self.messages + other.messages, self.wall_s + other.wall_s
        )

    def __sub__(self, other: "_Spent") -> "_Spent":
        return self + _Spent(-other.cpu_s, -other.messages, -other.wall_s)


def _port_to_ready(wire: Wire) -> dict[str, float]:
    """Of a new port on a network with a tunnel, from the request until it is ACTIVE."""
    network_id = _network_elsewhere(wire, NEW_NETWORKS)
    port = {"network_id": network_id, "binding:host_id": HOST}
    ready = []
    for _ in range(NEW_PORTS + 1):
        began = time.monotonic()
        (made,) = post(wire, "port", [port])
        _await_active(wire, made["id"])
        ready.append((time.monotonic() - began) * 1000)
        time.sleep(SETTLE_SECONDS / 20)
    of_old_network = ready[1:]
    return {
        "p50": round(quantile(of_old_network, 0.5), 1),
        "p99": round(quantile(of_old_network, 0.99), 1),
    }


def _network_elsewhere(wire: Wire, number: int) -> str:
    """A network with a port on each of 99 other hosts."""
    (network,) = post(wire, "network", [dict(VXLAN)])
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": f"10.99.{number}.0/24"}
    post(wire, "subnet", [subnet])
    numbers = range(1, HOSTS)
    row = {"network_id": network["id"]}
    post(wire, "port", [row | {"binding:host_id": _peer(one)} for one in numbers])
    return str(network["id"])


def _await_active(wire: Wire, port_id: str) -> None:
    def is_active() -> bool:
        port = msgspec.json.decode(wire.call("GET", f"/v2.0/ports/{port_id}"))["port"]
        return bool(port["status"] == model.ACTIVE)

    wait(is_active, PATIENCE_SECONDS, 0.002)


def _peers(wire: Wire, network_id: str) -> frozenset[str]:
    """The other ends of the network's tunnels, in the kernel."""
    network = msgspec.json.decode(wire.call("GET", f"/v2.0/networks/{network_id}"))["network"]
    device = Path(f"/sys/class/net/vxlan-{network['provider:segmentation_id']}/ifindex")
    return peers_of(int(device.read_text()))


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
