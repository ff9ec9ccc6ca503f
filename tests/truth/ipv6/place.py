"""Networks with these modes, their machines, and another router where there is one."""

import contextlib
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipam import model
from tests.system.ipam_host import random_mac, run
from tests.truth.ipv6.cells import STATEFUL, STATELESS, Cell, Modes, expected, fault
from tests.truth.ipv6.clients import SCRIPTS, ask
from tests.truth.machine import Machine, machine_of, write_scripts
from tests.truth.site import Json, Site
from tests.waiting import PATIENCE_SECONDS, eventually

MTU = 1400
AT_ONCE = 10
"""Each is mostly waiting."""


class Router:
    """A router that announces itself, with a prefix where nobody else advertises it."""

    def __init__(self, directory: Path, network: Json, prefix: str | None, mode: str) -> None:
        name = uuid.uuid4().hex[:8]
        self._space, self._link = f"router-{name}", f"rt-{name}"
        peer = ("peer", "name", "eth0", "netns", self._space)
        run("ip", "netns", "add", self._space)
        run("ip", "link", "add", self._link, "mtu", str(MTU), "type", "veth", *peer)
        within = ("ip", "netns", "exec", self._space, "sh", "-c")
        run(*within, "echo 0 >/proc/sys/net/ipv6/conf/eth0/dad_transmits")
        run(*within, "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        run("ip", "-n", self._space, "link", "set", "eth0", "mtu", str(MTU), "up")
        run("ip", "link", "set", self._link, "master", model.bridge_name(network["id"]), "up")
        self.address = eventually(self._link_local, "the router's link-local address")
        config = directory / f"{self._space}.conf"
        config.write_text(_radvd(prefix, mode))
        self._process = subprocess.Popen(
            [
                *("ip", "netns", "exec", self._space, "radvd", "--nodaemon", "-m", "stderr"),
                *("-C", str(config), "-p", str(config.with_suffix(".pid"))),
            ],
            stderr=subprocess.DEVNULL,
        )

    def _link_local(self) -> str:
        shown = run("ip", "-n", self._space, "-6", "-o", "address", "show", "dev", "eth0")
        words = shown.split()
        ready = "inet6" in words and "tentative" not in words
        return words[words.index("inet6") + 1].partition("/")[0] if ready else ""

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)
        run("ip", "link", "del", self._link, check=False)
        run("ip", "netns", "del", self._space, check=False)


def _radvd(prefix: str | None, mode: str) -> str:
    def word(is_on: bool) -> str:
        return "on" if is_on else "off"

    managed, other = word(mode == STATEFUL), word(mode in (STATEFUL, STATELESS))
    of_prefix = f"prefix {prefix} {{ AdvAutonomous {word(mode != STATEFUL)}; }};" if prefix else ""
    flags = f"AdvManagedFlag {managed}; AdvOtherConfigFlag {other}; AdvLinkMTU {MTU};"
    times = "MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvDefaultLifetime 1800;"
    return (
        f"interface eth0 {{ AdvSendAdvert on; {times} {flags if prefix else ''} {of_prefix} }};\n"
    )


@dataclass
class Place:
    """One network, and a machine for each of its cells."""

    site: Site
    modes: Modes
    is_dual: bool
    network: Json = field(default_factory=dict)
    router: Router | None = None
    ports: dict[Cell, Json] = field(default_factory=dict)
    machines: dict[Cell, Machine] = field(default_factory=dict)

    def make(self, cells: Iterable[Cell]) -> None:
        site = self.site
        self.network = site.create("network", name="ipv6", mtu=MTU, dns_domain="ipv6.example.")
        prefix = site.prefix6()
        self._subnet(6, prefix, ipv6_ra_mode=self.modes.ra_mode, dns="2001:db8::53")
        if self.is_dual:
            self._subnet(4, f"{site.prefix()}.0/24", dns="192.0.2.53")
        body = {
            "network_id": self.network["id"],
            "device_owner": "compute:nova",
            "binding:host_id": site.name,
        }
        for cell in cells:
            self.ports[cell] = site.create("port", **body, mac_address=random_mac())
            self.machines[cell] = machine_of(site.directory, self.ports[cell], "")
            self.machines[cell].plug()
        is_here = (Path("/sys/class/net") / model.bridge_name(self.network["id"])).exists
        site.eventually(is_here, "the bridge")
        if next(iter(self.ports)).has_router:
            advertised = None if self.modes.ra_mode else prefix
            mode = self.modes.effective
            self.router = Router(site.directory, self.network, advertised, mode)

    def _subnet(self, version: int, cidr: str, *, dns: str, **modes: str | None) -> None:
        given: dict[str, Any] = {"network_id": self.network["id"], "ip_version": version}
        if version == 6:
            modes |= {"ipv6_address_mode": self.modes.address_mode}
        said = {name: mode for name, mode in modes.items() if mode}
        self.site.create("subnet", cidr=cidr, dns_nameservers=[dns], **given, **said)

    def fault(self, cell: Cell) -> str:
        """What is wrong with what the machine has; empty if all is right."""
        site, port = self.site, self.ports[cell]
        site.await_active(port)
        via = self.router.address if self.router else None
        subnets = site.subnets(self.network)
        wanted = expected(cell, self.network, subnets, site.show("port", port), via)
        return fault(ask(self.machines[cell], cell, wanted), wanted)

    def close(self) -> None:
        for machine in self.machines.values():
            machine.unplug()
        if self.router:
            self.router.close()
        if self.network:
            self.site.remove(self.network)


def tried(site: Site, cells: Sequence[Cell]) -> Iterator[tuple[Cell, str]]:
    """Each cell with its fault. Several networks are there at a time."""
    write_scripts(site.directory, SCRIPTS)
    by_place: dict[tuple[Modes, bool], list[Cell]] = {}
    for cell in cells:
        by_place.setdefault(cell.place, []).append(cell)
    with contextlib.ExitStack() as closing, ThreadPoolExecutor(AT_ONCE) as threads:
        places: dict[Cell, Place] = {}
        for (modes, is_dual), of_place in by_place.items():
            place = Place(site, modes, is_dual)
            closing.callback(place.close)
            places |= dict.fromkeys(of_place, place)
        list(threads.map(lambda each: places[each[0]].make(each), by_place.values()))
        faults = threads.map(lambda cell: _fault(places[cell], cell), cells)
        yield from zip(cells, faults, strict=True)


def _fault(place: Place, cell: Cell) -> str:
    try:
        return place.fault(cell)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this cell's fault
        return f"{type(error).__name__}: {str(error)[:500]}"
