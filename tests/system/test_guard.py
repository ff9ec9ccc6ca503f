"""What a machine may send, with crafted frames on a real bridge that the real agent guards."""

import json
import os
import signal
import socket
import struct
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import pytest

from ipam import model
from ipam.agent.guard import table
from ipam.agent.guard.elements import Guard, TapGuard, tap_guard
from ipam.agent.guard.fence import OWN_ADVERTS, OWN_DHCP4, OWN_DHCP6, SERVER
from ipam.agent.guard.opening import asking, opening
from ipam.agent.host.forwarding_table import link_of
from ipam.agent.host.packet_filter import NftFilter
from ipam.protocol.dhcp_state import ServedPort
from ipam.rules.ipv6 import eui64
from tests.agent import network_rows
from tests.kernel_features import need
from tests.open_directory import open_directory
from tests.system import frames
from tests.system.frames import (
    ALL_NODES,
    ARP,
    ICMP6,
    IP4,
    IP6,
    RARP,
    UDP,
    VLAN,
    arp,
    ethernet,
    icmp6,
    ip4,
    ip6,
    neighbour,
    udp,
)
from tests.system.ipam_host import FakeApi, Host, Json, Machine, run, subnet
from tests.system.wire import inside
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

STRANGER = "52:54:00:99:99:99"
VIRTUAL = "00:00:5e:00:01:07"
"""The MAC address of a pair, as VRRP has it."""


OTHERS = (("ip", f"docker_like_{os.getpid()}"), ("bridge", f"libvirt_like_{os.getpid()}"))
OTHERS_TABLES = "".join(
    f"table {family} {name} {{\nchain c {{\ntype filter hook forward priority 0\naccept\n}}\n}}\n"
    for family, name in OTHERS
)


def others() -> list[str]:
    return [run("nft", "list", "table", *one) for one in OTHERS]


@dataclass
class Place:
    """A guarded machine, one that hears all it sends, and one without port security."""

    host: Host
    network: Json
    sender: Machine
    hearer: Machine
    free: Machine
    others: list[str]

    @property
    def table(self) -> str:
        return table.name_of(self.host.directory / "run")

    def heard(
        self, sender: Machine, sent: Mapping[str, bytes], *, by: Machine | None = None
    ) -> set[str]:
        """Which of these frames another machine has got. The last, of no guarded one, passes."""
        marks = {name: b"mark-%04d." % at for at, name in enumerate(sent)}
        end = b"mark-last."
        mac = self.free.port["mac_address"]
        listening = inside((by or self.hearer).namespace, frames.packet_socket)
        sending = inside(sender.namespace, frames.packet_socket)
        ending = inside(self.free.namespace, frames.packet_socket)
        seen: set[str] = set()
        with closing(listening), closing(sending), closing(ending), frames.one_cpu():
            for name, frame in sent.items():
                sending.send(frames.marked(frame, marks[name]))
            ending.send(ethernet(mac, ARP, arp(1, mac, ip_of(self.free), "192.0.2.1") + end))
            listening.settimeout(PATIENCE_SECONDS)
            while end not in (got := listening.recv(4096)):
                seen |= {name for name, mark in marks.items() if mark in got}
        return seen

    def is_guarded(self) -> bool:
        """Whether frames pass as they should, but for DHCP, which may not be tried too often."""
        fine = {name: one for name, one in allowed(self).items() if "dhcp" not in name}
        bad = forbidden(self)
        return self.heard(self.sender, fine | bad) == set(fine)

    def behind(self, mac: str) -> str:
        """The tap behind which the bridge believes this MAC address; empty if it knows none."""
        return link_of(model.bridge_name(self.network["id"]), mac)


def ip_of(machine: Machine) -> str:
    return str(machine.port["fixed_ips"][0]["ip_address"])


def ip6_of(machine: Machine) -> str:
    return str(machine.port["fixed_ips"][1]["ip_address"])


def tap(machine: Machine) -> str:
    return model.tap_name(machine.port["id"])


def link_local(mac: str) -> str:
    return model.unpack(eui64("fe80::/64", mac))


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    need("nftables")
    subprocess.run(["nft", "-f", "-"], input=OTHERS_TABLES, text=True, check=True)
    with open_directory("guard") as directory:
        (directory / "run").mkdir()
        api = FakeApi(directory / "run")
        api.start()
        host = Host(directory, api)
        try:
            yield _made(host)
        finally:
            host.clean_up()
            for one in OTHERS:
                run("nft", "delete", "table", *one)


