"""2,000 machines that want an address at once, until each lease is in PostgreSQL.

API (two granian workers), PostgreSQL, whose commits wait for the disk, an agent with its dnsmasqs
and the machines share this host. The machines are on bridges of 100 each, as an agent's networks
are; their frames come from one process. Two rates count: of leases between the first ACK and the
last record, and the time from the last ACK to the last record.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import func, select

from ipam import model
from ipam.store.engine.database import Database
from ipam.store.tables import lease, lease_event
from scripts.bench_parts import api_place, kea, lease_batches, progress
from scripts.bench_parts.api import HEADERS
from scripts.bench_parts.api_load import Wire, cpu_seconds
from scripts.bench_parts.hook import PYTHON, load
from scripts.bench_parts.processes import wait
from tests.servers.lua_dnsmasq import lua_dnsmasq
from tests.servers.postgresql_server import PostgresqlServer

MACHINES: Final = 2000
A_NETWORK: Final = 100
WINDOW: Final = 16
"""How many of a network are between DISCOVER and ACK at a time."""
BARE_RUNS: Final = 60
CORES: Final = 2
TARGETS: Final = {
    "lua": {"per_second": 4000, "lag_ms": 200},
    "python": {"of_its_floor": 0.9},
    "lost": 0,
}
AGENT: Final = """
import sys
from ipam import settings
from ipam.agent.main import run
run(settings.load([sys.argv[1]]), stop_everything_on_exit=True)
"""
Hook = Literal["lua", "python"]


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in what an event costs the API, and the rates with either hook and with Kea."""
    figures["targets"] = TARGETS
    server = PostgresqlServer(durable=True)
    progress.say("postgresql: starting")
    server.launch()
    try:
        figures["batches of 500"] = lease_batches.measured(server, 0.3 if quick else 1)
        program = lua_dnsmasq()
        for hook in ("lua", "python") if program else ("python",):
            if hook == "python":
                floor = _bare_per_second()
            found = _storm(server, hook, program, MACHINES // 10 if quick else MACHINES)
            if hook == "python":
                found["floor_per_second"] = floor
                found["of_its_floor"] = round(found["recorded_per_second"] / floor, 2)
            figures[hook] = found
            progress.say(f"{hook}: {found}")
        figures["kea"] = kea.storm(
            server, MACHINES // 10 if quick else MACHINES, A_NETWORK, WINDOW
        )
        progress.say(f"kea: {figures['kea']}")
    finally:
        server.remove()


def _bare_per_second() -> float:
    """How many bare interpreters this host starts in a second, on all cores at once."""
    begun = time.monotonic()
    loop = f"for n in $(seq {BARE_RUNS}); do {PYTHON} -IS -c pass; done"
    for running in [subprocess.Popen(["sh", "-c", loop]) for _ in range(CORES)]:
        running.wait()
    return round(BARE_RUNS * CORES / (time.monotonic() - begun), 1)


def _storm(
    server: PostgresqlServer, hook: Hook, program: Path | None, machines: int
) -> dict[str, Any]:
    host = f"bench-{hook}"
    with ExitStack() as stack:
        api = stack.enter_context(api_place.served(server.fresh_url()))
        wire = stack.enter_context(closing(Wire(api.port, HEADERS)))
        # In memory, as /run is: dnsmasq writes its lease file before each ACK.
        name = stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))
        run_path = Path(name)
        more = f"poll_interval = 0.5\nhook = {hook}\ndnsmasq = {program or 'dnsmasq'}\n"
        agent = stack.enter_context(_agent(api.agent_settings(host, run_path, more)))
        wait(lambda: b'"alive":true' in wire.call("GET", "/v2.0/agents"))
        networks = [_network(wire, host, n) for n in range(max(1, machines // A_NETWORK))]
        space = f"bench-{hook}-machines"
        subprocess.run(["ip", "netns", "add", space], check=True)
        stack.callback(subprocess.run, ["ip", "netns", "del", space], check=False)
        wait(lambda: _served(run_path / "dhcp") >= len(networks), 300, 0.2)
        for number, (network_id, _macs) in enumerate(networks):
            _plug(space, number, network_id)
        time.sleep(2)  # the bridges begin to forward
        progress.say(f"{hook}: {len(networks)} networks are served")
        pids = {"api": api.pid, "database": server.pid, "agent": agent.pid}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        orders = {f"eth{n}": macs for n, (_id, macs) in enumerate(networks)}
        found = load(space, {"machines": orders, "window": WINDOW})
        recorded_at = _recorded(api.database, found["acknowledged"])
        spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        count = found["acknowledged"]
        return {
            "machines": len(networks) * A_NETWORK,
            "acknowledged": count,
            "lost": count - _count(api.database, lease),
            "events": _count(api.database, lease_event),
            "leases_per_second": round(count / (found["last"] - found["began"])),
            "recorded_per_second": round(count / (recorded_at - found["began"]), 1),
            "lag_ms": round((recorded_at - found["last"]) * 1000),
            "asked_again": found["repeated"],
            "load_cpu_us": round(found["cpu"] / count * 1e6),
            "cpu_us": {name: round(used / count * 1e6) for name, used in spent.items()},
        }


@contextmanager
def _agent(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent that takes down all that it has made at its end, as that of `ipam up` does."""
    started = subprocess.Popen([sys.executable, "-c", AGENT, str(config)])
    try:
        yield started
    finally:
        started.terminate()
        started.wait(120)


def _network(wire: Wire, host: str, number: int) -> tuple[str, list[str]]:
    """A network with ports bound to the host: its id and their MAC addresses."""
    network_id, _subnet = lease_batches.network(wire, f"10.50.{number}.0/24", enable_dhcp=True)
    port = {
        "network_id": network_id,
        "binding:host_id": host,
        "device_owner": "compute:nova",
        "device_id": model.new_id(),
    }
    answer = msgspec.json.decode(wire.call("POST", "/v2.0/ports", {"ports": [port] * A_NETWORK}))
    return network_id, [each["mac_address"] for each in answer["ports"]]


def _served(run_path: Path) -> int:
    """How many networks have a dnsmasq whose hosts are there."""
    return sum(
        len(list((pid.parent / "hosts").iterdir())) >= A_NETWORK for pid in run_path.glob("*/pid")
    )


def _plug(space: str, number: int, network_id: str) -> None:
    outer = f"bench{number}"
    inner = ["name", f"eth{number}", "netns", space]
    link = ["ip", "link", "add", outer, "type", "veth", "peer", *inner]
    subprocess.run(link, check=True)
    bridge = model.bridge_name(network_id)
    subprocess.run(["ip", "link", "set", outer, "master", bridge, "up"], check=True)
    subprocess.run(["ip", "-n", space, "link", "set", f"eth{number}", "up"], check=True)


def _recorded(database: Database, count: int) -> float:
    """When so many leases were there; looked at every 20 ms, for a minute at most."""
    wait(lambda: _count(database, lease) >= count, 120, 0.02)
    return time.time()


def _count(database: Database, table: Any) -> int:
    query = select(func.count()).select_from(table)
    return int(database.read(lambda tx: tx.execute(query).scalar_one()))
