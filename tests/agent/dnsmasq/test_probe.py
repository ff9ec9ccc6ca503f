"""The prober against a scripted wire: what is sent, what waits, and which answer is whose.

A real dnsmasq is asked by the system tests, which need root for the packets.
"""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipam.agent.dnsmasq import probe, probe_dhcp4, probe_dhcp6, probe_frames
from ipam.agent.dnsmasq.probe import AT_ONCE, PacketProber
from ipam.agent.dnsmasq.probe_answers import Offer, Question
from ipam.agent.state import Interface
from tests.agent.network_rows import NETWORK

INTERFACE = Interface("tap22222222-22", "ns-22222222-22", "fa:16:3e:00:00:02", 1450)
OTHER_NETWORK = "22222222-2222-4222-8222-222222222222"
SERVER4, SERVER6 = "10.0.0.2", "2001:db8::2"
TO_US = bytes(6)
ADVERTISEMENT = bytes([134, 0, 0, 0, 64, 0xC0]) + (1800).to_bytes(2) + bytes(8)


def question(number: int, server: str = SERVER4) -> Question:
    return Question(f"fa:16:3e:00:01:{number:02x}", server)


def answer4(request: bytes) -> bytes:
    """An offer of the address that has the last octet of the MAC address."""
    xid, mac = request[4:8], request[28:34]
    head = bytes((2, 1, 6, 1)) + xid + bytes(8) + bytes((10, 0, 0, mac[5])) + bytes(8)
    head += mac.ljust(16, b"\0") + bytes(192)
    message = head + probe_dhcp4.MAGIC + bytes((53, 1, 2)) + b"\xff"
    return probe_frames.dhcp4_frame(TO_US, message)


def answer6(request: bytes) -> bytes:
    def option(code: int, value: bytes) -> bytes:
        return code.to_bytes(2) + len(value).to_bytes(2) + value

    options = probe_dhcp6.read_options(request[34:])
    xid, mac = options[9][0][1:4], options[79][0][2:]
    address = IPv6Address("2001:db8::").packed[:-1] + mac[5:]
    association = bytes(12) + option(5, address + bytes(8))
    message = b"\2" + xid + option(3, association)
    payload = bytes((13, 0)) + bytes(32) + option(9, message)
    return probe_frames.dhcp6_frame(TO_US, IPv6Address(SERVER6), payload)


class Wire:
    """Both sockets of the prober. A server answers its newest request when it is listened to."""

    def __init__(self, sender: "Wire | None" = None) -> None:
        self._sender = sender or self
        self.sent: list[tuple[bytes, str]] = []
        self.unanswered: list[bytes] = []
        self.most_unanswered = 0
        self.unasked: list[bytes] = []
        """Frames that come before the next answer."""
        self.answers: Callable[[bytes], bytes | None] = lambda _frame: None
        self.is_open = True
        self._never_readable = os.eventfd(0)

    def fileno(self) -> int:
        return self._never_readable

    def bind(self, address: tuple[str, int]) -> None:
        assert address[0] == "lo"

    def close(self) -> None:
        self.is_open = False
        os.close(self._never_readable)

    def sendto(self, frame: bytes, to: tuple[str, int]) -> None:
        self.sent.append((frame, to[0]))
        self.unanswered.append(frame)

    def recv(self, _size: int) -> bytes:
        waiting = self._sender.unanswered
        self.most_unanswered = max(self.most_unanswered, len(waiting))
        if self.unasked:
            return self.unasked.pop(0)
        while waiting:
            if frame := self._sender.answers(waiting.pop()):
                return frame
        raise BlockingIOError


