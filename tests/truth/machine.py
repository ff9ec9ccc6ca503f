"""A machine on a port's tap, and its real DHCP clients."""

import contextlib
import os
import re
import signal
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipam import model
from tests.system.ipam_host import run
from tests.truth import dhcpcd
from tests.truth.dhcpcd import Dhcpcd
from tests.truth.expectation import Told, canonical
from tests.waiting import PATIENCE_SECONDS, eventually

UDHCPC = """#!/bin/sh
[ "$1" = bound ] && env >"$RESULT"
exit 0
"""
DHCLIENT6 = """#!/bin/sh
case $reason in
BOUND6|RENEW6|REBIND6|REBOOT6) echo "$new_ip6_address" >>"$RESULT";;
PREINIT6) ip link set "$interface" up;;
esac
exit 0
"""
SCRIPTS = {"udhcpc.sh": UDHCPC, "dhclient6.sh": DHCLIENT6, "dhcpcd.sh": dhcpcd.SCRIPT}
UDHCPC_AND_DHCLIENT, DHCPCD = CLIENTS = ("udhcpc", "dhcpcd")
"""What a machine asks with: udhcpc with dhclient for IPv6, or dhcpcd for all."""
SECONDS_OF_DHCPCD = {1: 2.0, 3: PATIENCE_SECONDS}
"""How long dhcpcd may take, by the tries of udhcpc; it repeats itself more slowly.

One try is for a machine that is to get nothing: it asks for its former address, and anew.
"""
ASKED_FOR = ("staticroutes", "mtu", "ntpsrv", "dns", "router", "domain")
NAMES = {
    "router": "router",
    "dns": "dns",
    "mtu": "mtu",
    "domain": "domain",
    "ntp": "ntpsrv",
    "lease": "lease",
}


