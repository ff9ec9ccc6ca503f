"""A name server of elsewhere, which knows every name."""

import socket
import threading
from collections.abc import Callable

import dns.message
import dns.rdatatype
import dns.rrset

ADDRESS, PRIVATE = "198.18.0.1", "10.9.9.9"
ENDS = b""

Opener = Callable[[socket.SocketKind], socket.socket]


def _here(kind: socket.SocketKind) -> socket.socket:
    return socket.socket(socket.AF_INET, kind)


class NameServer:
    """Answers by UDP and TCP: names that begin with `private.` have a private address."""

    def __init__(self, address: tuple[str, int], opened: Opener = _here) -> None:
        """`opened` makes a socket where the server is to be."""
        self.ids: list[int] = []
        self.ports: list[int] = []
        self.asked: list[str] = []
        self._address = address
        self._last = opened(socket.SOCK_DGRAM), opened(socket.SOCK_STREAM)
        self._datagrams = opened(socket.SOCK_DGRAM)
        self._connections = opened(socket.SOCK_STREAM)
        self._connections.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for one in (self._datagrams, self._connections):
            one.bind(address)
        self._connections.listen()
        self._threads = [threading.Thread(target=one) for one in (self._udp, self._tcp)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        datagram, connection = self._last
        with datagram, connection:
            datagram.sendto(ENDS, self._address)
            connection.connect(self._address)
        for thread in self._threads:
            thread.join()
        self._datagrams.close()
        self._connections.close()

    def _answer(self, octets: bytes) -> bytes:
        asked = dns.message.from_wire(octets)
        name, kind = asked.question[0].name, asked.question[0].rdtype
        self.ids.append(asked.id)
        self.asked.append(name.to_text())
        said = dns.message.make_response(asked)
        if kind == dns.rdatatype.A:
            address = PRIVATE if name.to_text().startswith("private.") else ADDRESS
            said.answer.append(dns.rrset.from_text(name, 60, "IN", "A", address))
        return said.to_wire()

    def _udp(self) -> None:
        while True:
            octets, asker = self._datagrams.recvfrom(4096)
            if octets == ENDS:
                return
            self.ports.append(asker[1])
            self._datagrams.sendto(self._answer(octets), asker)

    def _tcp(self) -> None:
        while True:
            connection, _ = self._connections.accept()
            with connection:
                octets = connection.recv(4096)
                if octets == ENDS:
                    return
                said = self._answer(octets[2:])
                connection.sendall(len(said).to_bytes(2) + said)