def _made(host: Host) -> Place:
    six = subnet(
        "2001:db8::",
        cidr="2001:db8::/64",
        ip_version=6,
        gateway_ip="2001:db8::1",
        dns_nameservers=[],
        ipv6_ra_mode="slaac",
        ipv6_address_mode="slaac",
    )
    four = subnet()
    network = host.network(subnets=[four, six])
    start = four["prefix"]

    def port(number: int, **more: Any) -> Json:
        row = host.port(network, f"{start}{number}", **more)
        row["fixed_ips"].append(
            {
                "subnet_id": six["id"],
                "ip_address": model.unpack(eui64("2001:db8::/64", row["mac_address"])),
            }
        )
        return row

    pairs = [
        {"ip_address": f"{start}200"},
        {"ip_address": "198.51.100.0/25"},
        {"ip_address": f"{start}201", "mac_address": VIRTUAL},
        {"ip_address": "2001:db8:7::/64"},
    ]
    secured = {"port_security_enabled": True}
    ports = [port(11, allowed_address_pairs=pairs, **secured), port(12, **secured)]
    ports.append(port(13, port_security_enabled=False))
    host.api.put(network)
    host.start_agent()
    machines = [host.machine(one) for one in ports]
    for one in ports:
        host.await_ready(one)
    sender, hearer, free = machines
    return Place(host, network, sender, hearer, free, others())


def allowed(place: Place) -> dict[str, bytes]:
    """Frames that the sender may send."""
    port, to = place.sender.port, ip_of(place.hearer)
    mac, own, own6 = port["mac_address"], ip_of(place.sender), ip6_of(place.sender)
    start = own.rpartition(".")[0] + "."
    local = link_local(mac)
    some = udp(1234, 1234, b"")
    return {
        "ipv4": ethernet(mac, IP4, ip4(own, to, UDP, some)),
        "pair": ethernet(mac, IP4, ip4(f"{start}200", to, UDP, some)),
        "pair that is a network": ethernet(mac, IP4, ip4("198.51.100.77", to, UDP, some)),
        "pair with a mac": ethernet(VIRTUAL, IP4, ip4(f"{start}201", to, UDP, some)),
        "pair of ipv6": ethernet(mac, IP6, ip6("2001:db8:7::5", ALL_NODES, UDP, some)),
        "arp": ethernet(mac, ARP, arp(1, mac, own, to)),
        "arp of a pair": ethernet(VIRTUAL, ARP, arp(2, VIRTUAL, f"{start}201", f"{start}201")),
        "arp of a network": ethernet(mac, ARP, arp(1, mac, "198.51.100.9", to)),
        "arp probe": ethernet(mac, ARP, arp(1, mac, "0.0.0.0", own)),
        "dhcp": ethernet(
            mac,
            IP4,
            ip4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67, frames.bootp(1, mac))),
        ),
        "dhcp renewal": ethernet(mac, IP4, ip4(own, to, UDP, udp(68, 67, frames.bootp(1, mac)))),
        "dhcpv6": ethernet(mac, IP6, ip6(local, "ff02::1:2", UDP, udp(546, 547, b""))),
        "ipv6": ethernet(mac, IP6, ip6(own6, ALL_NODES, UDP, some)),
        "link-local": ethernet(mac, IP6, ip6(local, ALL_NODES, UDP, some)),
        "own na": ethernet(mac, IP6, ip6(own6, ALL_NODES, ICMP6, neighbour(136, own6))),
        "link-local na": ethernet(mac, IP6, ip6(local, ALL_NODES, ICMP6, neighbour(136, local))),
        "na of a network": ethernet(
            mac, IP6, ip6(own6, ALL_NODES, ICMP6, neighbour(136, "2001:db8:7::9"))
        ),
        "ns": ethernet(mac, IP6, ip6(own6, ALL_NODES, ICMP6, neighbour(135, "2001:db8::77"))),
        "dad": ethernet(mac, IP6, ip6("::", ALL_NODES, ICMP6, neighbour(135, own6))),
        "rs": ethernet(mac, IP6, ip6("::", ALL_NODES, ICMP6, icmp6(133, bytes(4)))),
        "mld": ethernet(mac, IP6, ip6("::", ALL_NODES, ICMP6, icmp6(143, bytes(4)))),
        "mld behind an option": ethernet(
            mac,
            IP6,
            ip6("::", ALL_NODES, 0, frames.behind_options(ICMP6, icmp6(143, bytes(4)))),
        ),
        "later fragment": ethernet(
            mac, IP6, ip6(own6, ALL_NODES, frames.FRAGMENT, frames.later_fragment(UDP, bytes(16)))
        ),
        "rarp after a migration": ethernet(mac, RARP, arp(3, mac, "0.0.0.0", "0.0.0.0", mac)),
    }


