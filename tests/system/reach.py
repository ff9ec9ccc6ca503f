"""Two hosts with real agents, joined as a rack joins them, and machines that talk over the wires.

Each host has eth0 for tunnels, eth1 as an uplink and VLAN parent, br-ex, a bridge of the
administrator's, with eth2, and eth3, of which no setting says anything. Switches in a third
namespace join the two. This kernel may know no VLANs, so eth1.101 is a link of that name, as an
administrator would have made it.
"""

import contextlib
import os
import select
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ipam import model
from tests.system.frames import packet_socket
from tests.system.ipam_host import run
from tests.system.two_hosts import IPAM, Cloud, HostNamespace
from tests.system.wire import COOKIE, SOLICIT, dhcp4_socket, dhcp6_socket, inside, options4
from tests.waiting import PATIENCE_SECONDS, eventually

UPLINKS = ("eth0", "eth1", "eth1.101", "eth2", "eth3")
AT_ONCE = ("forward_delay", "0")
"""A new bridge port only learns for 15 seconds otherwise."""
NAK = 6
Json = dict[str, Any]
SomeMachine = TypeVar("SomeMachine", bound="Machine")


class HostOfTaps(Protocol):
    """Where machines are."""

    name: str
    network_namespace: str


class Rack(Cloud):
    """The API, and the hosts `a` and `b` with their uplinks."""

    def start(self, more: str = "[network]\nagent_down_time = 4\n") -> None:
        self.hosts: dict[str, HostNamespace] = {}
        self.switches = f"switch-{os.urandom(3).hex()}"
        run("ip", "netns", "add", self.switches)
        self._closing.callback(run, "ip", "netns", "del", self.switches, check=False)
        for uplink in UPLINKS:
            name = switch_of(uplink)
            run("ip", "-n", self.switches, "link", "add", name, "type", "bridge", *AT_ONCE)
            run("ip", "-n", self.switches, "link", "set", name, "up")
        super().start(more)

    def host(self, name: str, calls_itself: str = "") -> HostNamespace:
        made = self.hosts[name] = super().host(name, calls_itself)
        made.configure(
            "physical_interface_mappings = physnet1:eth1,physnet2:eth2\n"
            f"bridge_mappings = physnet2:br-ex\nlocal_ip = {tunnel_end(name)}\n"
            "poll_interval = 0.5\n"
        )
        for uplink in UPLINKS:
            self.plug_uplink(made, uplink)
        within = ("ip", "-n", made.network_namespace)
        run(*within, "address", "add", f"{tunnel_end(name)}/24", "dev", "eth0")
        run(*within, "link", "add", "br-ex", "up", "type", "bridge", *AT_ONCE)
        run(*within, "link", "set", "eth2", "master", "br-ex")
        return made

    def plug_uplink(self, host: HostNamespace, uplink: str) -> None:
        """A link of the host with its other end on the switch."""
        far = f"{host.name}-{uplink.replace('.', '-')}"
        near = ("name", uplink, "netns", host.network_namespace)
        switch = ("ip", "-n", self.switches, "link")
        run(*switch, "add", far, "type", "veth", "peer", *near)
        run(*switch, "set", far, "master", switch_of(uplink), "up")
        run("ip", "-n", host.network_namespace, "link", "set", uplink, "up")

    def network(self, **provider: Any) -> Json:
        """With an IPv4 and an IPv6 subnet."""
        body = {f"provider:{name}": value for name, value in provider.items()}
        made: Json = self.client.post("/v2.0/networks", json={"network": body})["network"]
        self.add_subnets(made)
        return made

    def add_subnets(self, network: Json) -> None:
        """An IPv4 and an IPv6 subnet."""
        for cidr, more in (
            ("10.66.0.0/24", {}),
            (
                "2001:db8:66::/64",
                {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"},
            ),
        ):
            subnet = {"network_id": network["id"], "cidr": cidr} | more
            subnet["ip_version"] = model.ip_version(cidr)
            self.client.post("/v2.0/subnets", json={"subnet": subnet})

    def ipam(self, *words: str, check: bool = True) -> str:
        """What the command line prints, errors too."""
        command = [IPAM, "--socket", str(self._directory / "api.sock"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout + done.stderr

    def machine(self, network: Json, host: HostNamespace, **more: Any) -> "Machine":
        """A machine with its port's addresses, on its tap."""
        return self.machine_of(Machine, network, host, **more)

    def machine_of(
        self, kind: type[SomeMachine], network: Json, host: HostNamespace, **more: Any
    ) -> SomeMachine:
        """One of this kind."""
        body = {
            "network_id": network["id"],
            "device_owner": "compute:nova",
            "binding:host_id": host.name,
        } | more
        port = self.client.post("/v2.0/ports", json={"port": body})["port"]
        made = kind(port, network["mtu"], host)
        self._closing.callback(made.close)
        made.connect()
        return made

    def on_close(self, close: Callable[[], object]) -> None:
        """Have this done at the end."""
        self._closing.callback(close)

    def bare_metal(self, network: Json) -> "BareMetal":
        """A machine behind the switch of eth1, which is on no host."""
        body = {"network_id": network["id"], "device_owner": "baremetal:none"}
        port = self.client.post("/v2.0/ports", json={"port": body})["port"]
        made = BareMetal(port, network["mtu"], self.a, switches=self.switches)
        self._closing.callback(made.close)
        made.connect()
        return made

    def elected(self, network: Json) -> str:
        """The host that answers machines behind the uplink; empty if none does."""
        query = {"network_id": network["id"]}
        found = self.client.get("/v2.0/elected-agents", query)["elected_agents"]
        return str(found[0]["host"]) if found else ""

    def dhcp_port(self, network: Json) -> Json:
        query = {"network_id": network["id"], "device_owner": model.DHCP_PORT_OWNER}
        found: Json = self.client.get("/v2.0/ports", query)["ports"][0]
        return found


def address_of(port: Json, version: int) -> str:
    """The port's address of this IP version."""
    found = [str(one["ip_address"]) for one in port["fixed_ips"]]
    return next(one for one in found if model.ip_version(one) == version)


def tunnel_end(host: str) -> str:
    """The address at which tunnels reach the host of this letter."""
    return f"192.0.2.{11 + ord(host) - ord('a')}"


def switch_of(uplink: str) -> str:
    return f"sw-{uplink.replace('.', '-')}"


def within(host: HostOfTaps, *command: str, check: bool = True) -> str:
    """What a command prints in the host's namespace."""
    return run("ip", "netns", "exec", host.network_namespace, *command, check=check)


@dataclass
class Machine:
    """A machine in a namespace of its own. It hears every DHCP answer that reaches its link."""

    port: Json
    mtu: int
    host: HostOfTaps
    namespace: str = field(default_factory=lambda: f"machine-{os.urandom(3).hex()}")
    answers: list[tuple[bytes, int]] = field(default_factory=list)
    """Transaction and message type of each DHCPv4 answer."""
    advertised: Counter[bytes] = field(default_factory=Counter)
    """How many DHCPv6 servers answered, by transaction."""

    def connect(self, *, up: bool = True) -> None:
        """Without `up` it says nothing yet."""
        run("ip", "netns", "add", self.namespace)
        here = ("ip", "-n", self.namespace)
        far = self._far_end()
        run(*here, "link", "add", "eth0", "mtu", str(self.mtu), "type", "veth", "peer", *far)
        run(*here, "link", "set", "eth0", "address", self.port["mac_address"])
        if up:
            self.set_up()

    def set_up(self) -> None:
        """It has its link and its addresses."""
        here = ("ip", "-n", self.namespace)
        run(*here, "link", "set", "eth0", "up")
        for one in self.port["fixed_ips"]:
            address = one["ip_address"]
            length = ("/64", "nodad") if ":" in address else ("/24",)
            run(*here, "address", "add", address + length[0], "dev", "eth0", *length[1:])
        self._ears = inside(self.namespace, packet_socket)

    def _far_end(self) -> tuple[str, ...]:
        tap = model.tap_name(self.port["id"])
        return ("name", tap, "netns", self.host.network_namespace)

    def address(self, version: int) -> str:
        return address_of(self.port, version)

    def reaches(self, address: str, *more: str) -> bool:
        """Whether it gets an answer; asked again for as long as all tests wait."""
        with contextlib.suppress(AssertionError):
            return bool(eventually(lambda: self.pings(address, *more), f"{address} answers"))
        return False

    def pings(self, address: str, *more: str) -> bool:
        """Whether one echo is answered in a moment."""
        command = ["busybox", "ping", "-c1", "-W1", *more, address]
        space = ("ip", "netns", "exec", self.namespace)
        return subprocess.run([*space, *command], capture_output=True, check=False).returncode == 0

    def ask(self, kind: int, more: dict[int, bytes], *, held: str = "", to: str = "") -> bytes:
        """Send a DHCPv4 message. Gives its transaction, whose first answer was heard.

        Each try is a transaction of its own: an answer may come after the next try.
        """
        asked: list[bytes] = []
        mac = bytes.fromhex(self.port["mac_address"].replace(":", ""))
        body = b"".join(
            bytes([code, len(value)]) + value
            for code, value in ({53: bytes([kind])} | more).items()
        )
        packet = (socket.inet_aton(held) if held else bytes(4)) + bytes(12)
        packet += mac + bytes(202) + COOKIE + body + b"\xff"
        sender = inside(self.namespace, dhcp4_socket)
        with contextlib.closing(sender):
            for _again in range(int(PATIENCE_SECONDS)):
                asked.append(os.urandom(4))
                head = struct.pack("!BBBB4sHH", 1, 1, 6, 0, asked[-1], 0, 0 if held else 0x8000)
                sender.sendto(head + packet, (to or "255.255.255.255", 67))
                if self.hears(lambda: any(xid in asked for xid, _kind in self.answers)):
                    return next(xid for xid, _kind in self.answers if xid in asked)
        raise AssertionError(f"nobody answered {self.port['mac_address']}")

    def solicit(self) -> bytes:
        """Ask for an IPv6 address. Gives the transaction, whose first answer was heard."""
        asked: list[bytes] = []
        mac = bytes.fromhex(self.port["mac_address"].replace(":", ""))
        options = {1: b"\0\3\0\1" + mac, 3: b"\0\0\0\1" + bytes(8), 8: b"\0\0"}
        body = b"".join(struct.pack("!HH", c, len(v)) + v for c, v in options.items())
        sender = inside(self.namespace, dhcp6_socket)
        with contextlib.closing(sender):
            for _again in range(int(PATIENCE_SECONDS)):
                asked.append(os.urandom(3))
                sender.sendto(bytes([SOLICIT]) + asked[-1] + body, ("ff02::1:2", 547))
                if self.hears(lambda: any(xid in self.advertised for xid in asked)):
                    return next(xid for xid in asked if xid in self.advertised)
        raise AssertionError(f"nobody advertised to {self.port['mac_address']}")

    def hears(self, enough: Any) -> bool:
        """Take in what came, for a second or until it is enough."""
        while not enough():
            if not select.select([self._ears], [], [], 1)[0]:
                return False
            self._take(self._ears.recv(4096))
        return True

    def hear_rest(self) -> None:
        """Take in what has come so far."""
        while select.select([self._ears], [], [], 0)[0]:
            self._take(self._ears.recv(4096))

    def _take(self, frame: bytes) -> None:
        if frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[36:38] == b"\x00\x44":
            self.answers.append((frame[46:50], options4(frame[282:]).get(53, b"\0")[0]))
        elif frame[12:14] == b"\x86\xdd" and frame[20] == 17 and frame[56:58] == b"\x02\x22":
            self.advertised[frame[63:66]] += 1

    def close(self) -> None:
        if hasattr(self, "_ears"):
            self._ears.close()
        run("ip", "netns", "del", self.namespace, check=False)


@dataclass
class BareMetal(Machine):
    """A machine that no host of an agent has."""

    switches: str = ""

    def connect(self, *, up: bool = True) -> None:
        super().connect(up=up)
        far = self._far_end()[1]
        run("ip", "-n", self.switches, "link", "set", far, "master", switch_of("eth1"), "up")

    def _far_end(self) -> tuple[str, ...]:
        return ("name", self.namespace[-6:], "netns", self.switches)
