"""Hosts to test on: a fake API, the real agent in a process of its own, machines in namespaces."""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ipam import model
from ipam.agent import agent
from tests.guard_tables import remove_guard
from tests.servers.quiet_server import QuietThreads
from tests.waiting import PATIENCE_SECONDS, eventually

Json = dict[str, Any]


def run(*command: str, check: bool = True) -> str:
    """What the command prints."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


class FakeApi:
    """The agent's part of the API out of dictionaries, on a Unix socket."""

    def __init__(self, directory: Path) -> None:
        self.socket_path = str(directory / "api.sock")
        self.wake_path = str(directory / "agent-wake.sock")
        self.networks: dict[str, Json] = {}
        self.events: list[Json] = []
        self.ready: dict[str, int] = {}
        self.down_reports = 0
        self.asked = 0
        self.questions: list[Json] = []
        self.answers: list[Json] = []
        self.refusals: list[Json] = []
        self.agent: Json = {}
        self.poison: set[str] = set()
        self.lock = threading.RLock()
        self._server: UnixStreamServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            Path(self.socket_path).unlink(missing_ok=True)
        server = _Server(self.socket_path, _Handler)
        server.api = self
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            Path(self.socket_path).unlink(missing_ok=True)
            self._server = None

    def put(self, network: Json, *, wake: bool = True) -> None:
        with self.lock:
            self.networks[network["id"]] = dict(network, digest=uuid.uuid4().hex)
        if wake:
            self.wake()

    def remove(self, network_id: str) -> None:
        with self.lock:
            del self.networks[network_id]
        self.wake()

    def wake(self) -> None:
        wake = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with wake, contextlib.suppress(OSError):
            wake.sendto(b"", self.wake_path)

    def events_of(self, address: str) -> list[str]:
        with self.lock:
            return [e["action"] for e in self.events if e["ip_address"] == address]

    def get(self, query: Json) -> Any:
        wanted = query.get("network_id")
        with self.lock:
            if wanted:
                return {"networks": [self.networks[i] for i in wanted if i in self.networks]}
            self.asked += 1
            rows = [{"id": n["id"], "digest": n["digest"]} for n in self.networks.values()]
            return {
                "networks": sorted(rows, key=lambda row: row["id"]),
                "probes": list(self.questions),
            }

    def post(self, path: str, body: Json) -> tuple[int, Any]:
        with self.lock:
            if path.endswith("/agents"):
                self.agent = body["agent"]
                return 200, {"agent": {"id": "a0000000-0000-4000-8000-000000000000"}}
            if path.endswith("/probes"):
                self.answers += body["probes"]
                self.questions.clear()
                return 200, {"probes": [one["id"] for one in body["probes"]]}
            if path.endswith("/dhcp-refusals"):
                self.refusals += body["dhcp_refusals"]
                return 200, {"recorded": len(body["dhcp_refusals"])}
            if path.endswith("/ready-ports"):
                self.ready.update((p["id"], p["revision_number"]) for p in body["ports"])
                return 200, {"ready": [p["id"] for p in body["ports"]], "ignored": []}
            if path.endswith("/down-ports"):
                self.down_reports += 1
                for each in body["ports"]:
                    self.ready.pop(each["id"], None)
                return 200, {"down": [p["id"] for p in body["ports"]], "ignored": []}
            if any(e["ip_address"] in self.poison for e in body["lease_events"]):
                return 400, {"NeutronError": {"type": "HTTPBadRequest", "message": "[0] poison"}}
            known = {e["id"] for e in self.events}
            self.events += [e for e in body["lease_events"] if e["id"] not in known]
            last = body["lease_events"][-1]
            place = {"epoch": last["epoch"], "sequence": last["sequence"]}
            return 200, {"applied": len(body["lease_events"]), "duplicates": 0, **place}


