"""A real API, worker and agent with a real dnsmasq, each of which a test may harm."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import psutil

from ipam import model
from ipam.agent.dnsmasq import lease_file
from ipam.client import Client
from ipam.errors import IpamError
from tests.changed_settings import NO_QUOTAS
from tests.guard_tables import remove_guard
from tests.outages.fleet import Fleet, Holding
from tests.outages.meddler import Meddler
from tests.outages.verdict import Verdict, judge
from tests.servers.lua_dnsmasq import lua_dnsmasq
from tests.servers.postgresql_server import PostgresqlServer
from tests.system.ipam_host import run
from tests.waiting import PATIENCE_SECONDS, eventually

IPAM: Final = str(Path(sys.executable).with_name("ipam"))
DATABASES: Final = ("sqlite", "postgresql")
DISK_BYTES: Final = 16 << 20
"""SQLite lets the log beside the book of names grow to 4 MiB."""
SERVICES: Final = ("api", "worker", "agent")
COMMANDS: Final = {"api": ("api",), "worker": ("worker",), "agent": ("agent", "run")}

Json = dict[str, Any]


class Place:
    """One host with its service."""

    def __init__(self, database: str, hook: str = "python") -> None:
        """A `hook` in Lua needs a dnsmasq that has it."""
        self.database = database
        self._hook = hook
        self._dnsmasq = "dnsmasq" if hook == "python" else str(lua_dnsmasq())
        self.host = f"outage-{uuid.uuid4().hex[:6]}"
        self.directory = Path(tempfile.mkdtemp(prefix="ipam-outages-"))
        self.directory.chmod(0o755)
        self.disk = self.directory / "state" / "agent"
        """The agent's state directory, on a small disk of its own."""
        self._socket = self.directory / "run" / "api.sock"
        self.server: PostgresqlServer | None = None
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._closing = contextlib.ExitStack()
        # A process ends with the thread that started it.
        self._starter = self._closing.enter_context(ThreadPoolExecutor(max_workers=1))
        self._octets = itertools.count(1)
        self._networks: list[Json] = []

    def start(self) -> None:
        self.disk.mkdir(parents=True)
        (self.directory / "run").mkdir()
        run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(self.disk))
        if self.database == "postgresql":
            self.server = PostgresqlServer(durable=True)
            self.server.launch()
        self._configure()
        config = str(self.directory / "api.conf")
        run(IPAM, "db", "upgrade", "--config-file", config)
        self.meddler = Meddler(self.directory / "run" / "proxied.sock", self._socket)
        for name in SERVICES:
            self.launch(name)
        self.client = self._closing.enter_context(
            Client(socket_path=str(self._socket), timeout_seconds=PATIENCE_SECONDS)
        )
        self.await_service()

    def launch(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a service, unless it runs."""
        if name in self.processes and self.processes[name].poll() is None:
            return
        self.processes[name] = self.process(name, environment)

    def process(
        self, name: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        return self._starter.submit(self._process, name, environment or {}).result()

    def _process(self, name: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        config = self.directory / ("agent.conf" if name == "agent" else "api.conf")
        command = [IPAM, *COMMANDS[name], "--config-file", str(config)]
        with (self.directory / f"{name}.log").open("ab") as log:
            together = ["setpriv", "--pdeathsig", "KILL", *command]
            env = {**os.environ, **environment}
            return subprocess.Popen(together, stdout=log, stderr=log, env=env)

    def start_database(self) -> None:
        """Start the database server, unless it runs or there is none."""
        if self.server is not None and not self.server.is_running:
            self._starter.submit(self.server.start).result()

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def end(self, name: str) -> None:
        self.processes[name].terminate()
        self.processes[name].wait(PATIENCE_SECONDS)

    def await_service(self) -> None:
        def is_up() -> bool:
            if not _is_listening(self._socket):
                return False  # httpx leaves a socket open that cannot connect
            try:
                found = self.client.get("/v2.0/agents")["agents"]
            except IpamError:
                return False
            return any(one["host"] == self.host and one["alive"] for one in found)

        eventually(is_up, self.said)

    def network(self, machines: int) -> tuple[Json, list[Json]]:
        """A network with so many ports, which are all ready."""
        one = self.client.post("/v2.0/networks", json={"network": {"name": "outages"}})["network"]
        self._networks.append(one)
        cidr = "10.{}.{}.0/24".format(*divmod(next(self._octets) + 51200, 256))
        subnet = {"network_id": one["id"], "ip_version": 4, "cidr": cidr}
        self.client.post("/v2.0/subnets", json={"subnet": subnet})
        ports = [self.port_body(one)] * machines
        made = self.client.post("/v2.0/ports", json={"ports": ports})["ports"]
        self.await_active(one, machines)
        return one, made

    def port_body(self, network: Json, **more: Any) -> Json:
        """What a port has that is bound here and needs no tap."""
        bare = {"binding:host_id": self.host, "device_owner": "baremetal:none"}
        return {"network_id": network["id"], **bare, **more}

    def await_active(self, network: Json, machines: int) -> None:
        query = {"network_id": network["id"], "status": "ACTIVE", "device_owner": "baremetal:none"}

        def are_active() -> bool:
            found = self.client.list("/v2.0/ports", "ports", {**query, "fields": "id"})
            return len(found) == machines

        eventually(are_active, self.said)

    def pid(self, network: Json) -> int:
        """The network's dnsmasq; 0 if there is none."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self._served(network) / "pid").read_text())
            if psutil.pid_exists(pid):
                return pid
        return 0

    def helper(self, network: Json) -> int:
        return next(iter(_children(self.pid(network))), 0)

    def hook(self, network: Json) -> int:
        return next(iter(_children(self.helper(network))), 0)

    def judge(self, network: Json, fleet: Fleet) -> Verdict:
        query = {"network_id": network["id"]}
        return judge(
            held=fleet.held(),
            begun=fleet.begun,
            ended=fleet.ended,
            served=self.served(network),
            leases=self.client.list("/v2.0/leases", "leases", query),
            events=self.client.list("/v2.0/lease-events", "lease_events", query),
            host=self.host,
            stuck=self._stuck(),
        )

    def served(self, network: Json) -> set[Holding]:
        """What dnsmasq's own file has."""
        with contextlib.suppress(FileNotFoundError):
            found = lease_file.parsed(self.lease_path(network).read_text())
            return {(one.ip_address, str(one.mac_address)) for one in found or ()}
        return set()

    def lease_path(self, network: Json) -> Path:
        return self._served(network) / lease_file.NAME

    def remove(self, network: Json) -> None:
        query = {"network_id": network["id"], "device_owner": "baremetal:none", "fields": "id"}
        for port in self.client.list("/v2.0/ports", "ports", query):
            self.client.delete(f"/v2.0/ports/{port['id']}")
        self.client.delete(f"/v2.0/networks/{network['id']}")

    def memory_mb(self) -> float:
        """What agent and API have in memory."""
        found = [psutil.Process(self.processes[name].pid) for name in ("agent", "api")]
        return sum(one.memory_info().rss for one in found) / (1 << 20)

    def said(self) -> str:
        """The end of each log."""
        logs = [self.directory / f"{name}.log" for name in SERVICES]
        return "\n".join(f"{one.name}:\n{one.read_text()[-2000:]}" for one in logs)

    def close(self) -> None:
        for name in ("worker", "agent"):
            if name in self.processes:
                self.kill(name)
        for network in self._networks:
            if pid := self.pid(network):
                os.kill(pid, signal.SIGKILL)
            run("ip", "netns", "del", model.dhcp_namespace(network["id"]), check=False)
            run("ip", "link", "del", model.bridge_name(network["id"]), check=False)
        self._closing.close()
        remove_guard(self.directory / "run")
        if "api" in self.processes:
            self.kill("api")
        self.meddler.close()
        if self.server is not None:
            self.server.remove()
        run("umount", "-l", str(self.disk), check=False)
        shutil.rmtree(self.directory)

    def _configure(self) -> None:
        url = f"sqlite:///{self.directory}/ipam.sqlite"
        if self.server is not None:
            url = self.server.fresh_url()
        for name, door in (("api", "api.sock"), ("agent", "proxied.sock")):
            file = self.directory / f"{name}.conf"
            file.write_text(
                f"[DEFAULT]\nhost = {self.host}\nstate_path = {self.directory}/state\n"
                f"run_path = {self.directory}/run\n[database]\nconnection = {url}\n"
                f"[quotas]\n{NO_QUOTAS}"
                f"[api]\nbind_port = 0\nsocket = {self.directory}/run/{door}\n"
                f"[agent]\npoll_interval = 1\nhook = {self._hook}\ndnsmasq = {self._dnsmasq}\n"
                "allow_vulnerable_dnsmasq = true\n"
                "[network]\naddress_cooldown_seconds = 0\n"
            )
            file.chmod(0o600)

    def _served(self, network: Json) -> Path:
        return self.directory / "run" / "dhcp" / str(network["id"])

    def _stuck(self) -> str:
        waiting = [path for path in (self.disk / "spool").glob("*") if path.stat().st_size]
        inbox, position = self.disk / "inbox", self.disk / "inbox.position"
        size = inbox.stat().st_size if inbox.exists() else 0
        if size and size > int(position.read_text() if position.exists() else 0):
            waiting.append(inbox)
        return ", ".join(f"{path.name} has {path.stat().st_size} bytes" for path in waiting)


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return (
            [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
            if pid
            else []
        )
    return []