class Host:
    """The files that stand for namespaces, and the prober."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.opened: list[Wire] = []
        self.announced: list[tuple[str, str]] = []
        self.pinned: list[str] = []
        self.unpinned: list[str] = []
        self.link_local: IPv6Address | None = IPv6Address("fe80::2")
        constants = {name: getattr(socket, name) for name in ("AF_PACKET", "SOCK_RAW")}
        double = SimpleNamespace(
            **constants, SOCK_NONBLOCK=socket.SOCK_NONBLOCK, socket=lambda *_unused: self.open()
        )
        monkeypatch.setattr(probe, "socket", double)
        monkeypatch.setattr(probe, "PATIENCE_SECONDS", 0.01)
        monkeypatch.setattr(probe, "namespace_path", lambda one: str(directory / one))
        monkeypatch.setattr(probe, "call_in_namespace", lambda _name, work: work())
        monkeypatch.setattr(probe, "pin_own_addresses", lambda one, _name: self.pin(one))
        monkeypatch.setattr(probe, "_link_local", lambda _name: self.link_local)
        self.make_namespace(NETWORK)
        self.prober = PacketProber(lambda *told: self.announced.append(told))
        (self.sender,) = self.opened

    def open(self) -> Wire:
        """The first is for sending; what it sends reaches the one that listens."""
        wire = Wire(self.opened[0] if self.opened else None)
        self.opened.append(wire)
        return wire

    def make_namespace(self, network_id: str) -> None:
        fresh = self.directory / "new"
        fresh.touch()
        fresh.rename(self.directory / network_id)

    def pin(self, network_id: str) -> list[str]:
        self.pinned.append(network_id)
        missing, self.unpinned = self.unpinned, []
        return missing

    @property
    def loopback(self) -> Wire:
        """The one that was opened last."""
        return self.opened[-1]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    one = Host(tmp_path, monkeypatch)
    one.sender.answers = answer
    yield one
    one.prober.close()
    assert not any(wire.is_open for wire in one.opened)


def answer(frame: bytes) -> bytes | None:
    found = probe_frames.frame_content(frame)
    assert found is not None
    is_ipv4 = found.kind == probe_frames.DHCP_SERVER_PORT
    return (answer4 if is_ipv4 else answer6)(found.payload)


def deaf_to(*numbers: int) -> Callable[[bytes], bytes | None]:
    """A server that leaves these machines without an answer."""
    macs = [bytes((0xFA, 0x16, 0x3E, 0, 1, number)) for number in numbers]
    return lambda frame: None if any(mac in frame for mac in macs) else answer(frame)


def addresses(host: Host, *asked: Question, attempts: int = 1) -> dict[Question, str]:
    answers = host.prober.ask(NETWORK, INTERFACE, asked, attempts=attempts)
    return {one: got.address for one, got in answers.items() if isinstance(got, Offer)}


def test_each_question_has_its_own_answer_in_whatever_order_they_come(host: Host) -> None:
    four, six = [question(n) for n in (1, 2, 3)], [question(n, SERVER6) for n in (1, 2, 3)]
    assert addresses(host, *four, *six) == {
        **{one: f"10.0.0.{number}" for number, one in enumerate(four, start=1)},
        **{one: f"2001:db8::{number}" for number, one in enumerate(six, start=1)},
    }
    assert {to for _frame, to in host.sender.sent} == {INTERFACE.outside}


def test_dnsmasqs_socket_never_holds_more_than_it_can(host: Host) -> None:
    asked = [question(number) for number in range(3 * AT_ONCE + 5)]
    assert len(addresses(host, *asked)) == len(asked)
    assert host.loopback.most_unanswered == AT_ONCE


def test_a_question_without_an_answer_is_left_out_and_holds_up_no_other(host: Host) -> None:
    host.sender.answers = deaf_to(*range(AT_ONCE))
    asked = [question(number) for number in range(AT_ONCE + 2)]
    assert addresses(host, *asked).keys() == set(asked[AT_ONCE:])


def test_only_what_has_no_answer_is_asked_again(host: Host) -> None:
    host.sender.answers = deaf_to(2)
    assert addresses(host, question(1), question(2), attempts=3) == {question(1): "10.0.0.1"}
    assert len(host.sender.sent) == 4
    host.sender.answers = answer
    addresses(host, question(1), question(2), attempts=3)
    assert len(host.sender.sent) == 6, "and nothing once all is answered"


def test_what_answers_nothing_that_was_asked_is_no_answer(host: Host) -> None:
    stranger = answer4(probe_dhcp4.discover(7, bytes(6), IPv4Address(SERVER4)))
    router = probe_frames.router_solicitation_frame(TO_US, IPv6Address("fe80::1"))
    odd = [stranger, router, b"short", bytes(60), probe_frames.dhcp4_frame(TO_US, b"no DHCP")]
    told = iter(odd)
    host.sender.answers = lambda _frame: next(told, None)
    assert addresses(host, *map(question, range(len(odd)))) == {}


def test_an_answer_that_came_too_late_for_its_probe_is_not_the_next_ones(host: Host) -> None:
    addresses(host, question(1))
    host.sender.answers = lambda _frame: None
    host.loopback.unasked = [advertised()]
    assert host.prober.advertisement(NETWORK, INTERFACE) is None


def test_only_what_looks_like_a_machines_discover_is_announced(host: Host) -> None:
    addresses(host, question(1), question(2, SERVER6))
    assert host.announced == [(NETWORK, question(1).mac)]


def test_a_namespace_has_one_socket_until_it_is_made_anew(host: Host) -> None:
    for _again in range(2):
        addresses(host, question(1))
    first = host.loopback
    assert len(host.opened) == 2
    host.make_namespace(NETWORK)
    assert addresses(host, question(1)) == {question(1): "10.0.0.1"}
    assert not first.is_open
    assert host.loopback is not first


def test_a_namespace_has_its_neighbour_entries_before_the_first_question_over_ipv6(
    host: Host,
) -> None:
    addresses(host, question(1))
    assert host.pinned == [], "those of IPv4 need none"
    for _again in range(2):
        addresses(host, question(1), question(2, SERVER6))
    assert host.pinned == [NETWORK], "or dnsmasq would wait for itself"
    host.make_namespace(NETWORK)
    addresses(host, question(2, SERVER6))
    assert host.pinned == [NETWORK] * 2


def test_a_missing_answer_over_ipv6_has_neighbour_entries_put_back_which_is_said_once(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    addresses(host, question(1, SERVER6))
    host.sender.answers = lambda _frame: None
    host.pinned.clear()
    addresses(host, question(1))
    assert host.pinned == [], "those of IPv4 need none"
    host.unpinned = [SERVER6]
    addresses(host, question(1), question(2, SERVER6))
    host.prober.advertisement(NETWORK, INTERFACE)
    host.prober.information(NETWORK, INTERFACE, [23])
    assert host.pinned == [NETWORK] * 3
    said = f"neighbour entries of {INTERFACE.inside} for {SERVER6} were removed and are put back"
    assert [one.getMessage() for one in caplog.records] == [f"network {NETWORK}: {said}"]


def test_only_the_kept_networks_keep_their_sockets(host: Host) -> None:
    host.make_namespace(OTHER_NETWORK)
    for network_id in (NETWORK, OTHER_NETWORK):
        host.prober.ask(network_id, INTERFACE, [question(1)])
    _sender, first, second = host.opened
    host.prober.keep([OTHER_NETWORK])
    assert (first.is_open, second.is_open) == (False, True)


def test_a_namespace_that_is_gone_is_an_error_of_the_system(host: Host) -> None:
    addresses(host, question(1))
    (host.directory / NETWORK).unlink()
    with pytest.raises(FileNotFoundError):
        addresses(host, question(1))
    with pytest.raises(FileNotFoundError):
        host.prober.advertisement(NETWORK, INTERFACE)


def advertised(source: str = "fe80::1") -> bytes:
    plain = probe_frames.router_solicitation_frame(TO_US, IPv6Address(source))
    return plain[:54] + ADVERTISEMENT


def test_a_router_is_asked_from_the_interfaces_own_address(host: Host) -> None:
    host.sender.answers = lambda _frame: advertised()
    found = host.prober.advertisement(NETWORK, INTERFACE)
    assert found is not None
    assert (found.router_seconds, found.managed) == (1800, True)
    ((frame, to),) = host.sender.sent
    assert to == INTERFACE.outside
    assert IPv6Address(frame[22:38]) == host.link_local


def test_without_an_advertisement_or_an_address_to_ask_from_there_is_none(host: Host) -> None:
    host.sender.answers = lambda _frame: answer4(bytes(240))
    assert host.prober.advertisement(NETWORK, INTERFACE) is None, "an offer is none"
    host.link_local = None
    assert host.prober.advertisement(NETWORK, INTERFACE) is None
    assert len(host.sender.sent) == 1


def test_only_the_answer_to_its_own_question_is_the_information(host: Host) -> None:
    def reply(frame: bytes, step: int) -> bytes:
        xid = (int.from_bytes(frame[63:66]) + step) % 2**24
        message = b"\7" + xid.to_bytes(3) + bytes((0, 23, 0, 1, 9))
        return probe_frames.dhcp6_frame(TO_US, IPv6Address(SERVER6), message)[:54] + (
            struct.pack("!HHHH", 547, 546, 8 + len(message), 0) + message
        )

    host.sender.answers = lambda frame: reply(frame, 0)
    assert host.prober.information(NETWORK, INTERFACE, [23]) == {23: b"\x09"}
    ((frame, to),) = host.sender.sent
    assert to == INTERFACE.outside
    assert IPv6Address(frame[22:38]) == host.link_local
    host.sender.answers = lambda frame: reply(frame, 1)
    assert host.prober.information(NETWORK, INTERFACE, [23]) is None
    host.link_local = None
    assert host.prober.information(NETWORK, INTERFACE, [23]) is None


def test_the_link_local_address_is_that_of_the_interface(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "fe80000000000000000000000000000a 02 40 20 80     ns-2\n"
        "20010db8000000000000000000000002 03 40 00 80     ns-1\n"
        "fe80000000000000000000000000000b 03 40 20 80     ns-1\n"
    )
    monkeypatch.setattr(Path, "read_text", lambda _path: text)
    assert probe._link_local("ns-1") == IPv6Address("fe80::b")
    assert probe._link_local("lo") is None
