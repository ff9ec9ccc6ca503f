"""Asks the resolver of a network on this host, from its namespace."""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Final

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.reversename
from dns.exception import DNSException

from ipam import model
from ipam.agent.host.namespaces import call_in_namespace
from ipam.agent.served import ServedNetwork
from ipam.protocol.dns_lookups import MOST_RECORDS, AskedLookup, LookupAnswer, ResolverAnswer

PATIENCE_SECONDS: Final = 2.0
PORT: Final = 53


def answer(asked: AskedLookup, networks: Mapping[str, ServedNetwork]) -> LookupAnswer:
    """What the network's resolver says to each question; nothing if it does not answer one."""
    served = networks.get(asked.network_id)
    own = sorted(served.state.addresses) if served is not None else []
    if not own:
        return LookupAnswer(id=asked.id, trouble="The network has no resolver on this host.")
    resolver = Resolver(model.dhcp_namespace(asked.network_id), str(ip_interface(own[0]).ip))
    try:
        answers = [resolver.answer(question) for question in asked.questions]
    except (OSError, DNSException) as error:
        return LookupAnswer(id=asked.id, trouble=f"The resolver cannot be asked: {error}"[:2000])
    return LookupAnswer(id=asked.id, answers=answers)


@dataclass(frozen=True, slots=True)
class Resolver:
    """One network's, at this address in this namespace."""

    namespace: str
    address: str

    def answer(self, question: str) -> ResolverAnswer:
        """What it says to a name or an address. Raises OSError or DNSException."""
        asked = [(question, "A"), (question, "AAAA")]
        with contextlib.suppress(ValueError):
            reverse = dns.reversename.from_address(str(ip_address(question)))
            asked = [(reverse.to_text(), "PTR")]
        said = [self._ask(dns.message.make_query(name, kind)) for name, kind in asked]
        records = [one.to_text() for each in said for group in each.answer for one in group]
        return ResolverAnswer(question, dns.rcode.to_text(said[0].rcode()), records[:MOST_RECORDS])

    def _ask(self, query: dns.message.Message) -> dns.message.Message:
        with self._opened(socket.SOCK_DGRAM) as opened:
            said = dns.query.udp(query, self.address, PATIENCE_SECONDS, PORT, sock=opened)
        if not said.flags & dns.flags.TC:
            return said
        with self._opened(socket.SOCK_STREAM) as opened:
            opened.settimeout(PATIENCE_SECONDS)
            opened.connect((self.address, PORT))
            opened.setblocking(False)
            return dns.query.tcp(query, self.address, PATIENCE_SECONDS, PORT, sock=opened)

    def _opened(self, kind: socket.SocketKind) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        opened = call_in_namespace(self.namespace, lambda: socket.socket(family, kind))
        opened.setblocking(False)
        return opened
