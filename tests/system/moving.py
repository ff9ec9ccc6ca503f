"""A machine that can go on on another host, as a hypervisor has it: its links there are taps.

As in QEMU, the target's tap is open before the machine runs there, and nobody reads from it until
then. The first that the machine says from there is a broadcast of RARP, which has no address.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ipam import model
from tests.system import frames
from tests.system.frames import RARP, arp, ethernet
from tests.system.ipam_host import run
from tests.system.reach import HostOfTaps, Machine, Rack
from tests.system.two_hosts import HostNamespace
from tests.system.wire import inside

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
ASK_REVERSE = 3
NOBODY = "0.0.0.0"
LARGEST_FRAME = 65535


def open_tap(name: str) -> int:
    """The end of the tap that a hypervisor has; the tap is made unless it is there."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return end


def announcement_of(mac: str) -> bytes:
    """What is in the frame by which a machine says where it is now, and in no other."""
    return frames.mac_octets(mac) + struct.pack("!H", RARP)


@dataclass
class MovingMachine(Machine):
    """A machine whose frames a thread carries between it and the tap of the host it is on."""

    _taps: dict[str, int] = field(default_factory=dict)
    """By host, the ends that the hypervisors have."""

    def connect(self, *, up: bool = True) -> None:
        run("ip", "netns", "add", self.namespace)
        self._own = inside(self.namespace, lambda: open_tap("eth0"))
        mac = self.port["mac_address"]
        run(
            "ip", "-n", self.namespace, "link", "set", "eth0", "address", mac, "mtu", str(self.mtu)
        )
        self.appear(self.host)
        self._running = self._taps[self.host.name]
        self._lock = threading.Lock()
        self._bell, self._heard = socket.socketpair()
        self._carrier = threading.Thread(target=self._carry)
        self._carrier.start()
        if up:
            self.set_up()

    def appear(self, host: HostOfTaps) -> None:
        """The host's hypervisor makes the tap; the machine does not run there yet."""
        self._taps[host.name] = self._open_tap(host, model.tap_name(self.port["id"]))

    def _open_tap(self, host: HostOfTaps, tap: str) -> int:
        end = inside(host.network_namespace, lambda: open_tap(tap))
        run("ip", "-n", host.network_namespace, "link", "set", tap, "up")
        return end

    def resume(self, host: HostOfTaps) -> None:
        """It goes on on this host, and says so."""
        mac = self.port["mac_address"]
        announcement = ethernet(mac, RARP, arp(ASK_REVERSE, mac, NOBODY, NOBODY, mac))
        with self._lock:
            self._running = self._taps[host.name]
            os.write(self._running, announcement.ljust(60, b"\0"))
        self._bell.send(b"!")
        self.host = host

    def vanish(self, host: HostOfTaps) -> None:
        """The host's hypervisor has no such machine any more."""
        os.close(self._taps.pop(host.name))

    def _carry(self) -> None:
        heard = self._heard.fileno()
        while True:
            ready, _, _ = select.select([heard, self._own, self._running], [], [])
            if heard in ready and not self._heard.recv(1):
                return
            with self._lock:
                for source, target in ((self._own, self._running), (self._running, self._own)):
                    if source in ready:
                        with contextlib.suppress(OSError):  # it is not up, or gone
                            os.write(target, os.read(source, LARGEST_FRAME))

    def close(self) -> None:
        if hasattr(self, "_carrier"):
            self._bell.close()
            self._carrier.join()
            self._heard.close()
            os.close(self._own)
        for end in self._taps.values():
            os.close(end)
        super().close()


@dataclass
class Journey:
    """A machine that moves from host to host, as Nova has it, and others that look at it."""

    one: MovingMachine
    observers: Sequence[Machine]

    def ways(self) -> Iterator[tuple[Machine, str]]:
        """From each observer to each of its addresses."""
        for observer in self.observers:
            yield from ((observer, self.one.address(version)) for version in (4, 6))

    def prepare(self, rack: Rack, target: HostNamespace) -> None:
        """The target is told of the machine, and its hypervisor has the tap."""
        self._reports_before = self._reports(target)
        rack.client.post(self._bindings, json={"binding": {"host": target.name}})
        self.one.appear(target)

    def is_prepared(self, target: HostNamespace) -> bool:
        """Whether the target's agent has reported the port, which Nova waits for."""
        return self._reports(target) > self._reports_before

    def _reports(self, host: HostNamespace) -> int:
        return host.log().count(f"port {self.one.port['id']}: DHCP answers")

    def go_on(self, target: HostOfTaps) -> None:
        """The machine runs on the target, and all observers have heard so."""
        said = announcement_of(self.one.port["mac_address"])
        with contextlib.ExitStack() as stack:
            ears = [
                stack.enter_context(
                    contextlib.closing(inside(each.namespace, frames.packet_socket))
                )
                for each in self.observers
            ]
            self.one.resume(target)
            for ear in ears:
                frames.heard_until(ear, said)

    def complete(self, rack: Rack, source: HostOfTaps) -> None:
        """The target's binding is the active one, and nothing is left at the source."""
        rack.client.put(f"{self._bindings}/{self.one.host.name}/activate", json={})
        self.unbind(rack, source)

    def unbind(self, rack: Rack, host: HostOfTaps) -> None:
        """The host has no tap of the machine any more, nor a binding."""
        self.one.vanish(host)
        rack.client.delete(f"{self._bindings}/{host.name}")

    @property
    def _bindings(self) -> str:
        return f"/v2.0/ports/{self.one.port['id']}/bindings"
