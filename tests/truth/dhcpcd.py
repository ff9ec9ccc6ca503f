"""dhcpcd on a machine, for IPv4, DHCPv6 and router advertisements."""

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.truth.expectation import Told, canonical
from tests.waiting import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS

SCRIPT = """#!/bin/sh
env >>"$RESULT/$reason"
"""
OWN_DIRECTORIES = """
mkdir -p /var/lib/dhcpcd /run/dhcpcd
mount --bind "$STATE" /var/lib/dhcpcd && mount --bind "$STATE/run" /run/dhcpcd && exec "$@"
"""
"""dhcpcd names its files by the interface, which all machines call eth0."""
ASKED_FOR = (
    "domain_name_servers",
    "domain_name",
    "interface_mtu",
    "classless_static_routes",
    "ntp_servers",
)
NAMES = {
    "router": "new_routers",
    "dns": "new_domain_name_servers",
    "mtu": "new_interface_mtu",
    "domain": "new_domain_name",
    "ntp": "new_ntp_servers",
    "lease": "new_dhcp_lease_time",
}
LEASED4 = ("BOUND", "REBOOT", "RENEW", "REBIND")
LEASED6 = tuple(f"{reason}6" for reason in LEASED4)
ADVERTISED = ("ROUTERADVERT",)

Environment = Mapping[str, str]


class Dhcpcd:
    """The dhcpcd of one machine. It keeps its leases and its DUID, as on a disk."""

    def __init__(self, directory: Path, namespace: str) -> None:
        self._namespace = namespace
        self._state = directory / f"{namespace}.dhcpcd"
        self._result = self._state / "result"

    def ask4(self, *, seconds: float) -> Told:
        """What it is told. If it had a lease it asks for that address first."""
        self._run(4, seconds)
        return next(map(told, self._environments(LEASED4)), Told())

    def ask6(self, *, seconds: float) -> frozenset[str]:
        """Every address that it is given by DHCPv6.

        It forgets its lease before: it would only have it confirmed, which is an answer about the
        link and not about the address (RFC 8415 §18.3.3).
        """
        self._state.joinpath("eth0.lease6").unlink(missing_ok=True)

        def given() -> frozenset[str]:
            return self._addresses(LEASED6, r"new_dhcp6_ia_na\d+_ia_addr\d+")

        self._run(6, seconds, lambda: bool(given()))
        return given()

    def solicit(self, wanted: frozenset[str], *, seconds: float) -> frozenset[str]:
        """Every address that it makes from a router advertisement."""

        def made() -> frozenset[str]:
            return self._addresses(ADVERTISED, r"nd\d+_addr\d+")

        self._run(6, seconds, lambda: wanted <= made())
        return made()

    def forget(self) -> None:
        """Lose all that it keeps, as a machine that is installed anew."""
        for path in self._state.glob("*"):
            if path.is_file():
                path.unlink()

    def _run(
        self, version: int, seconds: float, is_enough: Callable[[], bool] = lambda: False
    ) -> None:
        """Have it ask until this is enough, for so long at most; for IPv4 until it has a lease."""
        # For IPv6 one shot is any address: it would end with one of its own making.
        shots = ["--oneshot"] if version == 4 else ["--persistent"]
        (self._state / "run").mkdir(parents=True, exist_ok=True)
        self._result.mkdir(exist_ok=True)
        for path in self._result.iterdir():
            path.unlink()
        script = self._state.with_name("dhcpcd.sh")
        wishes = [word for name in ASKED_FOR for word in ("-o", name)]
        running = subprocess.Popen(
            [
                *("ip", "netns", "exec", self._namespace, "sh", "-c", OWN_DIRECTORIES, "sh"),
                *("dhcpcd", *shots, "--nobackground", f"-{version}", f"--waitip={version}"),
                *("--noarp", "--reboot", "1", "--timeout", "0", "--config", "/dev/null"),
                "--nodelay",  # it would let up to a second go by before it asks
                *("--env", f"RESULT={self._result}", "--script", str(script), *wishes, "eth0"),
            ],
            env=os.environ | {"STATE": str(self._state)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + seconds
        while running.poll() is None and time.monotonic() < until and not is_enough():
            time.sleep(LOOK_AGAIN_SECONDS)
        _end(running)  # by itself it would go on, whatever its own timeout is

    def _environments(self, reasons: Iterable[str]) -> list[Environment]:
        """What its script was told for these reasons."""
        found = [self._result / reason for reason in reasons]
        return [
            dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
            for path in found
            if path.exists()
        ]

    def _addresses(self, reasons: Iterable[str], variables: str) -> frozenset[str]:
        return frozenset(
            canonical(value.partition("/")[0])
            for environment in self._environments(reasons)
            for name, value in environment.items()
            if re.fullmatch(variables, name)
        )


def _end(running: subprocess.Popen[bytes]) -> None:
    """End it. While it starts it may lose a signal, so it gets another one each second."""
    until = time.monotonic() + PATIENCE_SECONDS
    while running.poll() is None and time.monotonic() < until:
        running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(1)
    running.wait(0)


def told(environment: Environment) -> Told:
    """The IPv4 lease that dhcpcd's script saw."""
    facts: dict[str, Any] = {name: environment.get(of) or None for name, of in NAMES.items()}
    words = environment.get("new_classless_static_routes", "").split()
    facts["routes"] = frozenset(zip(words[::2], words[1::2], strict=True))
    address = f"{environment['new_ip_address']}/{environment['new_subnet_cidr']}"
    return Told(frozenset({address}), facts)