@dataclass
class Machine:
    """A network namespace whose interface is the other end of a port's tap."""

    directory: Path
    mac_address: str
    tap: str
    namespace: str = field(default_factory=lambda: f"truth-{uuid.uuid4().hex[:8]}")
    client: str = UDHCPC_AND_DHCLIENT
    duid: str = "LL"

    def plug(self) -> None:
        """The tap appears on the host. The kernel of the machine answers router advertisements."""
        run("ip", "netns", "add", self.namespace)
        run(
            "ip",
            "link",
            "add",
            self.tap,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            self.namespace,
        )
        within = ("ip", "netns", "exec", self.namespace, "sh", "-c")
        settings = (
            "accept_ra=1",
            "accept_dad=0",
            "dad_transmits=0",
            "router_solicitation_delay=0",
        )
        words = "; ".join(
            "echo {1} >/proc/sys/net/ipv6/conf/eth0/{0}".format(*one.split("="))
            for one in settings
        )
        run(*within, words)
        link = ("ip", "-n", self.namespace, "link", "set")
        run(*link, "eth0", "address", self.mac_address, "up")
        run(*link, "lo", "up")
        run("ip", "link", "set", self.tap, "up")

    def unplug(self) -> None:
        run("ip", "link", "del", self.tap, check=False)
        inside = run("ip", "netns", "pids", self.namespace, check=False)
        for pid in inside.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run("ip", "netns", "del", self.namespace, check=False)

    def change_mac(self, mac_address: str) -> None:
        self.mac_address = mac_address
        run("ip", "-n", self.namespace, "link", "set", "eth0", "down")
        run("ip", "-n", self.namespace, "link", "set", "eth0", "address", mac_address, "up")

    def ask(self, wanted: Told) -> Told:
        """What the machine is told now. IPv6 is asked for where the answer says something."""
        told = self.ask4(tries=3 if wanted.addresses else 1)
        six = self.ask6() if wanted.addresses6 else frozenset()
        made = self.solicit(wanted.self_made6) if wanted.self_made6 else frozenset()
        return Told(told.addresses, told.facts, addresses6=six, self_made6=made)

    def ask4(self, tries: int = 3) -> Told:
        """What the machine's client is told."""
        if self.client == DHCPCD:
            return self._dhcpcd().ask4(seconds=SECONDS_OF_DHCPCD[tries])
        return self.udhcpc(tries=tries)

    def ask6(self) -> frozenset[str]:
        """Every address that the machine's client is given by DHCPv6, asking anew."""
        if self.client == DHCPCD:
            return self._dhcpcd().ask6(seconds=PATIENCE_SECONDS)
        return self._dhclient6()

    def solicit(self, wanted: frozenset[str]) -> frozenset[str]:
        """The addresses that the machine makes from a router advertisement."""
        if self.client == DHCPCD:
            return self._dhcpcd().solicit(wanted, seconds=PATIENCE_SECONDS)
        return self._kernel_solicits(wanted)

    def install_anew(self) -> None:
        """The machine comes back with another DUID."""
        self.duid = "LLT"
        self._dhcpcd().forget()

    def udhcpc(self, *more: str, tries: int = 3) -> Told:
        """What udhcpc is told, asking anew."""
        result, script = self._script("udhcpc")
        options = [word for name in ASKED_FOR for word in ("-O", name)]
        command = [
            "busybox",
            "udhcpc",
            "-i",
            "eth0",
            "-f",
            "-q",
            "-n",
            "-t",
            str(tries),
            "-T",
            "1",
        ]
        self._run([*command, "-s", str(script), *options, *more], {"RESULT": str(result)})
        if not result.exists():
            return Told()
        lines = result.read_text().splitlines()
        return told_by_udhcpc(dict(line.split("=", 1) for line in lines if "=" in line))

    def _dhcpcd(self) -> Dhcpcd:
        return Dhcpcd(self.directory, self.namespace)

    def _dhclient6(self) -> frozenset[str]:
        """Every address that dhclient is given by DHCPv6, asking anew."""
        result, script = self._script("dhclient6")
        for name in ("leases", "pid"):
            self.directory.joinpath(f"{self.namespace}.{name}").unlink(missing_ok=True)
        files = ["-lf", f"{self.directory}/{self.namespace}.leases", "-sf", str(script)]
        files += ["-pf", f"{self.directory}/{self.namespace}.pid", "-cf", "/dev/null"]
        command = ["dhclient", "-6", "-1", "-D", self.duid, *files, "-e", f"RESULT={result}"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._run([*command, "eth0"], {})
        pid = self.directory / f"{self.namespace}.pid"
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(pid.read_text()), signal.SIGKILL)  # it stays to renew
        found = result.read_text().split() if result.exists() else []
        return frozenset(map(canonical, found))

    def _kernel_solicits(self, wanted: frozenset[str]) -> frozenset[str]:
        """The addresses that the machine's kernel makes once it is up again."""
        for state in ("down", "up"):
            run("ip", "-n", self.namespace, "link", "set", "eth0", state)
        with contextlib.suppress(AssertionError):
            eventually(lambda: wanted <= self._global_addresses(), "a router advertisement")
        return self._global_addresses()

    def _global_addresses(self) -> frozenset[str]:
        shown = run(
            "ip",
            "-n",
            self.namespace,
            "-6",
            "-o",
            "address",
            "show",
            "dev",
            "eth0",
            "scope",
            "global",
        )
        return frozenset(canonical(found) for found in re.findall(r"inet6 ([^/ ]+)/", shown))

    def _script(self, name: str) -> tuple[Path, Path]:
        result = self.directory / f"{self.namespace}.{name}.result"
        result.unlink(missing_ok=True)
        return result, self.directory / f"{name}.sh"

    def _run(self, command: list[str], environment: dict[str, str]) -> None:
        subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command],
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=PATIENCE_SECONDS,
        )


def write_scripts(directory: Path, scripts: Mapping[str, str]) -> None:
    """Write what clients run. Before any client, for several start at a time."""
    for name, text in scripts.items():
        path = directory / name
        path.write_text(text)
        path.chmod(0o755)


def machine_of(directory: Path, port: Mapping[str, Any], client: str) -> Machine:
    """A machine for the port, not yet plugged."""
    tap = model.tap_name(port["id"])
    return Machine(directory, str(port["mac_address"]), tap, client=client)


def told_by_udhcpc(environment: Mapping[str, str]) -> Told:
    """The lease that udhcpc's script saw."""
    facts: dict[str, Any] = {
        name: environment.get(variable) or None for name, variable in NAMES.items()
    }
    words = environment.get("staticroutes", "").split()
    facts["routes"] = frozenset(zip(words[::2], words[1::2], strict=True))
    return Told(frozenset({f"{environment['ip']}/{environment['mask']}"}), facts)
