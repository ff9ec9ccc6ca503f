"""One network like the agent's, but without an agent, and with a chosen dnsmasq."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ipam import model
from ipam.agent.dnsmasq.log_file import LIMIT_BYTES, LogFile
from ipam.agent.host.kernel import NetlinkKernel
from ipam.agent.state import Bridge, Interface
from tests.system.ipam_host import random_mac, run
from tests.waiting import PATIENCE_SECONDS, eventually

DNSMASQ = os.environ.get("IPAM_TEST_DNSMASQ", "dnsmasq")
"""Another dnsmasq than the installed one."""


@dataclass
class DhcpNetwork:
    """A bridge, a namespace, a dnsmasq with empty hosts and options directories."""

    directory: Path
    kernel: NetlinkKernel
    addresses: tuple[str, ...]
    ranges: tuple[str, ...]
    more: tuple[str, ...] = ()
    log_bytes: int = LIMIT_BYTES
    """The kernel takes no more for its log."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    said: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        port_id = str(uuid.uuid4())
        self.interface = Interface(
            model.tap_name(port_id), model.dhcp_interface_name(port_id), random_mac(), 1400
        )
        self.bridge = Bridge(model.bridge_name(self.id), 1400)

    def make(self) -> None:
        for sub in ("hosts", "options"):
            (self.directory / sub).mkdir()
        self.kernel.refresh()
        self.kernel.ensure_bridge(self.bridge)
        self.kernel.create_namespace(self.id)
        self.kernel.create_interface(self.id, self.interface, self.bridge.name)
        for address in self.addresses:
            self.kernel.change_address(self.id, self.interface.inside, address, add=True)
        self.log = LogFile(self.directory)

    def start(self) -> None:
        lines = (
            "port=0",
            "no-resolv",
            "no-hosts",
            "bind-interfaces",
            f"interface={self.interface.inside}",
            "except-interface=lo",
            f"pid-file={self.directory}/pid",
            "log-facility=-",
            f"dhcp-hostsdir={self.directory}/hosts",
            f"dhcp-optsdir={self.directory}/options",
            "leasefile-ro",
            f"dhcp-script={self.hook()}",
            "dhcp-authoritative",
            "no-ping",
            *self.more,
            *(f"dhcp-range={one}" for one in self.ranges),
        )
        (self.directory / "dnsmasq.conf").write_text("\n".join(lines) + "\n")
        self.hear()
        subprocess.run(
            [
                *("nsenter", f"--net=/run/netns/{model.dhcp_namespace(self.id)}", "--"),
                *("prlimit", f"--fsize={self.log_bytes}:", "--"),
                *(DNSMASQ, f"--conf-file={self.directory}/dnsmasq.conf"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log.begin_anew(),
            env={"PATH": os.environ["PATH"]},
            check=True,
            timeout=PATIENCE_SECONDS,
            restore_signals=False,  # as the agent starts it: the end of its log does not end it
        )

    def hook(self) -> Path:
        hook = self.directory / "hook"
        hook.write_text(
            f'#!/bin/sh\n[ "$1" = init ] || echo "$@" $DNSMASQ_IAID >> {self.directory}/events\n'
        )
        hook.chmod(0o755)
        return hook

    @property
    def events(self) -> list[str]:
        path = self.directory / "events"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def pid(self) -> int:
        return int((self.directory / "pid").read_text())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def write(self, path: str, *lines: str) -> None:
        """A new file, put in place whole; until dnsmasq has read it."""
        before = len(self.hear())
        target = self.directory / path
        temporary = target.with_name("." + target.name)
        temporary.write_text("".join(f"{line}\n" for line in lines))
        temporary.replace(target)
        self.await_line(rf"read {re.escape(str(target))}$", before)

    def hear(self) -> list[str]:
        """All that dnsmasq has said so far."""
        while lines := self.log.read():
            self.said += lines
            self.log.forget()
        return self.said

    def await_line(self, pattern: str, start: int = 0) -> str:
        def look() -> list[str]:
            return [line for line in self.hear()[start:] if re.search(pattern, line)]

        return eventually(look, lambda: f"{pattern} in\n" + "\n".join(self.said[-20:]))[0]

    def guest(self, mac: str = "") -> tuple[str, str]:
        """A machine on the bridge: its namespace and its MAC address; `eth0` is up."""
        name, mac = f"vm-{uuid.uuid4()}", mac or random_mac()
        self.guests.append(name)
        tap = "tap" + name[3:14]
        run("ip", "netns", "add", name)
        run("ip", "link", "add", tap, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "-n", name, "link", "set", "eth0", "address", mac, "up")
        run("ip", "link", "set", tap, "master", self.bridge.name, "up")
        return name, mac

    def udhcpc(self, guest: str, *more: str) -> str:
        command = ("ip", "netns", "exec", guest, "busybox", "udhcpc", "-i", "eth0", "-n", "-q")
        done = subprocess.run(
            [*command, "-f", "-t", "5", "-T", "1", "-s", "/bin/true", *more],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        found = re.search(r"lease of (\S+) obtained", done.stdout + done.stderr)
        return found[1] if found else ""

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        for name in self.guests:
            run("ip", "netns", "del", name, check=False)
        run("ip", "netns", "del", model.dhcp_namespace(self.id), check=False)
        run("ip", "link", "del", self.bridge.name, check=False)


@contextmanager
def dhcp_network(
    *addresses: str,
    ranges: tuple[str, ...],
    more: tuple[str, ...] = (),
    log_bytes: int = LIMIT_BYTES,
) -> Iterator[DhcpNetwork]:
    """Started, and gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="ipam-dnsmasq-"))
    directory.chmod(0o755)
    kernel = NetlinkKernel()
    network = DhcpNetwork(directory, kernel, addresses, ranges, more, log_bytes)
    try:
        network.make()
        network.start()
        yield network
    finally:
        network.remove()
        network.log.close()
        kernel.close()
        shutil.rmtree(directory)