class _Server(QuietThreads, UnixStreamServer):
    daemon_threads = False  # whoever stops it waits until nobody is answered any more
    request_queue_size = 64
    api: FakeApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.5

    def log_message(self, *_unused: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"

    def do_GET(self) -> None:
        body = self.server.api.get(parse_qs(urlsplit(self.path).query))  # type: ignore[attr-defined]
        etag = f'"{hash(json.dumps(body))}"'
        if self.headers.get("If-None-Match") == etag:
            self._send(304, None, etag)
        else:
            self._send(200, body, etag)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = self.server.api.post(self.path, body)  # type: ignore[attr-defined]
        self._send(status, answer, "")

    def _send(self, status: int, body: Any, etag: str) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@dataclass
class Machine:
    """A network namespace with a veth, whose other end is named as its port's tap."""

    port: Json
    namespace: str

    def udhcpc(self, *more: str) -> str:
        """The address that udhcpc got; it asks anew each time, and asks for what is given it."""
        command = ("ip", "netns", "exec", self.namespace, "busybox", "udhcpc", "-i", "eth0")
        options = ("-n", "-q", "-f", "-t", "60", "-T", "1", "-s", "/bin/true", *more)
        done = subprocess.run(
            [*command, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        found = re.search(r"lease of (\S+) obtained", done.stdout + done.stderr)
        return found[1] if found else ""


@dataclass
class Host:
    """One host: its directories, its API, its agent process, its machines."""

    directory: Path
    api: FakeApi
    name: str = "host-under-test"
    agent_settings: str = ""
    """More lines of [agent]."""
    tidy_seconds: float = agent.TIDY_SECONDS
    """How often the agent looks for what only time brings."""
    process: subprocess.Popen[bytes] | None = None
    networks: list[Json] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def start_agent(self, *, stop_everything: bool = False, poll_seconds: int = 1) -> None:
        config = self.directory / "ipam.conf"
        config.write_text(
            f"[DEFAULT]\nhost = {self.name}\nstate_path = {self.directory}/state\n"
            f"run_path = {self.directory}/run\n"
            f"[api]\nsocket = {self.api.socket_path}\n[agent]\npoll_interval = {poll_seconds}\n"
            f"{self.agent_settings}\n"
        )
        code = (
            "import logging, sys; from ipam import settings; from ipam.agent.main import run;"
            "logging.basicConfig(level=logging.DEBUG, format='%(asctime)s %(name)s %(message)s');"
            "[logging.getLogger(n).setLevel(30) for n in ('httpcore', 'httpx', 'asyncio')];"
            "from ipam.agent import agent; agent.TIDY_SECONDS = float(sys.argv[3]);"
            "run(settings.load([sys.argv[1]]), stop_everything_on_exit=sys.argv[2] == 'True')"
        )
        log = (self.directory / "agent.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-W", "error", "-c", code, str(config)),
                    *(str(stop_everything), str(self.tidy_seconds)),
                ],
                stdout=log,
                stderr=log,
            )
        eventually(self._is_up, "the agent is up")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        return (self.directory / "run" / "lease-inbox.sock").exists()

    def log(self) -> str:
        return (self.directory / "agent.log").read_text()

    def known_state(self, network: Json) -> str:
        """What the agent keeps of the network on disk."""
        path = self.directory / "state" / "agent" / "networks" / f"{network['id']}.json"
        return path.read_text() if path.exists() else ""

    def end_agent(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        self.process = None
        return code

    def network(self, *, subnets: list[Json] | None = None, **more: Any) -> Json:
        network_id = str(uuid.uuid4())
        subnets = [subnet()] if subnets is None else subnets
        row = {
            "id": network_id,
            "project_id": "demo",
            "mtu": 1450,
            "dns_domain": "lab.example",
            "admin_state_up": True,
            "lease_seconds": 3600,
            "dhcp_port": {
                "id": str(uuid.uuid4()),
                "mac_address": random_mac(),
                "fixed_ips": [
                    {"subnet_id": s["id"], "ip_address": s["server"]}
                    for s in subnets
                    if s["server"]
                ],
            },
            "subnets": subnets,
            "ports": [],
        } | more
        self.networks.append(row)
        return row

    def port(self, network: Json, address: str = "", **more: Any) -> Json:
        number = next(self.numbers)
        first = network["subnets"][0]
        address = address or f"{first['prefix']}{number}"
        row = {
            "id": str(uuid.uuid4()),
            "mac_address": random_mac(),
            "revision_number": 1,
            "device_id": "",
            "device_owner": "compute:nova",
            "admin_state_up": True,
            "status": "DOWN",
            "binding_host_id": self.name,
            "hostname": f"vm-{number}",
            "fixed_ips": [{"subnet_id": first["id"], "ip_address": address}],
            "extra_dhcp_opts": [],
        } | more
        network["ports"] = [*network["ports"], row]
        return row

    def machine(self, port: Json) -> Machine:
        """Plug it in: the tap appears, and the agent finds it."""
        name = f"vm-{port['id']}"
        self.namespaces.append(name)
        run("ip", "netns", "add", name)
        tap = model.tap_name(port["id"])
        run("ip", "link", "add", tap, "type", "veth", "peer", "name", "eth0", "netns", name)
        within = ("ip", "-n", name)
        run(*within, "link", "set", "eth0", "address", port["mac_address"], "up")
        run(*within, "link", "set", "lo", "up")
        return Machine(port, name)

    def unplug(self, machine: Machine) -> None:
        run("ip", "link", "del", model.tap_name(machine.port["id"]), check=False)
        run("ip", "netns", "del", machine.namespace, check=False)

    def dnsmasq_pid(self, network: Json) -> int:
        try:
            return int((self.directory / "run" / "dhcp" / network["id"] / "pid").read_text())
        except (OSError, ValueError):
            return 0

    def is_ready(self, port: Json) -> bool:
        return bool(self.api.ready.get(port["id"]) == port["revision_number"])

    def await_ready(self, port: Json) -> None:
        eventually(lambda: self.is_ready(port), lambda: f"port ready\n{self.log()[-3000:]}")

    def clean_up(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for network in self.networks:
            pid = self.dnsmasq_pid(network)
            if pid and str(self.directory).encode() in _command(pid):
                os.kill(pid, signal.SIGKILL)
            run("ip", "netns", "del", model.dhcp_namespace(network["id"]), check=False)
            run("ip", "link", "del", model.bridge_name(network["id"]), check=False)
        for name in self.namespaces:
            run("ip", "netns", "del", name, check=False)
        remove_guard(self.directory / "run")
        self.api.stop()


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def subnet(prefix: str = "", **more: Any) -> Json:
    """A subnet row; `prefix` as `10.9.8.`; `server` is the DHCP port's address in it."""
    octets = uuid.uuid4().bytes
    prefix = prefix or f"10.{octets[0]}.{octets[1]}."
    return {
        "id": str(uuid.uuid4()),
        "prefix": prefix,
        "server": f"{prefix}2",
        "cidr": f"{prefix}0/24",
        "ip_version": 4,
        "gateway_ip": f"{prefix}1",
        "enable_dhcp": True,
        "dns_nameservers": ["192.0.2.53"],
        "host_routes": [],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
    } | more


def random_mac() -> str:
    return "fa:16:3e:" + uuid.uuid4().bytes[:3].hex(":")
