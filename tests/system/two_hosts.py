"""Two hosts on one machine: an API, an agent on each host, and a guest that moves between them.

A host is a process with a network and a mount namespace of its own, so each agent has its own
/run/netns. The guest is on a bridge between both hosts' taps, as if the tap moved.
"""

import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ipam import model
from ipam.client import Client
from tests.open_directory import open_directory
from tests.system.ipam_host import run
from tests.system.wire import dhcp4_socket, inside
from tests.waiting import PATIENCE_SECONDS, eventually

IPAM = str(Path(sys.executable).with_name("ipam"))
BOOTREQUEST, ETHERNET, BROADCAST = 1, 1, 0x8000
MAGIC = b"\x63\x82\x53\x63"
DISCOVER = MAGIC + b"\x35\x01\x01\xff"

REST_SECONDS = 0.06
"""The guard lets no more than 20 DHCP packets a second pass from a tap."""
LEASE_SCRIPT = """#!/bin/sh
case $1 in bound|renew)
  ip address replace "$ip/$mask" dev "$interface"
  echo "$1 $ip" >>RESULT;;
esac
"""

SomeCloud = TypeVar("SomeCloud", bound="Cloud")


class HostNamespace:
    """One host with its agent, which asks the API every two seconds and is woken by nobody."""

    def __init__(self, directory: Path, name: str, api_socket: str, host: str = "") -> None:
        """Its agent calls itself by the name, or as another host."""
        self.name = host or name
        self.directory = directory / name
        self.network_namespace = f"{name}-{uuid.uuid4().hex[:6]}"
        (self.directory / "netns").mkdir(parents=True)
        run("ip", "netns", "add", self.network_namespace)
        hold = f"mount --bind {self.directory}/netns /run/netns && echo up && exec sleep infinity"
        self._holder = subprocess.Popen(
            ["ip", "netns", "exec", self.network_namespace, "sh", "-c", hold],
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"up\n"
        self._config = self.directory / "ipam.conf"
        self._config.write_text(
            f"[DEFAULT]\nhost = {self.name}\nstate_path = {self.directory}/state\n"
            f"run_path = {self.directory}/run\n[api]\nsocket = {api_socket}\n"
            "[agent]\npoll_interval = 2\nreport_interval = 1\n"
        )
        self._agent: subprocess.Popen[bytes] | None = None

    @property
    def enter(self) -> tuple[str, ...]:
        """The words before a command that runs here."""
        return ("nsenter", f"--target={self._holder.pid}", "--mount", "--net", "--")

    def configure(self, of_agent: str) -> None:
        """Further settings of [agent]."""
        with self._config.open("a") as config:
            config.write(of_agent)

    def reach_api(self, number: int) -> None:
        """Have a way to the API's host, by which it wakes the agent: the poll is left out."""
        own, there = (f"198.18.{os.getpid() % 250}.{4 * number + one}" for one in (1, 2))
        link = f"w{uuid.uuid4().hex[:10]}"
        peer = ("peer", "name", "to-api", "netns", self.network_namespace)
        run("ip", "link", "add", link, "type", "veth", *peer)
        run("ip", "address", "add", f"{own}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        run("ip", "-n", self.network_namespace, "address", "add", f"{there}/30", "dev", "to-api")
        run("ip", "-n", self.network_namespace, "link", "set", "to-api", "up")
        self.configure(f"[agent]\nwake_ip = {there}\npoll_interval = 120\n")

    def start_agent(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._agent = subprocess.Popen(
                [*self.enter, IPAM, "agent", "run", "--config-file", str(self._config)],
                stdout=log,
                stderr=log,
            )

    def kill_agent(self) -> None:
        if self._agent is not None:
            self._agent.kill()
            self._agent.wait()

    def has_ended(self) -> bool:
        return self._agent is not None and self._agent.poll() is not None

    def exit_code(self) -> int | None:
        return None if self._agent is None else self._agent.returncode

    def servers(self) -> list[int]:
        """The pids of the dnsmasqs that run here."""
        pids = [int(one.read_text()) for one in (self.directory / "run").glob("dhcp/*/pid")]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    def log(self) -> str:
        log = self.directory / "log"
        return log.read_text() if log.exists() else ""

    def close(self) -> None:
        self.kill_agent()
        pids = run("ip", "netns", "pids", self.network_namespace, check=False).split()
        for holder in (self.directory / "run").glob("dhcp/*/pid"):
            pids.append(holder.read_text().strip())
        for pid in {*pids, str(self._holder.pid)}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self._holder.communicate()
        run("ip", "netns", "del", self.network_namespace, check=False)


@dataclass
class Guest:
    """A machine in a namespace, on a bridge in another, to which each host's tap is a wire."""

    port: dict[str, Any]
    directory: Path
    namespace: str = field(default_factory=lambda: f"guest-{uuid.uuid4().hex[:6]}")
    client: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        wire = f"{self.namespace}-wire"
        for name in (self.namespace, wire):
            run("ip", "netns", "add", name)
        within = ("ip", "-n", wire, "link")
        run(*within, "add", "wire", "type", "bridge", "forward_delay", "0")
        run(*within, "set", "wire", "up")
        run(
            *within,
            "add",
            "guest",
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            self.namespace,
        )
        run(*within, "set", "guest", "master", "wire", "up")
        mac = self.port["mac_address"]
        run("ip", "-n", self.namespace, "link", "set", "eth0", "address", mac, "up")
        switch = "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done"
        run("ip", "netns", "exec", self.namespace, "sh", "-c", switch)

    def plug(self, host: HostNamespace) -> None:
        """The tap appears on the host."""
        within = ("ip", "-n", f"{self.namespace}-wire", "link")
        tap = ("peer", "name", model.tap_name(self.port["id"]), "netns", host.network_namespace)
        run(*within, "add", f"to-{host.name}", "type", "veth", *tap)
        run(*within, "set", f"to-{host.name}", "master", "wire", "up")

    def unplug(self, host: HostNamespace) -> None:
        run("ip", "-n", f"{self.namespace}-wire", "link", "del", f"to-{host.name}")

    def start_client(self, *more: str) -> None:
        """udhcpc, which keeps its lease, renews it when told to and gives it back at its end.

        `more` are further words of its command line.
        """
        script = self.directory / "lease-script"
        script.write_text(LEASE_SCRIPT.replace("RESULT", str(self.directory / "leases")))
        script.chmod(0o755)
        within = ("ip", "netns", "exec", self.namespace)
        self.client = subprocess.Popen(
            [
                *within,
                "udhcpc",
                "-f",
                "-R",
                "-i",
                "eth0",
                "-t",
                "60",
                "-T",
                "1",
                "-s",
                str(script),
                *more,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def renew(self) -> None:
        assert self.client is not None
        self.client.send_signal(signal.SIGUSR1)

    def stop_client(self) -> None:
        """End the client, which gives its lease back."""
        assert self.client is not None
        self.client.terminate()
        self.client.wait(PATIENCE_SECONDS)

    def leases(self) -> list[str]:
        """What the client was given, first to last."""
        path = self.directory / "leases"
        return path.read_text().splitlines() if path.exists() else []

    def close(self) -> None:
        if self.client is not None:
            self.client.kill()
            self.client.wait()
        for name in (self.namespace, f"{self.namespace}-wire"):
            run("ip", "netns", "del", name, check=False)


class Probe:
    """Asks for the guest's address again and again, one packet each; counts who answers not.

    A DISCOVER changes nothing on the server, and is not repeated: what is lost is counted. It
    rests between two: while two hosts answer, the faster one sets the pace, and the socket of the
    slower one would overflow.
    """

    def __init__(self, guest: Guest) -> None:
        self.asked = 0
        self.unanswered = 0
        self._mac = bytes.fromhex(guest.port["mac_address"].replace(":", ""))
        self._stopping = False
        self._socket = inside(guest.namespace, dhcp4_socket)
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def answered(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether one request is answered, by whatever host."""
        xid = os.urandom(4)
        head = struct.pack("!BBBB4sHH16x", BOOTREQUEST, ETHERNET, 6, 0, xid, 0, BROADCAST)
        packet = head + self._mac.ljust(208, b"\0") + DISCOVER
        self._socket.sendto(packet, ("255.255.255.255", 67))
        self._socket.settimeout(seconds)
        try:
            while True:
                answer = self._socket.recv(2048)
                if answer[4:8] == xid and answer[16:20] != bytes(4):
                    return True
        except TimeoutError:
            return False

    def _run(self) -> None:
        while not self._stopping:
            self.asked += 1
            self.unanswered += not self.answered()
            time.sleep(REST_SECONDS)


class Cloud:
    """The API and two hosts `a` and `b`."""

    def __init__(self, directory: Path, *, wakes: bool = False) -> None:
        """With `wakes` the API wakes the agents, which do not poll."""
        self._wakes = wakes
        self._directory = directory
        self.config = directory / "ipam.conf"
        self._closing = contextlib.ExitStack()
        self._api: subprocess.Popen[bytes] | None = None

    def start(self, more: str = "") -> None:
        """Start everything; what was started ends with `close`, however far this came.

        `more` are further lines of the API's settings.
        """
        directory = self._directory
        self.config.write_text(
            f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\n[api]\nbind_port = 0\n"
            + more
        )
        run(IPAM, "db", "upgrade", "--config-file", str(self.config))
        self._closing.callback(self.stop_api)
        self.start_api()
        client = Client(socket_path=str(directory / "api.sock"))
        self.client = self._closing.enter_context(client)
        self.a, self.b = (self.host(name) for name in ("a", "b"))
        for number, one in enumerate((self.a, self.b)):
            if self._wakes:
                one.reach_api(number)
            one.start_agent()
        self.eventually(lambda: len(self.client.get("/v2.0/agents")["agents"]) == 2, "two agents")

    def start_api(self) -> None:
        with (self._directory / "api.log").open("ab") as log:
            self._api = subprocess.Popen(
                [IPAM, "api", "--config-file", str(self.config)], stdout=log, stderr=log
            )
        eventually((self._directory / "api.sock").exists, "the API is up")

    def stop_api(self) -> None:
        if self._api is not None:
            self._api.terminate()
            self._api.wait(PATIENCE_SECONDS)
        (self._directory / "api.sock").unlink(missing_ok=True)

    def api_log(self) -> str:
        return (self._directory / "api.log").read_text()

    def logs(self) -> str:
        return "\n".join(host.log()[-3000:] for host in (self.a, self.b))

    def port(self, host: HostNamespace, owner: str = "compute:nova") -> dict[str, Any]:
        network = self.client.post("/v2.0/networks", json={"network": {"name": "n"}})["network"]
        subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.44.0.0/24"}
        self.client.post("/v2.0/subnets", json={"subnet": subnet})
        row = {
            "network_id": network["id"],
            "device_owner": owner,
            "binding:host_id": host.name,
        }
        made: dict[str, Any] = self.client.post("/v2.0/ports", json={"port": row})["port"]
        return made

    def guest(self, port: dict[str, Any]) -> Guest:
        directory = self._directory / port["id"]
        directory.mkdir()
        made = Guest(port, directory)
        self._closing.callback(made.close)
        made.connect()
        return made

    def status(self, port: dict[str, Any]) -> str:
        shown = self.client.get(f"/v2.0/ports/{port['id']}")["port"]
        return str(shown["status"])

    def await_status(self, port: dict[str, Any], status: str) -> None:
        self.eventually(lambda: self.status(port) == status, f"the port is {status}")

    def await_look(self, host: HostNamespace) -> None:
        """Until the host's agent has asked the API for what there is now, and has acted on it."""
        self.await_status(self.port(host, owner="baremetal:none"), "ACTIVE")

    def eventually(self, probe: Callable[[], Any], what: str) -> Any:
        return eventually(probe, lambda: f"{what}\n{self.logs()}")

    def close(self) -> None:
        self._closing.close()

    def host(self, name: str, calls_itself: str = "") -> HostNamespace:
        """A further host. Its agent does not run yet."""
        socket_path = str(self._directory / "api.sock")
        made = HostNamespace(self._directory, name, socket_path, calls_itself)
        self._closing.callback(made.close)
        return made


@contextlib.contextmanager
def started(make: Callable[[Path], SomeCloud]) -> Iterator[SomeCloud]:
    """A cloud of this kind, gone at the end of the block."""
    with open_directory("cloud") as directory:
        made = make(directory)
        try:
            made.start()
            yield made
        finally:
            made.close()
