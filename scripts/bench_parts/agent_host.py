"""The inside of `scripts/bench agent`: a host with networks. Run it in namespaces of its own."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
import psutil
from sqlalchemy import func, select

from ipam.store import tables
from ipam.store.engine.database import Database
from scripts.bench_parts import api_place, progress
from scripts.bench_parts.api import HEADERS
from scripts.bench_parts.api_load import Load, Wire, cpu_seconds, measure
from scripts.bench_parts.processes import pss_mb, wait
from tests.servers.postgresql_server import PostgresqlServer

HOST: Final = "bench-agent"
AGENT: Final = """
import sys
from ipam import settings
from ipam.agent.main import run
run(settings.load([sys.argv[1]]))
"""
PATIENCE_SECONDS: Final = 600
REST_SECONDS: Final = 20
POLLS: Final = 100
AT_ONCE: Final = 100
"""How many networks one request makes."""


def main(networks: int, ports: int) -> None:
    """Print the figures, a JSON object a line."""
    with served() as (api, wire, pids):
        make_networks(wire, networks, ports)
        with host_of(api) as host:
            tell(cold_start=cold_start(api.database, host, pids, networks, networks * ports))
            time.sleep(REST_SECONDS)
            tell(agent_mb=round(pss_mb(host.agent.pid), 1), rest=_rest(host, pids))
            tell(idle_poll=_idle_poll(wire, pids))
            tell(restart=_restart(host, pids))


@contextmanager
def served(more: str = "") -> Iterator[tuple[api_place.Served, Wire, dict[str, int]]]:
    """The API in these namespaces, a connection to it, and the processes of it and PostgreSQL.

    `more` are settings of [network].
    """
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)  # with these links
    Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    with ExitStack() as stack:
        server = PostgresqlServer(durable=True)
        server.launch()
        stack.callback(server.remove)
        api = stack.enter_context(api_place.served(server.fresh_url(), more))
        wire = stack.enter_context(closing(Wire(api.port, HEADERS)))
        yield api, wire, {"api": api.pid, "database": server.pid}


def tell(**figures: Any) -> None:
    """Print them, and say so on standard error."""
    progress.say(f"{figures}")
    print(json.dumps(figures), flush=True)


class Host:
    """The agent's process and files. A socket hears when the agent is ready, as systemd's does."""

    def __init__(self, config: Path, run_path: Path, program: Sequence[str]) -> None:
        self.run_path = run_path
        self._command = [sys.executable, *program, str(config)]
        self._ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ready.bind(str(run_path / "notify"))
        self._ready.settimeout(PATIENCE_SECONDS)
        self.agent: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start the agent and wait until it is ready."""
        environment = {
            "NOTIFY_SOCKET": str(self.run_path / "notify"),
            "PATH": "/usr/sbin:/usr/bin",
        }
        self.agent = subprocess.Popen(self._command, env=environment, stdout=sys.stderr)
        while b"READY=1" not in self._ready.recv(4096):
            pass

    def stop(self) -> None:
        self.agent.terminate()
        self.agent.wait(PATIENCE_SECONDS)

    def servers(self) -> int:
        """How many networks have a dnsmasq."""
        return len(list((self.run_path / "dhcp").glob("*/pid")))

    def servers_seconds(self) -> float:
        """CPU of all dnsmasqs and their helpers, which live until now."""
        found = 0.0
        for process in psutil.process_iter(["name", "cpu_times"]):
            if process.info["name"] == "dnsmasq":
                times = process.info["cpu_times"]
                found += times.user + times.system
        return found


@contextmanager
def host_of(
    api: api_place.Served, more: str = "", program: Sequence[str] = ("-c", AGENT)
) -> Iterator[Host]:
    """The host, with `more` lines of [agent]. Python runs the program with the settings' file."""
    # In memory, as /run is.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        run_path = Path(name)
        host = Host(api.agent_settings(HOST, run_path, more), run_path, program)
        try:
            yield host
        finally:
            host.stop()


