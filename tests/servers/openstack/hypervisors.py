"""The hypervisors of a lab: a nova-compute each, with the ipam agent of its host.

The first is this machine; each other one is a network namespace, so that two hosts can have the
same network's bridge.
"""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from ipam.errors import IpamError
from tests.servers.openstack import config_files, tap_plugger
from tests.servers.openstack.config_files import Sections, merged
from tests.servers.openstack.controllers import IPAM
from tests.servers.openstack.place import Place

FAKE_DRIVER: Final = "fake.FakeDriverWithoutFakeNodes"
"""The one fake driver that may be started again."""
OLD_FAKE_DRIVER: Final = "fake.FakeDriver"
"""The same, for a release without it."""
LIVE_DRIVER: Final = "fake.FakeLiveMigrateDriver"
PRIVILEGED: Final = ("nova_sys_admin", "vif_plug_linux_bridge_privileged")
"""Sections of what runs as root beside nova-compute."""
CHECKOUT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """A host that takes servers."""

    host: str
    driver: str = FAKE_DRIVER
    namespace: str = ""
    """Where its bridges and taps are; this machine itself when empty."""
    vif_type: str = ""
    tunnel_ip: str = ""
    """Its end of tunnels, on the one cable from this machine to a namespace; empty for none."""
    nova: Sections = field(default_factory=dict)
    """Further settings of its nova-compute."""
    privsep: str = ""
    """How its nova-compute gets its privileged helpers, being root itself."""

    @property
    def is_fake(self) -> bool:
        return self.driver.startswith("fake.")

    @property
    def node(self) -> str:
        """What Nova calls the machine."""
        return self.host if self.is_fake else os.uname().nodename

    @property
    def inside(self) -> list[str]:
        """What stands before a command to run it there."""
        return ["ip", "netns", "exec", self.namespace] if self.namespace else []

    @property
    def compute(self) -> str:
        return f"nova-compute-{self.host}"

    @property
    def agent(self) -> str:
        return f"ipam-agent-{self.host}"


def start(place: Place, each: Hypervisor, controller: Hypervisor) -> None:
    """Begin to start everything of the host but its nova-compute."""
    if each.namespace:
        subprocess.run(["ip", "netns", "add", each.namespace], check=True)
        if each.tunnel_ip:
            _lay_cable(controller, each)
    start_agent(place, each)
    if each.is_fake:
        _start_plugger(place, each)


def _lay_cable(here: Hypervisor, there: Hypervisor) -> None:
    """It goes with the namespace."""
    name = f"cable-{uuid.uuid4().hex[:8]}"
    far = ["peer", "name", "cable", "netns", there.namespace]
    for words in (
        ["ip", "link", "add", name, "type", "veth", *far],
        ["ip", "address", "add", f"{here.tunnel_ip}/24", "dev", name],
        ["ip", "link", "set", name, "up"],
        ["ip", "-n", there.namespace, "address", "add", f"{there.tunnel_ip}/24", "dev", "cable"],
        ["ip", "-n", there.namespace, "link", "set", "cable", "up"],
    ):
        subprocess.run(words, check=True)


def remove(place: Place, each: Hypervisor) -> None:
    """Stop everything of the host, guests included; the agent takes down what it made."""
    for name in (each.compute, f"taps-{each.host}"):
        place.programs.stop(name, signal.SIGKILL)
    _end_guests(place)
    for tap in tap_plugger.wanted(_known_networks(place, each), each.host):
        command = [*each.inside, "ip", "link", "del", tap]
        subprocess.run(command, check=False, capture_output=True)
    place.programs.stop(each.agent)
    if each.namespace:
        subprocess.run(["ip", "netns", "del", each.namespace], check=False, capture_output=True)


def run_path(place: Place, each: Hypervisor) -> Path:
    """The controller's agent shares the API's, which wakes it; the others ask."""
    if each.host == place.controller:
        return place.run_path
    return place.directory / f"run-{each.host}"


