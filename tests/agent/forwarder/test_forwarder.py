"""A real forwarder's process between a resolver's sockets and a name server of this machine."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from ipam.agent.forwarder import relay
from ipam.agent.forwarder.forwarder import DnsForwarder, Sockets
from tests.open_directory import open_directory
from tests.servers.name_server import ADDRESS, NameServer
from tests.waiting import PATIENCE_SECONDS, eventually

NETWORK = "11111111-1111-4111-8111-111111111111"
SERVER = (f"127.53.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}", relay.PORT)


class Desk:
    """The agent's side, with sockets on the loopback of this machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = 0
        self.made: list[DnsForwarder] = []

    def opened(self, *servers: str, resolv_conf: str = "") -> DnsForwarder:
        one = DnsForwarder(
            self.directory / "f.sock", servers, resolv_conf, open_sockets=self._sockets
        )
        self.made.append(one)
        one.start()
        return one

    def _sockets(self, _network_id: str) -> Sockets:
        """Two with one port, which some connection of this machine may have for TCP."""
        for _ in range(100):
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            connections = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            for one in (datagrams, connections):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            datagrams.bind(("127.0.0.1", 0))
            self.port = datagrams.getsockname()[1]
            try:
                connections.bind(("127.0.0.1", self.port))
            except OSError:
                datagrams.close()
                connections.close()
                continue
            connections.listen()
            return datagrams, connections
        raise OSError("no port is free for both")

    def ask(self, *, tcp: bool = False) -> dns.message.Message:
        ask = dns.query.tcp if tcp else dns.query.udp
        query = dns.message.make_query("www.example.org", "A")
        return ask(query, "127.0.0.1", port=self.port, timeout=PATIENCE_SECONDS)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for one in made.made:
        one.end()


@pytest.fixture
def server() -> Iterator[NameServer]:
    try:
        made = NameServer(SERVER)
    except PermissionError:
        pytest.skip("needs root: it listens on port 53 of a loopback address")
    yield made
    made.close()


def test_questions_are_answered_by_udp_and_tcp_and_cannot_be_guessed(
    desk: Desk, server: NameServer
) -> None:
    desk.opened(SERVER[0]).serve(NETWORK)
    for tcp in (False, True):
        assert desk.ask(tcp=tcp).answer[0][0].to_text() == ADDRESS
    for _ in range(5):
        desk.ask()
    assert len(set(server.ids)) > 5
    assert len(set(server.ports)) > 4


def test_a_server_may_have_an_ipv6_address(desk: Desk) -> None:
    try:
        six = NameServer(("::1", 53), lambda kind: socket.socket(socket.AF_INET6, kind))
    except PermissionError:
        pytest.skip("needs root: it listens on port 53")
    with contextlib.closing(six):
        desk.opened("::1").serve(NETWORK)
        for tcp in (False, True):
            assert desk.ask(tcp=tcp).answer[0][0].to_text() == ADDRESS


def test_it_outlives_the_agent_and_the_next_one_finds_it(desk: Desk, server: NameServer) -> None:
    first = desk.opened(SERVER[0])
    first.serve(NETWORK)
    first.let_go()
    assert desk.ask().answer
    second = desk.opened(SERVER[0])
    assert second.is_joined
    assert desk.ask().answer
    second.serve(NETWORK)
    assert desk.ask().answer


def test_other_settings_take_another_process(desk: Desk, server: NameServer) -> None:
    first = desk.opened("192.0.2.1")
    first.let_go()
    second = desk.opened(SERVER[0])
    assert not second.is_joined
    second.serve(NETWORK)
    assert desk.ask().answer
    second.let_go()
    off = desk.opened()
    assert not off.is_on
    off.serve(NETWORK)
    assert not desk.opened(SERVER[0]).is_joined


def test_one_that_was_killed_is_started_again(desk: Desk, server: NameServer) -> None:
    one = desk.opened(SERVER[0])
    one.serve(NETWORK)
    os.kill(one.pid, signal.SIGKILL)
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    one.look()
    assert desk.ask().answer


def test_servers_of_a_resolv_conf_are_asked(desk: Desk, server: NameServer) -> None:
    with open_directory("resolv") as directory:
        path = directory / "resolv.conf"
        path.write_text(f"nameserver {SERVER[0]}\n")
        path.chmod(0o644)
        desk.opened(resolv_conf=str(path)).serve(NETWORK)
        assert desk.ask().answer


def test_without_an_answer_it_says_so(desk: Desk) -> None:
    one = desk.opened("127.54.54.54")  # nobody listens there
    one.serve(NETWORK)
    assert desk.ask().rcode() == dns.rcode.SERVFAIL


def test_a_network_that_is_left_has_no_sockets(desk: Desk, server: NameServer) -> None:
    one = desk.opened(SERVER[0])
    one.serve(NETWORK)
    assert desk.ask().answer
    one.leave(NETWORK)

    def is_free() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            try:
                again.bind(("127.0.0.1", desk.port))
            except OSError:
                return False
            return True

    eventually(is_free, "the port is free")


def test_a_network_with_servers_of_its_own_has_these_and_no_others(
    desk: Desk, server: NameServer
) -> None:
    one = desk.opened()
    one.know(NETWORK, [SERVER[0]])
    assert one.is_on
    one.serve(NETWORK)
    assert desk.ask().answer
    pid = one.pid
    one.know(NETWORK, ["192.0.2.1", SERVER[0]])
    assert desk.ask(tcp=True).answer
    one.let_go()
    joined = desk.made[-1] = DnsForwarder(desk.directory / "f.sock", open_sockets=desk._sockets)
    joined.know(NETWORK, [SERVER[0]])
    joined.start()
    joined.serve(NETWORK)
    assert (joined.is_joined, joined.pid) == (True, pid)
    assert desk.ask().answer
    joined.know(NETWORK, [])
    assert not joined.is_on
    joined.look()
    assert joined._link is None


def test_a_network_may_have_none_where_the_others_have_some(
    desk: Desk, server: NameServer
) -> None:
    one = desk.opened(SERVER[0])
    one.know(NETWORK, [])
    one.serve(NETWORK)
    assert desk.port == 0
    one.know(NETWORK, None)
    assert desk.ask().answer
    one.forget(NETWORK)
    one.know(NETWORK, [SERVER[0]])
    assert not one._served
