"""Machines that ask a network's resolver."""

import select
import socket
import uuid
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename

from ipam import model
from tests.system.ipam_host import run
from tests.system.wire import inside
from tests.waiting import PATIENCE_SECONDS, eventually

NO_ANSWER_SECONDS = 0.3
ASK_AGAIN_SECONDS = 1.0


class Asker:
    """A machine in a namespace, whose link is eth0."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def add(self, address: str) -> None:
        """Have one more address."""
        more = ("nodad",) if ":" in address else ()
        run("ip", "-n", self.namespace, "address", "add", address, "dev", "eth0", *more)

    def opened(self, kind: socket.SocketKind, version: int = 4) -> socket.socket:
        """A socket in the machine's namespace."""
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        return inside(self.namespace, lambda: socket.socket(family, kind))

    def ask(
        self, server: str, name: str, kind: str = "A", *, tcp: bool = False
    ) -> dns.message.Message:
        """The answer; a question by UDP is asked again if it is lost."""
        query = dns.message.make_query(name, kind)
        version = model.ip_version(server)
        if not tcp:
            with self.opened(socket.SOCK_DGRAM, version) as asking:
                asking.setblocking(False)
                found = eventually(lambda: _asked(query, server, asking), f"{name} is answered")
                assert found is not None
                return found
        with self.opened(socket.SOCK_STREAM, version) as asking:
            asking.settimeout(PATIENCE_SECONDS)
            asking.connect((server, 53))
            asking.setblocking(False)
            return dns.query.tcp(query, server, timeout=PATIENCE_SECONDS, sock=asking)

    def addresses(self, server: str, name: str, kind: str = "A", **how: Any) -> set[str]:
        """The addresses that the answer has."""
        answer = self.ask(server, name, kind, **how)
        return {one.to_text() for group in answer.answer for one in group}

    def reverse(self, server: str, address: str) -> set[str]:
        """The names of an address."""
        return self.addresses(server, dns.reversename.from_address(address).to_text(), "PTR")

    def await_code(self, server: str, name: str, code: str) -> None:
        """Ask until the answer has this code."""
        eventually(lambda: self.code(server, name) == code, f"{name} is {code}")

    def code(self, server: str, name: str, kind: str = "A") -> str:
        """The code of the answer, such as `NXDOMAIN`."""
        return dns.rcode.to_text(self.ask(server, name, kind).rcode())

    def is_answered_from(self, source: str, server: str, name: str) -> bool:
        """Whether a question from this address of the machine is answered.

        It is asked before one from its first address. dnsmasq answers in order, so when that has
        its answer, the other has none.
        """
        with self.opened(socket.SOCK_DGRAM, model.ip_version(server)) as asking:
            asking.bind((source, 0))
            asking.sendto(dns.message.make_query(name, "A").to_wire(), (server, 53))
            self.ask(server, name)
            asking.settimeout(NO_ANSWER_SECONDS)
            try:
                asking.recv(512)
            except TimeoutError:
                return False
            return True

    def connects_from(self, source: str, server: str) -> bool:
        """Whether a connection from this address of the machine comes about.

        It is begun before one from its first address. When that is there, the other is, too, or
        never comes.
        """
        version = model.ip_version(server)
        with self.opened(socket.SOCK_STREAM, version) as asking:
            asking.bind((source, 0))
            asking.setblocking(False)
            asking.connect_ex((server, 53))
            with self.opened(socket.SOCK_STREAM, version) as later:
                later.settimeout(PATIENCE_SECONDS)
                later.connect((server, 53))
            _, ended, _ = select.select([], [asking], [], NO_ANSWER_SECONDS)
            return bool(ended) and asking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


class DnsClient(Asker):
    """A machine on a network's bridge. It has addresses in the network, and none by DHCP."""

    def __init__(self, bridge: str, *addresses: str, host_namespace: str = "") -> None:
        """`host_namespace` is where the bridge is."""
        super().__init__(f"dns-{uuid.uuid4().hex[:6]}")
        self._tap = f"q{uuid.uuid4().hex[:10]}"
        self._host = ("ip", *(("-n", host_namespace) if host_namespace else ()), "link")
        run("ip", "netns", "add", self.namespace)
        peer = ("peer", "name", "eth0", "netns", self.namespace)
        run(*self._host, "add", self._tap, "type", "veth", *peer)
        run(*self._host, "set", self._tap, "master", bridge, "up")
        run("ip", "-n", self.namespace, "link", "set", "lo", "up")
        run("ip", "-n", self.namespace, "link", "set", "eth0", "up")
        for address in addresses:
            self.add(address)

    def close(self) -> None:
        run(*self._host, "del", self._tap, check=False)
        run("ip", "netns", "del", self.namespace, check=False)


def _asked(
    query: dns.message.Message, server: str, asking: socket.socket
) -> dns.message.Message | None:
    try:
        return dns.query.udp(query, server, timeout=ASK_AGAIN_SECONDS, sock=asking)
    except dns.exception.Timeout:
        return None