def start_agent(place: Place, each: Hypervisor, more: Sections | None = None) -> None:
    """The ipam agent of the host, with further settings."""
    path = run_path(place, each)
    path.mkdir(exist_ok=True)
    base = config_files.ipam(place.directory, place.ports, each.host, path)
    given = {"vif_type": each.vif_type, "local_ip": each.tunnel_ip}
    own = {"agent": {name: value for name, value in given.items() if value}}
    config = place.write(f"ipam-{each.host}.conf", merged(base, own, more or {}))
    command = [IPAM, "agent", "run", "--remove-on-exit", "--config-file", config]
    if each.namespace:
        # Namespaces have their names in /run/netns: this host's are nobody else's.
        private = 'mount -t tmpfs tmpfs /run/netns && exec "$@"'
        command = [*each.inside, "unshare", "-m", "sh", "-c", private, "sh", *command]
    place.programs.start(each.agent, command)


def start_compute(place: Place, each: Hypervisor) -> None:
    """The nova-compute of the host."""
    state = place.directory / "nova" / each.host
    (state / "instances").mkdir(parents=True, exist_ok=True)
    base = config_files.nova(
        place.directory, place.ports, each.host, place.release.etc("nova/api-paste.ini")
    )
    drivers = {} if place.release.keeps_node_ids else {FAKE_DRIVER: OLD_FAKE_DRIVER}
    driver = drivers.get(each.driver, each.driver)
    own = {"compute_driver": driver, "log_file": f"{each.compute}.log"}
    name = f"nova-{each.host}.conf"
    helper = each.privsep.format(programs=place.release.program(""), config=place.path(name))
    helpers = {group: {"helper_command": helper} for group in PRIVILEGED if helper}
    config = place.write(name, merged(base, {"DEFAULT": own}, helpers, each.nova))
    program = place.release.program("nova-compute")
    place.programs.start(each.compute, [program, "--config-file", config])


def _end_guests(place: Place) -> None:
    """libvirt gives its guests an environment of its own, so the lab's mark is not in it."""
    for process in psutil.process_iter(["name", "cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if process.info["name"].startswith("qemu-system") and str(place.directory) in words:
            process.kill()


def _known_networks(place: Place, each: Hypervisor) -> Path:
    """Where the host's agent keeps what it knows."""
    return place.directory / "ipam" / each.host / "agent" / "networks"


def _start_plugger(place: Place, each: Hypervisor) -> None:
    command = [*each.inside, sys.executable, "-m", "tests.servers.openstack.tap_plugger"]
    place.programs.start(
        f"taps-{each.host}",
        [*command, str(_known_networks(place, each)), each.host],
        {"PYTHONPATH": str(CHECKOUT)},
    )


def await_conductor(place: Place, nova: Any) -> None:
    """Until Nova's conductor answers: a nova-compute that finds none waits ten seconds."""

    def is_up() -> bool:
        found = nova.get("/os-services?binary=nova-conductor").json().get("services", [])
        return any(one["state"] == "up" for one in found)

    place.programs.wait(is_up, "nova-conductor is up", "nova-conductor")


def await_all(place: Place, nova: Any, hosts: Sequence[Hypervisor]) -> None:
    """Until Nova would place servers on each host and ipam's agent there is alive.

    `nova` is the compute proxy of an admin's openstacksdk connection.
    """
    for each in hosts:
        takes_part = partial(_takes_part, place, nova, each)
        place.programs.wait(takes_part, f"{each.host} takes part", each.compute, each.agent)


def _takes_part(place: Place, nova: Any, each: Hypervisor) -> bool:
    found = nova.get("/os-hypervisors").json().get("hypervisors", [])
    services = nova.get("/os-services?binary=nova-compute").json().get("services", [])
    if each.node not in {one["hypervisor_hostname"] for one in found}:
        return False
    if each.host not in {one["host"] for one in services if one["state"] == "up"}:
        return False
    with contextlib.suppress(IpamError), place.client() as client:
        agents = client.list("/v2.0/agents", "agents", {"host": each.host})
        return any(agent["alive"] for agent in agents)
    return False
