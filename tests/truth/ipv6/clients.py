"""Real clients on a machine, and what the machine has by them."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.system.ipam_host import run
from tests.truth.dhcpcd import OWN_DIRECTORIES
from tests.truth.expectation import canonical
from tests.truth.ipv6.cells import DHCLIENT, DHCPCD, KERNEL, STATELESS, Cell, Told6, fault
from tests.truth.machine import Machine
from tests.waiting import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS

SCRIPT = """#!/bin/sh
env >>"$RESULT.new" && cat "$RESULT.new" >>"$RESULT" && rm "$RESULT.new"
case $reason in
BOUND6) ip -6 addr replace "$new_ip6_address/$new_ip6_prefixlen" dev "$interface" nodad;;
esac
exit 0
"""
UDHCPC = """#!/bin/sh
[ "$1" = bound ] && ip addr replace "$ip/$mask" dev eth0
exit 0
"""
SCRIPTS = {"ipv6-client.sh": SCRIPT, "udhcpc4.sh": UDHCPC}


def ask(
    machine: Machine, cell: Cell, wanted: Told6, *, seconds: float = PATIENCE_SECONDS
) -> Told6:
    """What the machine has once it is as wanted, or when the time is over."""
    result = machine.directory / f"{machine.namespace}.{cell.client}.env"
    result.unlink(missing_ok=True)
    state: Callable[[], Told6] = lambda: _state(machine, cell, result)  # noqa: E731  # of this call
    if cell.client != DHCPCD and wanted.address4:
        machine.udhcpc("-s", str(machine.directory / "udhcpc4.sh"))
    with _client(machine, cell, result):
        until = time.monotonic() + seconds
        while fault(told := state(), wanted) and time.monotonic() < until:
            time.sleep(LOOK_AGAIN_SECONDS)
        return told


@contextlib.contextmanager
def _client(machine: Machine, cell: Cell, result: Path) -> Iterator[None]:
    """The machine's link comes up, and the client runs."""
    script = machine.directory / "ipv6-client.sh"
    if cell.client != DHCPCD:  # its kernel solicits a router when the link comes up
        for state in ("down", "up"):
            run("ip", "-n", machine.namespace, "link", "set", "eth0", state)
    command = _command(machine, cell, script, result)
    if not command:
        yield
        return
    within = ("ip", "netns", "exec", machine.namespace)
    running = subprocess.Popen(
        [*within, *command],
        env=os.environ | {"RESULT": str(result), "STATE": str(_state_directory(machine))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _command(machine: Machine, cell: Cell, script: Path, result: Path) -> list[str]:
    files = machine.directory / machine.namespace
    match cell.client:
        case client if client == DHCLIENT:
            kind = ["-S"] if cell.modes.effective == STATELESS else []
            return [
                *("dhclient", "-6", *kind, "-d", "-D", machine.duid, "-cf", "/dev/null"),
                *("-lf", f"{files}.leases6", "-pf", f"{files}.pid6", "-sf", str(script)),
                *("-e", f"RESULT={result}", "eth0"),
            ]
        case client if client == DHCPCD:
            version = [] if cell.is_dual else ["-6"]
            wishes = ("domain_name_servers", "domain_name", "domain_search", "interface_mtu")
            return [
                *("sh", "-c", OWN_DIRECTORIES, "sh", "dhcpcd", "--nobackground", *version),
                *("--noarp", "--config", "/dev/null", "--env", f"RESULT={result}"),
                *("--script", str(script), *(w for each in wishes for w in ("-o", each)), "eth0"),
            ]
    return []


def _state_directory(machine: Machine) -> Path:
    path = machine.directory / f"{machine.namespace}.dhcpcd6"
    (path / "run").mkdir(parents=True, exist_ok=True)
    return path


def _state(machine: Machine, cell: Cell, result: Path) -> Told6:
    """What the machine has now."""
    said = result.read_text() if result.exists() else ""
    shown = run("ip", "-n", machine.namespace, "-o", "address", "show", "dev", "eth0")
    six = re.findall(r"inet6 ([^/ ]+)/\d+ scope global", shown)
    four = re.findall(r"inet ([^/ ]+)/", shown)
    routes = run("ip", "-n", machine.namespace, "-6", "route", "show", "default")
    return Told6(
        addresses=frozenset(map(canonical, six)),
        address4=four[0] if four else "",
        mtu=_mtu(machine, cell, said),
        name_servers=None if cell.client == KERNEL else _names(said, SERVERS),
        search=None if cell.client == KERNEL else _names(said, SEARCH),
        routers=frozenset(re.findall(r"via (\S+)", routes)),
    )


SERVERS = r"^(?:new_dhcp6_name_servers|nd\d+_rdnss\d+_servers)=(.*)$"
SEARCH = r"^(?:new_dhcp6_domain_search|nd\d+_dnssl\d+_search)=(.*)$"
MTU = r"^nd\d+_mtu\d*(?:_mtu)?=(\d+)$"


def _names(said: str, pattern: str) -> frozenset[str]:
    found = (words.split() for words in re.findall(pattern, said, re.MULTILINE))
    return frozenset(word.rstrip(".") for words in found for word in words)


def _mtu(machine: Machine, cell: Cell, said: str) -> int | None:
    """What was advertised: dhcpcd tells its script, the kernel keeps it for the interface."""
    if cell.client == DHCPCD:
        found = re.findall(MTU, said, re.MULTILINE)
        return int(found[-1]) if found else None
    path = "/proc/sys/net/ipv6/conf/eth0/mtu"
    return int(run("ip", "netns", "exec", machine.namespace, "cat", path))