def forbidden(place: Place) -> dict[str, bytes]:
    """Frames that it may not send."""
    port, to = place.sender.port, ip_of(place.hearer)
    mac, own = port["mac_address"], ip_of(place.sender)
    theirs, theirs6 = place.hearer.port["mac_address"], ip6_of(place.hearer)
    start, some = own.rpartition(".")[0] + ".", udp(1234, 1234, b"")
    local = link_local(mac)
    advert = icmp6(134, struct.pack("!BBHII", 64, 0, 1800, 0, 0))

    def six(kind: int, payload: bytes, source: str = local) -> bytes:
        return ethernet(mac, IP6, ip6(source, ALL_NODES, kind, payload))

    return {
        "ipv4 of another": ethernet(mac, IP4, ip4(to, own, UDP, some)),
        "ipv4 of nobody": ethernet(mac, IP4, ip4("192.0.2.1", to, UDP, some)),
        "no address but dhcp": ethernet(mac, IP4, ip4("0.0.0.0", "255.255.255.255", UDP, some)),
        "beside the network": ethernet(mac, IP4, ip4("198.51.100.128", to, UDP, some)),
        "pair without its mac": ethernet(mac, IP4, ip4(f"{start}201", to, UDP, some)),
        "own address with a pair's mac": ethernet(VIRTUAL, IP4, ip4(own, to, UDP, some)),
        "mac of nobody": ethernet(STRANGER, IP4, ip4(own, to, UDP, some)),
        "mac of another": ethernet(theirs, IP4, ip4(own, to, UDP, some)),
        "arp of another": ethernet(mac, ARP, arp(2, mac, to, to)),
        "arp of the server": ethernet(mac, ARP, arp(2, mac, f"{start}2", to)),
        "arp with another mac in it": ethernet(mac, ARP, arp(2, STRANGER, own, to)),
        "arp probe with another mac": ethernet(mac, ARP, arp(1, STRANGER, "0.0.0.0", to)),
        "rarp of another": ethernet(STRANGER, RARP, arp(3, STRANGER, "0.0.0.0", "0.0.0.0")),
        "dhcp server": ethernet(
            mac, IP4, ip4(own, "255.255.255.255", UDP, udp(67, 68, frames.bootp(2, theirs)))
        ),
        "dhcp server on another port": ethernet(
            mac, IP4, ip4(own, "255.255.255.255", UDP, udp(6767, 68, frames.bootp(2, theirs)))
        ),
        "dhcp for another machine": ethernet(
            mac,
            IP4,
            ip4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67, frames.bootp(1, theirs))),
        ),
        "dhcp relay": ethernet(mac, IP4, ip4(own, to, UDP, udp(67, 67, frames.bootp(1, theirs)))),
        "dhcpv6 server": six(UDP, udp(547, 546, b"")),
        "dhcpv6 server on another port": six(UDP, udp(5470, 546, b"")),
        "ra": six(ICMP6, advert),
        "ra behind options": six(frames.OPTIONS, frames.behind_options(ICMP6, advert)),
        "ra in a fragment": six(frames.FRAGMENT, frames.first_fragment(ICMP6, advert)),
        "ra behind options in a fragment": six(
            frames.FRAGMENT,
            frames.first_fragment(frames.OPTIONS, frames.behind_options(ICMP6, advert)),
        ),
        "a fragment that hides its kind": six(
            frames.FRAGMENT,
            frames.first_fragment(frames.OPTIONS, struct.pack("!BB", ICMP6, 5) + bytes(6)),
        ),
        "redirect": six(ICMP6, icmp6(137, bytes(36))),
        "na of another": six(ICMP6, neighbour(136, theirs6)),
        "na of the server": six(ICMP6, neighbour(136, "2001:db8::2")),
        "dad against another": six(ICMP6, neighbour(135, theirs6), source="::"),
        "ipv6 of another": six(UDP, some, source=theirs6),
        "ipv6 of nobody": six(UDP, some, source="2001:db8::99"),
        "another link-local": six(UDP, some, source="fe80::1"),
        "no address but nd": six(UDP, some, source="::"),
        "vlan": ethernet(mac, VLAN, struct.pack("!HH", 5, IP4) + ip4(own, to, UDP, some)),
        "qinq": ethernet(mac, 0x88A8, struct.pack("!HH", 5, IP4) + ip4(own, to, UDP, some)),
        "stp": frames.llc(mac, "01:80:c2:00:00:00", b"\x42\x42\x03" + bytes(35)),
        "pvst": frames.llc(mac, "01:00:0c:cc:cc:cd", b"\xaa\xaa\x03\0\0\x0c\x01\x0b" + bytes(35)),
        "lldp": ethernet(mac, 0x88CC, bytes(20), to="01:80:c2:00:00:0e"),
        "lldp of nobody": ethernet(STRANGER, 0x88CC, bytes(20), to="01:80:c2:00:00:0e"),
    }


