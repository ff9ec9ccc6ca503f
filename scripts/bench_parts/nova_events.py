"""Measures how soon Nova hears that a bound port is ready, with a real agent and worker.

The time is from the PUT that binds the port to the event. The tap is made when the PUT is
answered. It is measured with an agent that the API wakes, and with one that only polls, as on
another host. That one asks when it sees the tap.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ipam import model
from ipam.client import Client
from ipam.identity import htpasswd
from scripts.bench_parts import api_place
from scripts.bench_parts.processes import Place, place, process, quantile, wait
from tests.compute.nova_endpoint import ACCEPTS, NovaEndpoint
from tests.servers.mariadb_server import MariadbServer
from tests.servers.private_server import free_port

PORTS: Final = 100
POLL_SECONDS: Final = 2
PAUSE_SECONDS: Final = 0.05
"""Nova, too, has something to do between two calls; what came before is not to be waited for."""
TARGET_P50_MS: Final = 100
PASSWORD: Final = "bench-password"
PLUGGED: Final = "network-vif-plugged"


class Ear(NovaEndpoint):
    """Stands in for Nova and notes when it heard of each port."""

    def __init__(self) -> None:
        self._heard_at: dict[str, float] = {}
        self._news = threading.Condition()
        super().__init__()
        self.answer = self._hear

    def heard_at(self, port_id: str, seconds: float = 30) -> float:
        """When the port's event came, waited for. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: port_id in self._heard_at, seconds):
                raise TimeoutError(f"no {PLUGGED} of port {port_id} within {seconds} s")
            return self._heard_at[port_id]

    def _hear(self, events: list[dict[str, Any]]) -> Any:
        now = time.monotonic()
        with self._news:
            for event in events:
                if event["name"] == PLUGGED:
                    self._heard_at.setdefault(event["tag"], now)
            self._news.notify_all()
        return ACCEPTS(events)


def latencies(ports: int = PORTS) -> dict[str, Any]:
    """Milliseconds, p50 and p99, over so many ports one after the other."""
    with contextlib.closing(Ear()) as nova, _service(nova) as (made, client):
        agents = {"agent waked": made, f"agent polling every {POLL_SECONDS} s": _elsewhere(made)}
        found = {}
        for name, its in agents.items():
            with made.client() as admin, _agent(its, admin):
                network_id = _network(admin, its.host)
                bind = partial(_plugged_ms, client, nova, network_id, its.host)
                bind()  # the first starts the network's dnsmasq
                found[name] = _summary([bind() for _ in range(ports)])
        return found


@contextlib.contextmanager
def _service(nova: NovaEndpoint) -> Iterator[tuple[Place, Client]]:
    """API and worker on a MariaDB whose commits wait for the disk, and Nova as their client."""
    with contextlib.ExitStack() as stack:
        database = MariadbServer(durable=True)
        database.launch()
        stack.callback(database.remove)
        url = database.fresh_url()
        api_place.prepared(url).dispose()
        made, port = stack.enter_context(place()), free_port()
        with Path(made.config).open("a") as config:
            config.write(
                f"[api]\nbind_port = {port}\n[database]\nconnection = {url}\n"
                f"[compute]\nsend_events = true\n{nova.settings()}"
            )
        htpasswd.put(made.directory / "htpasswd", "nova", PASSWORD, role="service")
        for name in ("api", "worker"):
            stack.enter_context(process(made, name))
        client = Client(url=f"http://127.0.0.1:{port}", auth=("nova", PASSWORD))
        with client:
            wait(lambda: client.get("/v2.0/networks"))
            yield made, client


def _elsewhere(made: Place) -> Place:
    """Settings of an agent that nobody wakes: its run_path is not the API's."""
    directory = made.directory / "elsewhere"
    directory.mkdir()
    away = replace(made, directory=directory, host=f"{made.host}-2")
    Path(away.config).write_text(
        f"[DEFAULT]\nhost = {away.host}\nstate_path = {directory}\nrun_path = {directory}\n"
        f"log_level = WARNING\n[api]\nsocket = {made.socket}\n"
        f"[agent]\npoll_interval = {POLL_SECONDS}\n"
    )
    return away


@contextlib.contextmanager
def _agent(its: Place, admin: Client) -> Iterator[None]:
    """An agent with these settings, which has reported."""
    with process(its, "agent", "run", "--remove-on-exit"):
        wait(lambda: its.host in [a["host"] for a in admin.get("/v2.0/agents")["agents"]])
        yield


def _network(admin: Client, name: str) -> str:
    network = admin.post("/v2.0/networks", json={"network": {"name": name}})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.8.0.0/22"}
    admin.post("/v2.0/subnets", json={"subnet": subnet})
    return str(network["id"])


def _plugged_ms(client: Client, nova: Ear, network_id: str, host: str) -> float:
    """Bind a port as Nova does, plug it, wait for the event; the machine is gone afterwards."""
    owner = {"device_id": model.new_id(), "device_owner": f"{model.COMPUTE_OWNER_PREFIX}nova"}
    port = client.post("/v2.0/ports", json={"port": {"network_id": network_id, **owner}})["port"]
    tap, path = model.tap_name(port["id"]), f"/v2.0/ports/{port['id']}"
    time.sleep(PAUSE_SECONDS)
    sent = time.monotonic()
    client.put(path, json={"port": {"binding:host_id": host}})
    subprocess.run(["ip", "tuntap", "add", "dev", tap, "mode", "tap"], check=True)
    try:
        return (nova.heard_at(port["id"]) - sent) * 1000
    finally:
        subprocess.run(["ip", "link", "del", tap], check=True)
        client.delete(path)
        time.sleep(PAUSE_SECONDS)


def _summary(values: list[float]) -> dict[str, float]:
    return {"p50_ms": round(quantile(values, 0.5), 1), "p99_ms": round(quantile(values, 0.99), 1)}
