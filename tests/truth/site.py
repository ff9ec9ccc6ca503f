"""A real API and a real agent on this machine, and the resources of a test."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipam import model
from ipam.client import Client
from ipam.errors import NotFound
from tests.changed_settings import NO_QUOTAS
from tests.guard_tables import remove_guard
from tests.system.ipam_host import run
from tests.truth.machine import (
    SCRIPTS,
    UDHCPC_AND_DHCLIENT,
    Machine,
    machine_of,
    write_scripts,
)
from tests.waiting import PATIENCE_SECONDS, eventually

IPAM = str(Path(sys.executable).with_name("ipam"))
"""For what a healthy service does within a second: only a broken one lets us wait so long."""

Json = dict[str, Any]


class Site:
    """The service. Every network, port and machine that it made is gone with it."""

    def __init__(self) -> None:
        self.client_of_machines = UDHCPC_AND_DHCLIENT
        """What the machines ask with that are made from now on."""
        self.name = f"truth-{uuid.uuid4().hex[:6]}"
        self.directory = Path(tempfile.mkdtemp(prefix="ipam-truth-"))
        self.directory.chmod(0o755)
        self.config = self.directory / "ipam.conf"
        self._closing = contextlib.ExitStack()
        self._agent: subprocess.Popen[bytes] | None = None
        self._octets = itertools.count(1)

    def start(self) -> None:
        self.config.write_text(
            f"[DEFAULT]\nhost = {self.name}\nstate_path = {self.directory}\n"
            f"run_path = {self.directory}/run\n[quotas]\n{NO_QUOTAS}[api]\nbind_port = 0\n"
            "[agent]\npoll_interval = 1\n[network]\naddress_cooldown_seconds = 0\n"
        )
        (self.directory / "run").mkdir()
        write_scripts(self.directory, SCRIPTS)
        run(IPAM, "db", "upgrade", "--config-file", str(self.config))
        api = self._process("api")
        self._closing.callback(api.wait, 30)
        self._closing.callback(api.terminate)
        socket = self.directory / "run" / "api.sock"
        eventually(socket.exists, "the API is up")
        self.client = self._closing.enter_context(
            Client(socket_path=str(socket), timeout_seconds=PATIENCE_SECONDS)
        )
        self.start_agent()
        self.eventually(lambda: self.client.get("/v2.0/agents")["agents"], "an agent")
        self._canary = self.create("port", network_id=self._canary_network()["id"], **self.bare())

    def bare(self) -> Json:
        """What a port has that is bound here and needs no tap."""
        return {"binding:host_id": self.name, "device_owner": "baremetal:none"}

    def prefix(self) -> str:
        """The first three octets of a /24 that nobody has."""
        return "10.{}.{}".format(*divmod(next(self._octets) + 25600, 256))

    def prefix6(self) -> str:
        return f"2001:db8:{next(self._octets):x}::/64"

    def create(self, kind: str, **attributes: Any) -> Json:
        made: Json = self.client.post(f"/v2.0/{kind}s", json={kind: attributes})[kind]
        return made

    def update(self, kind: str, item: Json, **attributes: Any) -> Json:
        path = f"/v2.0/{kind}s/{item['id']}"
        made: Json = self.client.put(path, json={kind: attributes})[kind]
        return made

    def show(self, kind: str, item: Json) -> Json:
        found: Json = self.client.get(f"/v2.0/{kind}s/{item['id']}")[kind]
        return found

    def delete(self, kind: str, item: Json) -> None:
        with contextlib.suppress(NotFound):
            self.client.delete(f"/v2.0/{kind}s/{item['id']}")

    def subnets(self, network: Json) -> list[Json]:
        return self.client.list("/v2.0/subnets", "subnets", {"network_id": network["id"]})

    def resolvers(self, network: Json) -> dict[str, str]:
        """By subnet, the address of the network's DHCP server, which is its resolver, too."""
        query = {"network_id": network["id"], "device_owner": "network:dhcp"}
        ports = self.client.list("/v2.0/ports", "ports", query)
        return {ip["subnet_id"]: ip["ip_address"] for one in ports for ip in one["fixed_ips"]}

    def settle(self) -> None:
        """Until the agent has asked for all that there is now, and has acted on it once.

        Another network's port is made and served; the agent works network by network, so the one
        of the test may need a further turn for what it left for later.
        """
        port = self.create("port", network_id=self._canary["network_id"], **self.bare())
        self.await_active(port)
        self.delete("port", port)

    def await_active(self, port: Json) -> None:
        self.eventually(lambda: self.status(port) == model.ACTIVE, f"port {port['id']} is ACTIVE")

    def status(self, port: Json) -> str:
        return str(self.show("port", port)["status"])

    def why(self, port: Json) -> tuple[int, str]:
        """The status and the sentence of `ipam port wait` with no time to wait."""
        words = ("--socket", str(self.directory / "run" / "api.sock"), "port", "wait", port["id"])
        done = subprocess.run(
            [IPAM, *words, "--timeout", "0"], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    def machine(self, port: Json, client: str = "") -> Machine:
        made = machine_of(self.directory, port, client or self.client_of_machines)
        made.plug()
        return made

    def eventually(self, probe: Callable[[], Any], what: str) -> Any:
        return eventually(probe, lambda: f"{what}\n{self.log()[-4000:]}")

    def log(self) -> str:
        return (self.directory / "agent.log").read_text()

    def dnsmasq_pid(self, network: Json) -> int:
        try:
            return int(self._dhcp(network, "pid").read_text())
        except (OSError, ValueError):
            return 0

    def dnsmasq_log(self, network: Json) -> str:
        """What the network's dnsmasq has said, as the agent passed it on."""
        mark = f"network {network['id']}: dnsmasq: "
        return "\n".join(line for line in self.log().splitlines() if mark in line)

    def start_agent(self) -> None:
        self._agent = self._process("agent", "run")

    def end_agent(self, number: int = signal.SIGTERM) -> None:
        assert self._agent is not None
        self._agent.send_signal(number)
        self._agent.wait(PATIENCE_SECONDS)

    def remove(self, network: Json) -> None:
        """The network with its ports; the agent takes down what it made of it."""
        ports = self.client.list("/v2.0/ports", "ports", {"network_id": network["id"]})
        for port in ports:
            if port["device_owner"] != model.DHCP_PORT_OWNER:
                self.delete("port", port)
        self.delete("network", network)

    def close(self) -> None:
        for network in self.client.get("/v2.0/networks")["networks"]:
            self.remove(network)
        self.end_agent()
        for directory in (self.directory / "run" / "dhcp").iterdir():
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((directory / "pid").read_text()), signal.SIGKILL)
            run("ip", "netns", "del", model.dhcp_namespace(directory.name), check=False)
            run("ip", "link", "del", model.bridge_name(directory.name), check=False)
        self._closing.close()
        remove_guard(self.directory / "run")
        shutil.rmtree(self.directory)

    def _canary_network(self) -> Json:
        network = self.create("network", name="canary")
        self.create("subnet", network_id=network["id"], ip_version=4, cidr=f"{self.prefix()}.0/24")
        return network

    def _dhcp(self, network: Json, name: str) -> Path:
        return self.directory / "run" / "dhcp" / str(network["id"]) / name

    def _process(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.directory / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [IPAM, *words, "--config-file", str(self.config)], stdout=log, stderr=log
            )


@dataclass
class Subject:
    """What a cell of the matrix is about: a port, its machine, and a neighbour that watches."""

    site: Site
    network: Json
    port: Json
    machine: Machine
    neighbour: Json = field(default_factory=dict)
    neighbour_machine: Machine | None = None
    others: list[Machine] = field(default_factory=list)

    def subnet(self, version: int = 4) -> Json:
        """The network's first subnet of the version. Raises StopIteration without one."""
        return next(s for s in self.site.subnets(self.network) if s["ip_version"] == version)

    def close(self) -> None:
        for machine in (self.machine, self.neighbour_machine, *self.others):
            if machine is not None:
                machine.unplug()
        self.site.remove(self.network)