def dropped(place: Place, name: str) -> dict[str, int]:
    """The frames of each tap that the kernel has counted in the set of this name."""
    listed = json.loads(run("nft", "-j", "list", "set", "bridge", place.table, name))
    (found,) = (one["set"] for one in listed["nftables"] if "set" in one)
    elements = (one["elem"] for one in found.get("elem", ()))
    return {one["val"]: one["counter"]["packets"] for one in elements}


def test_a_machine_may_send_as_its_port_and_as_nobody_else(place: Place) -> None:
    fine, bad = allowed(place), forbidden(place)
    theirs, to = place.hearer.port["mac_address"], ip_of(place.hearer)
    of_hearer = {"its own": ethernet(theirs, ARP, arp(1, theirs, to, to))}
    assert place.heard(place.hearer, of_hearer, by=place.sender)
    assert place.heard(place.sender, fine | bad) == set(fine)
    found = [place.behind(mac) for mac in (STRANGER, theirs, VIRTUAL)]
    assert found == ["", tap(place.hearer), tap(place.sender)], "the bridge learnt nothing false"
    for_the_bridge = {name for name in bad if name.startswith("lldp")}  # which drops them itself
    assert dropped(place, "spoofed")[tap(place.sender)] >= len(bad.keys() - for_the_bridge)
    assert place.host.api.agent["configurations"]["guard"]["port_filter"] is True


def test_a_port_without_security_may_send_anything(place: Place) -> None:
    served = udp(67, 68, frames.bootp(2, VIRTUAL))
    sent = {"any": ethernet(VIRTUAL, IP4, ip4("192.0.2.9", "255.255.255.255", UDP, served))}
    assert place.heard(place.free, sent) == {"any"}


@pytest.mark.parametrize("who", ["hearer", "free"])
def test_dhcp_packets_are_bounded_and_what_is_dropped_is_counted(place: Place, who: str) -> None:
    machine: Machine = getattr(place, who)
    mac = machine.port["mac_address"]
    asked = ip4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67, frames.bootp(1, mac)))
    sent = {str(at): ethernet(mac, IP4, asked) for at in range(400)}
    before = dropped(place, "storms").get(tap(machine), 0)
    heard = place.heard(machine, sent, by=place.sender)
    assert 0 < len(heard) < len(sent)
    assert dropped(place, "storms")[tap(machine)] - before == len(sent) - len(heard)
    one = {"one": ethernet(mac, IP4, asked)}
    eventually(lambda: place.heard(machine, one, by=place.sender), "it may ask again")