def make_networks(
    wire: Wire,
    networks: int,
    ports: int,
    *,
    facts: Mapping[str, Any] = MappingProxyType({}),
    of_network: Mapping[str, Any] = MappingProxyType({}),
    of_port: Mapping[str, Any] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Networks with ports that are bound to the host, whose agent was heard of just before.

    Gives the ports. `facts` is what the agent says of itself.
    """
    found = []
    for start in range(0, networks, AT_ONCE):
        agent = {"host": HOST, "started_at": 0, "configurations": {**facts}}
        wire.call("POST", "/v2.0/agents", {"agent": agent})
        numbers = range(start, min(start + AT_ONCE, networks))
        made = post(wire, "network", [{"name": f"n{one}", **of_network} for one in numbers])
        subnets = [
            {
                "network_id": one["id"],
                "ip_version": 4,
                "cidr": f"10.{number >> 8}.{number & 255}.0/24",
            }
            for number, one in zip(numbers, made, strict=True)
        ]
        post(wire, "subnet", subnets)
        for one in made:
            port = {"network_id": one["id"], "binding:host_id": HOST, **of_port}
            found += post(wire, "port", [port] * ports)
        progress.say(f"{numbers.stop} networks with {ports} ports each are made")
    return found


def post(wire: Wire, name: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make these of a collection, which gives them as they are then."""
    answer = msgspec.json.decode(wire.call("POST", f"/v2.0/{name}s", {f"{name}s": items}))
    found: list[dict[str, Any]] = answer[f"{name}s"]
    return found


def cold_start(
    database: Database, host: Host, pids: Mapping[str, int], networks: int, ports: int
) -> dict[str, Any]:
    """Start the agent: seconds until each network has a dnsmasq, until all ports are ACTIVE."""
    began, before = time.monotonic(), _seconds(pids)
    host.start()
    wait(lambda: host.servers() >= networks, PATIENCE_SECONDS, 0.1)
    found = {"served_s": round(time.monotonic() - began, 1)}
    progress.say(f"each network has a dnsmasq: {found}")
    wait(lambda: _active(database) >= ports, PATIENCE_SECONDS, 0.5)
    found["reported_s"] = round(time.monotonic() - began, 1)
    spent = _spent(pids, before)
    of_agent, of_servers = cpu_seconds(host.agent.pid), host.servers_seconds()
    return {
        **found,
        "agent_cpu_s": round(of_agent, 2),
        "dnsmasq_cpu_s": round(of_servers, 2),
        **spent,
    }


def _active(database: Database) -> int:
    query = select(func.count()).where(tables.port.c.status == "ACTIVE")
    bound = tables.port.c.binding_host_id == HOST
    return int(database.read(lambda tx: tx.execute(query.where(bound)).scalar_one()))


def _rest(host: Host, pids: Mapping[str, int]) -> dict[str, Any]:
    """Shares of a core while nothing happens."""
    before, of_agent, of_servers = (
        _seconds(pids),
        cpu_seconds(host.agent.pid),
        host.servers_seconds(),
    )
    time.sleep(REST_SECONDS)
    found = {
        "agent": cpu_seconds(host.agent.pid) - of_agent,
        "dnsmasq": host.servers_seconds() - of_servers,
        **{name: after - before[name] for name, after in _seconds(pids).items()},
    }
    return {f"{name}_percent": round(100 * used / REST_SECONDS, 2) for name, used in found.items()}


def _idle_poll(wire: Wire, pids: Mapping[str, int]) -> dict[str, float]:
    """What the agent asks every few seconds, while nothing has changed."""
    (agent,) = msgspec.json.decode(wire.call("GET", "/v2.0/agents"))["agents"]
    path = f"/v2.0/agents/{agent['id']}/dhcp-state"
    first = msgspec.json.decode(wire.call("GET", f"{path}?names_since=0"))
    path = f"{path}?names_since={first['names']['cursor']}"
    etag, _ = wire.exchange("GET", path)
    load = Load(lambda wire, _n: wire.exchange("GET", path, etag=etag), range)
    found = measure(load, [wire], dict(pids), POLLS)
    return {
        "api_cpu_ms": found["cpu_ms_api"],
        "database_cpu_ms": found["cpu_ms_database"],
        "p50_ms": found["p50_ms"],
    }


def _restart(host: Host, pids: Mapping[str, int]) -> dict[str, Any]:
    host.stop()
    before, of_servers, began = _seconds(pids), host.servers_seconds(), time.monotonic()
    host.start()
    found = {"adopted_s": round(time.monotonic() - began, 2)}
    found["agent_cpu_s_until_then"] = round(cpu_seconds(host.agent.pid), 2)
    time.sleep(REST_SECONDS)
    found[f"agent_cpu_s_after_{REST_SECONDS}_s"] = round(cpu_seconds(host.agent.pid), 2)
    found["dnsmasq_cpu_s"] = round(host.servers_seconds() - of_servers, 2)
    return {**found, **_spent(pids, before)}


def _seconds(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in pids.items()}


def _spent(pids: Mapping[str, int], before: Mapping[str, float]) -> dict[str, float]:
    return {
        f"{name}_cpu_s": round(after - before[name], 2) for name, after in _seconds(pids).items()
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
