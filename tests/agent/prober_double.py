"""Asks the servers of ProcessesDouble: see ipam.agent.outside.Prober."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_address, ip_interface

from ipam.agent import promised
from ipam.agent.dnsmasq.probe_answers import Advertisement, Offer, Prefix, Question, Refusal
from ipam.agent.proof import promises
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Interface
from tests.agent.processes_double import ProcessesDouble, ServerDouble


class ProberDouble:
    """A server offers what its line for the MAC address says and nobody else has leased.

    It has the options that are promised, except those that are `lacking`.
    """

    def __init__(self, processes: ProcessesDouble, served: Callable[[str], ServedNetwork]) -> None:
        self._served = served
        self.asked: list[Question] = []
        self.silent: set[str] = set()
        """MAC addresses that get no answer, whatever the server holds."""
        self.lacking: set[int] = set()
        """Options that no answer has."""
        self.advertises = True
        self.solicited: list[str] = []
        """The networks that were asked for their advertisements."""
        self._processes = processes

    def ask(
        self, network_id: str, interface: Interface, questions: Sequence[Question]
    ) -> Mapping[Question, Offer | Refusal]:
        self.asked += questions
        server = self._processes.servers.get(network_id)
        if server is None or interface.inside not in server.namespace.interfaces:
            raise FileNotFoundError(2, "No such file or directory")
        inside = server.namespace.interfaces[interface.inside].addresses
        answers: dict[Question, Offer | Refusal] = {}
        for question in questions:
            address = self._offered(server, question, inside)
            if address:
                answers[question] = self._offer(network_id, question, address)
        return answers

    def advertisement(self, network_id: str, interface: Interface) -> Advertisement | None:
        assert interface.inside
        self.solicited.append(network_id)
        wanted = promised.advertisement(self._served(network_id).terms)
        if wanted is None or not self.advertises:
            return None
        prefixes = tuple(Prefix(cidr, True, on, 60, 60) for cidr, on in wanted.prefixes.items())
        return Advertisement(
            managed=wanted.managed,
            other=wanted.other,
            router_seconds=0,
            mtu=wanted.mtu,
            prefixes=prefixes,
            name_servers=wanted.name_servers or (),
            search=wanted.search,
        )

    def information(
        self, network_id: str, interface: Interface, options: Collection[int]
    ) -> Mapping[int, bytes] | None:
        assert interface.inside
        found = promised.information(self._served(network_id).terms)
        return {code: found[code] for code in options if code not in self.lacking}

    def _offer(self, network_id: str, question: Question, address: str) -> Offer:
        served = self._served(network_id)
        ports = [one for one in served.ports.values() if one.mac_address == question.mac]
        answers = [
            one.answer
            for port in ports
            for one in promises(port, served.terms, served.state, [])
            if one.question.server == question.server
        ]
        octets = {
            code: octets
            for code, octets in answers[0].options.items()
            if octets and code not in self.lacking
        }
        lease, next_server = answers[0].lease_seconds, answers[0].next_server
        return Offer(address, 24, lease, question.server, octets, next_server=next_server)

    def keep(self, network_ids: Collection[str]) -> None:
        pass

    def _offered(self, server: ServerDouble, question: Question, inside: set[str]) -> str:
        networks = [i.network for i in map(ip_interface, inside) if str(i.ip) == question.server]
        if not networks or question.mac in self.silent:
            return ""
        for line in server.lines_about(question.mac):
            for address in re.findall(r"[,\[](\d+(?:\.\d+){3}|[0-9a-f:]*::[0-9a-f:]*)", line):
                is_free = server.leases.get(address, (0, question.mac))[1] == question.mac
                if ip_address(address) in networks[0] and is_free:
                    return str(address)
        return ""