def test_what_the_api_says_of_a_port_counts_at_once(place: Place) -> None:
    port, own, to = place.sender.port, ip_of(place.sender), ip_of(place.hearer)
    mac, pairs = port["mac_address"], port["allowed_address_pairs"]
    other = "fa:16:3e:98:98:98"
    spoof = ethernet(mac, IP4, ip4("192.0.2.1", to, UDP, udp(1, 1, b"")))
    moved = ethernet(other, IP4, ip4(own, to, UDP, udp(1, 1, b"")))
    changes: list[tuple[Json, bytes, bool]] = [
        ({"allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]}, spoof, True),
        ({"allowed_address_pairs": pairs}, spoof, False),
        ({"port_security_enabled": False}, spoof, True),
        ({"port_security_enabled": True}, spoof, False),
        ({"mac_address": other}, moved, True),
        ({"mac_address": mac}, moved, False),
    ]
    for change, frame, passes in changes:
        port |= change
        place.host.api.put(place.network)
        eventually(partial(is_so, place, frame, passes=passes), f"{change} counts")


def is_so(place: Place, frame: bytes, *, passes: bool) -> bool:
    """Whether the sender's frame passes, or does not."""
    return bool(place.heard(place.sender, {"it": frame})) is passes


def test_what_others_do_to_the_table_is_put_right_and_said(place: Place) -> None:
    for change in (
        ("delete", "table", "bridge", place.table),
        ("flush", "set", "bridge", place.table, "v4"),
        ("flush", "chain", "bridge", place.table, "guest4"),
        ("insert", "rule", "bridge", place.table, "guest", "accept"),
    ):
        before = said(place)
        run("nft", *change)
        eventually(partial(is_put_right, place, before), f"{change} is said and put right")


def said(place: Place) -> int:
    return place.host.log().count("the guard was changed by hand")


def is_put_right(place: Place, said_before: int) -> bool:
    return said(place) > said_before and place.is_guarded()


def test_guards_outlive_the_agent_and_an_api_that_says_nothing(place: Place) -> None:
    host = place.host
    host.end_agent(signal.SIGKILL)
    assert place.is_guarded()
    host.api.stop()
    host.start_agent()
    assert place.is_guarded()
    host.api.networks.clear()
    asked = host.api.asked
    host.api.start()
    eventually(lambda: host.api.asked > asked + 1, "the agent has heard that there is nothing")
    assert place.is_guarded()
    host.api.ready.clear()
    host.api.put(place.network)
    for machine in (place.sender, place.hearer):
        host.await_ready(machine.port)
    assert place.is_guarded()


def test_the_tables_of_others_stay_as_they_are(place: Place) -> None:
    assert others() == place.others


@contextmanager
def wired(*ports: str) -> Iterator[tuple[str, dict[str, socket.socket]]]:
    """A namespace with these ports on a bridge; by port the far end of its cable.

    `br0` is the host's own end. All frames of one sender come in their order.
    """
    space = f"guard-{uuid.uuid4().hex[:8]}"
    elsewhere = f"{space}-far"
    with ExitStack() as stack:
        for one in (space, elsewhere):
            stack.callback(run, "ip", "netns", "del", one, check=False)
            run("ip", "netns", "add", one)
        within = ("ip", "-n", space, "link")
        run(*within, "add", "name", "br0", "type", "bridge")
        run(*within, "set", "br0", "up")
        far = {"br0": inside(space, partial(frames.packet_socket, "br0"))}
        for port in ports:
            run(*within, "add", port, "type", "veth", "peer", "name", port, "netns", elsewhere)
            run(*within, "set", port, "master", "br0", "up")
            run("ip", "-n", elsewhere, "link", "set", port, "up")
            far[port] = inside(elsewhere, partial(frames.packet_socket, port))
        for end in far.values():
            stack.enter_context(closing(end))
        stack.enter_context(frames.one_cpu())
        yield space, far


def load(space: str, guard: Guard) -> None:
    """Have this guard in the namespace."""
    with closing(inside(space, lambda: NftFilter("ipam"))) as packet_filter:
        inside(space, lambda: packet_filter.load(guard))


INSIDE, OUTSIDE = ("tap1", "tap2"), ("wire", "br0")


def of_dhcp(mac: str) -> dict[str, bytes]:
    """What clients, servers, routers and relays send, and last what anybody may."""
    local, own = link_local(mac), "10.0.0.5"

    def four(source: str, packet: bytes) -> bytes:
        return ethernet(mac, IP4, ip4(source, "255.255.255.255", UDP, packet))

    def six(kind: int, packet: bytes) -> bytes:
        return ethernet(mac, IP6, ip6(local, ALL_NODES, kind, packet))

    return {
        "asks dhcp": four("0.0.0.0", udp(68, 67, frames.bootp(1, mac))),
        "asks dhcpv6": six(UDP, udp(546, 547, b"")),
        "asks for routers": six(ICMP6, icmp6(133, bytes(4))),
        "answers dhcp": four(own, udp(67, 68, frames.bootp(2, mac))),
        "answers dhcpv6": six(UDP, udp(547, 546, b"")),
        "answers as a router": six(ICMP6, icmp6(134, struct.pack("!BBHII", 64, 0, 9, 0, 0))),
        "relays dhcp": four(own, udp(67, 67, frames.bootp(1, mac))),
        "relays dhcpv6": six(UDP, udp(547, 547, b"")),
        "the last": ethernet(mac, ARP, arp(1, mac, own, "10.0.0.6")),
    }


def may_pass(what: str, sender: str, hearer: str) -> bool:
    """Whether a frame passes. A machine without port security may be a server or a relay."""
    match what.split(maxsplit=1)[0]:
        case "asks":
            return not (sender in INSIDE and hearer in OUTSIDE)
        case "relays":
            return not (sender == "tap1" and hearer in OUTSIDE)
        case "answers":
            return sender != "tap1" and not (sender in OUTSIDE and hearer in INSIDE)
        case _:
            return True


def test_dhcp_stays_on_its_side_of_a_wire() -> None:
    """What the own server answers, that is. Machines behind the wire may ask the server."""
    own = frozenset({OWN_DHCP4, OWN_DHCP6, OWN_ADVERTS})
    guard: dict[str, TapGuard] = {"server": SERVER}
    macs = {"tap1": "fa:16:3e:00:00:05", "tap2": "fa:16:3e:00:00:06"}
    for name, mac in macs.items():
        row = network_rows.port(mac_address=mac, port_security_enabled=name == "tap1")
        guard[name] = tap_guard(msgspec.convert(row, ServedPort)) | own
    held: Counter[str] = Counter()
    with wired("tap1", "tap2", "server", "wire") as (space, far):
        load(space, guard)
        for at, sender in enumerate(far):
            sent = of_dhcp(macs.get(sender, f"fa:16:3e:00:01:{at:02x}"))
            marks = {what: f"{sender}: {what}.".encode() for what in sent}
            for what, frame in sent.items():
                far[sender].send(frames.marked(frame, marks[what]))
            for hearer in far.keys() - {sender}:
                heard = frames.heard_until(far[hearer], marks["the last"])
                passed = {what for what in sent if any(marks[what] in one for one in heard)}
                may = {what for what in sent if may_pass(what, sender, hearer)}
                assert passed == may, f"{sender} to {hearer}"
                foreign = {what for what in sent if sender == "tap1" and "answers" in what}
                held["" if sender == "br0" else sender] += len(sent.keys() - may - foreign)
        with closing(inside(space, lambda: NftFilter("ipam"))) as packet_filter:
            counted = inside(space, packet_filter.drops)
    assert counted.fenced == +held


def first_fragments(mac: str, own: str, own6: str) -> dict[str, bytes]:
    """Fragments that say nothing of what is forbidden, for that comes in the next.

    Behind the packet's end, where the receiver does not look, each has what the port may send.
    """
    theirs, other6 = STRANGER, "2001:db8::99"

    def six(kind: int, payload: bytes, behind: bytes) -> bytes:
        packet = ip6(own6, ALL_NODES, frames.FRAGMENT, frames.first_fragment(kind, payload))
        return ethernet(mac, IP6, packet + behind)

    dhcp = udp(68, 67, frames.bootp(1, theirs))
    said = udp(68, 67, frames.bootp(1, mac))
    options = struct.pack("!BB", UDP, 0) + b"\x01\x04\0\0\0\0"
    in_atomic = struct.pack("!BBHI", frames.OPTIONS, 0, 1, 7) + options
    claim, fine = neighbour(136, other6), neighbour(136, own6)
    return {
        "dhcp": ethernet(mac, IP4, frames.first_fragment4(ip4(own, own, UDP, dhcp[:24]))),
        "dhcp and more": ethernet(
            mac, IP4, frames.first_fragment4(ip4(own, own, UDP, dhcp[:24])) + said[24:]
        ),
        "options": six(frames.OPTIONS, options, udp(9, 9, b"")),
        "a fragment of a fragment": ethernet(
            mac,
            IP6,
            ip6(own6, ALL_NODES, frames.FRAGMENT, struct.pack("!BBHI", 44, 0, 0, 7) + in_atomic)
            + udp(9, 9, b""),
        ),
        "a claim": six(ICMP6, claim[:8], fine[8:]),
    }


def test_what_is_behind_a_packets_end_lets_none_of_its_fragments_pass() -> None:
    mac, own, own6 = "fa:16:3e:00:00:05", "10.0.0.5", "2001:db8::5"
    ips = [{"ip_address": one, "subnet_id": str(uuid.uuid4())} for one in (own, own6)]
    row = network_rows.port(mac_address=mac, port_security_enabled=True, fixed_ips=ips)
    sent = first_fragments(mac, own, own6)
    assert len({one[14:] for one in sent.values()}) == len(sent)
    last = ethernet(mac, ARP, arp(1, mac, own, "10.0.0.6") + b"the last")
    with wired("tap1", "tap2") as (space, far):
        load(space, {"tap1": tap_guard(msgspec.convert(row, ServedPort))})
        for frame in (*sent.values(), last):
            far["tap1"].send(frame)
        heard = frames.heard_until(far["tap2"], b"the last")
    begun = {what: frame[: 14 + 40 + 16] for what, frame in sent.items()}
    assert not {what for what, one in begun.items() if any(one in each for each in heard)}


def test_only_machines_behind_an_uplink_ask_an_opened_dhcp_port_while_it_answers() -> None:
    """A machine without a port, such as another host's guest, is not heard."""
    own, known, stranger = "fa:16:3e:00:00:02", "fa:16:3e:00:00:05", STRANGER
    for is_sole in (True, False):
        elements = opening("wire", asking([known]), is_sole=is_sole) | SERVER
        with wired("dhcp", "wire", "tap1") as (space, far):
            load(space, {"dhcp": elements})
            heard = {
                (port, name)
                for port, to in (("wire", "dhcp"), ("dhcp", "wire"))
                for name in passing(far, port, to, {"known": known, "other": stranger}, own)
            }
            expected = {("wire", "known"), ("dhcp", "known"), ("dhcp", "all")}
            assert heard == (expected if is_sole else set())


def passing(
    far: dict[str, socket.socket], port: str, to: str, machines: dict[str, str], own: str
) -> set[str]:
    """Which DHCP frames of or to these machines get from one port to another."""
    sent, last = {}, f"the last of {port}".encode()
    for name, mac in machines.items():
        if port == "wire":
            asked = ip4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67, frames.bootp(1, mac)))
            sent[name] = ethernet(mac, IP4, asked)
        else:
            told = ip4("10.0.0.2", "10.0.0.5", UDP, udp(67, 68, frames.bootp(2, mac)))
            sent[name] = ethernet(own, IP4, told, to=mac)
    if port == "dhcp":
        sent["all"] = ethernet(own, ARP, arp(1, own, "10.0.0.2", "10.0.0.2"))
    for name, frame in sent.items():
        far[port].send(frames.marked(frame, name.encode()))
    far["tap1"].send(ethernet(VIRTUAL, ARP, arp(1, VIRTUAL, "10.0.0.9", "10.0.0.9") + last))
    heard = frames.heard_until(far[to], last)
    return {name for name in sent if any(name.encode() in one for one in heard)}


