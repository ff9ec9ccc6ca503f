"""A guest in a QEMU on one of several hosts, without libvirt: it moves as QEMU moves it."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

from ipam import model
from tests.servers.openstack import guest
from tests.servers.openstack.libvirt import QEMU
from tests.system.ipam_host import run
from tests.system.reach import address_of
from tests.system.two_hosts import HostNamespace
from tests.waiting import PATIENCE_SECONDS, eventually, until_it_serves

Json = dict[str, Any]


class Machine:
    """QEMU on one host, with the port's tap."""

    def __init__(self, port: Json, host: HostNamespace, directory: Path, *more: str) -> None:
        """`more` are further words of QEMU's command line."""
        self.directory = directory
        directory.mkdir()
        tap, space = model.tap_name(port["id"]), host.network_namespace
        self._link = ("ip", "-n", space, "link")
        self._tap = tap
        run("ip", "-n", space, "tuntap", "add", tap, "mode", "tap")
        run(*self._link, "set", tap, "up")
        card = f"virtio-net-pci,netdev=wire,mac={port['mac_address']},romfile="
        with (directory / "log").open("w") as log:
            self._process = subprocess.Popen(
                [
                    *("ip", "netns", "exec", space, str(QEMU), "-nodefaults", "-display", "none"),
                    *("-machine", "pc,accel=tcg", "-m", "128", "-no-reboot"),
                    *("-netdev", f"tap,id=wire,ifname={tap},script=no,downscript=no"),
                    *("-device", card, "-serial", f"file:{directory}/console"),
                    *("-qmp", f"unix:{directory}/monitor,server=on,wait=off", *more),
                ],
                stderr=log,
            )
        until_it_serves(self._process, (directory / "monitor").exists, directory / "log")
        self._monitor = socket.socket(socket.AF_UNIX)
        self._monitor.settimeout(PATIENCE_SECONDS)
        self._monitor.connect(str(directory / "monitor"))
        self._answers = self._monitor.makefile("r")
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: str) -> None:
        """Have QEMU carry out a command of its monitor."""
        asked = {"execute": command, "arguments": arguments}
        self._monitor.sendall(json.dumps(asked).encode())
        self._await("return")

    def await_event(self, name: str) -> None:
        while self._await("event") != name:
            pass

    def _await(self, key: str) -> Any:
        for line in self._answers:
            said = json.loads(line)
            assert "error" not in said, said
            if key in said:
                return said[key]
        raise AssertionError("QEMU has ended")

    def console(self) -> str:
        path = self.directory / "console"
        return path.read_text(errors="replace") if path.exists() else ""

    def await_line(self, line: str) -> None:
        """Until the guest has said so."""
        eventually(lambda: line in self.console(), lambda: f"{line}\n{self.console()[-3000:]}")

    def close(self) -> None:
        """End it; its tap goes."""
        self._answers.close()
        self._monitor.close()
        self._process.kill()
        self._process.wait()
        run(*self._link, "del", self._tap, check=False)


class EmulatedGuest:
    """A guest that pings others by name, and can move."""

    def __init__(
        self,
        port: Json,
        host: HostNamespace,
        directory: Path,
        system: tuple[Path, Path],
        reach: str,
    ) -> None:
        """`system` are the files of `guest.make`, `reach` the names to ping.

        The directory's name is short: it has sockets.
        """
        self.port = port
        self._directory = directory / port["id"][:8]
        self._directory.mkdir()
        kernel, initrd = (str(path) for path in system)
        line = f"{guest.COMMAND_LINE} reach={reach}"
        self._boot = ("-kernel", kernel, "-initrd", initrd, "-append", line)
        self.here = self._machine(host)
        self.there: Machine | None = None

    def address(self, version: int) -> str:
        return address_of(self.port, version)

    def appear(self, host: HostNamespace) -> None:
        """QEMU waits there for the guest."""
        self.there = self._machine(host, "-incoming", self._way)

    def move(self) -> None:
        """The guest has gone on there, and QEMU has ended where it was."""
        assert self.there is not None
        self.here.execute("migrate", uri=self._way)
        self.there.await_event("RESUME")
        self.here.close()
        self.here, self.there = self.there, None

    def close(self) -> None:
        self.here.close()
        if self.there is not None:
            self.there.close()

    @property
    def _way(self) -> str:
        return f"unix:{self._directory}/way"

    def _machine(self, host: HostNamespace, *more: str) -> Machine:
        return Machine(self.port, host, self._directory / host.name, *self._boot, *more)
