"""Guests, observed on their consoles, and their host."""

import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipam import model
from tests.nova.people import Tenant
from tests.servers.openstack import hypervisors
from tests.servers.openstack.controllers import IPAM
from tests.servers.openstack.hypervisors import Hypervisor
from tests.servers.openstack.place import Place
from tests.waiting import eventually


class Host:
    """The host with the guests."""

    def __init__(self, place: Place, hypervisor: Hypervisor) -> None:
        self.place = place
        self.hypervisor = hypervisor

    def plugged(self, port: Mapping[str, Any]) -> bool:
        """Whether the port's tap is on its network's bridge."""
        master = Path("/sys/class/net", model.tap_name(port["id"]), "master")
        bridge = model.bridge_name(port["network_id"])
        return master.exists() and master.resolve().name == bridge

    def signal_agent(self, number: signal.Signals) -> None:
        self.place.programs.send(self.hypervisor.agent, number)

    def restart_agent(self, vif_type: str) -> None:
        """The agent, started again with another `vif_type`; its dnsmasqs go on."""
        self.place.programs.stop(self.hypervisor.agent, signal.SIGKILL)
        hypervisors.start_agent(self.place, self.hypervisor, {"agent": {"vif_type": vif_type}})

        def reported() -> bool:
            with self.place.client() as client:
                (agent,) = client.list("/v2.0/agents", "agents")
            return bool(agent["configurations"].get("vif_type") == vif_type)

        eventually(reported, f"the agent reports {vif_type}")

    def port_wait(self, port_id: str, seconds: float) -> str:
        """What `ipam port wait` says of a port that does not become ACTIVE."""
        command = [IPAM, "--socket", f"{self.place.run_path}/api.sock", "port", "wait", port_id]
        done = subprocess.run(
            [*command, "--timeout", str(seconds)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
        return done.stderr


class Guest:
    """A server whose console can be read."""

    def __init__(self, tenant: Tenant, server: Any) -> None:
        self._tenant = tenant
        self.server = server

    def console(self) -> str:
        found = self._tenant.compute.get_server_console_output(self.server.id)
        return str(found["output"]).replace("\r", "")

    def await_line(self, text: str) -> str:
        """The console once it has this text."""

        def shown() -> str:
            console = self.console()
            return console if text in console else ""

        try:
            found: str = eventually(shown, text, every=0.5)
        except AssertionError:
            raise AssertionError(
                f"no {text!r} on the console:\n{self.console()[-3000:]}"
            ) from None
        return found

    def told(self) -> dict[str, str]:
        """What DHCP told the guest, once it has an address."""
        console = self.await_line("GUEST ready")
        return dict(re.findall(r"^GUEST told (\w+)=(.*)$", console, re.MULTILINE))

    def said(self, word: str) -> list[str]:
        return re.findall(rf"^GUEST {word} (.*)$", self.console(), re.MULTILINE)