def test_the_guard_holds_beside_a_firewall_that_sees_bridged_packets() -> None:
    """As Docker's does with br_netfilter, and docs/guard.md has a rule for."""
    need("br_netfilter")
    mac, own, other = "fa:16:3e:00:00:05", "10.0.0.5", "10.0.0.7"
    elements = {("taps", ""), ("guarded", ""), ("macs", mac), ("v4", f"{mac} . {own}")}
    rules = (
        ("-P", "FORWARD", "ACCEPT"),
        ("-P", "FORWARD", "DROP"),
        ("-I", "FORWARD", "-m", "physdev", "--physdev-is-bridged", "-j", "ACCEPT"),
    )
    with wired("tap1", "tap2") as (space, far):
        load(space, {"tap1": frozenset(elements)})
        sending, listening = far["tap1"], far["tap2"]
        passed = []
        for rule in rules:
            run("ip", "netns", "exec", space, "iptables", *rule)
            for source in (other, own):
                packet = ip4(source, "10.0.0.6", UDP, udp(9, 9, source.encode()))
                sending.send(ethernet(mac, IP4, packet))
            sending.send(ethernet(mac, ARP, arp(1, mac, own, "10.0.0.6") + b"the last"))
            heard = frames.heard_until(listening, b"the last")
            assert not any(other.encode() in one for one in heard)
            passed.append(any(own.encode() in one for one in heard))
        assert passed == [True, False, True]
