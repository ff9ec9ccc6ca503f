"""Asks the servers of ProcessesDouble: see ipam.agent.outside.Prober."""

import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address, ip_interface

from ipam.agent.dnsmasq.probe_answers import Offer, Question, Refusal
from ipam.agent.state import Interface
from tests.agent.processes_double import ProcessesDouble, ServerDouble


class ProberDouble:
    """A server offers what its line for the MAC address says and nobody else has leased."""

    def __init__(self, processes: ProcessesDouble) -> None:
        self.asked: list[Question] = []
        self.silent: set[str] = set()
        """MAC addresses that get no answer, whatever the server holds."""
        self.lacking: set[int] = set()
        """Options that no answer has."""
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
                options = dict.fromkeys(question.options - self.lacking, b"x")
                answers[question] = Offer(address, 24, 60, question.server, options)
        return answers

    def keep(self, network_ids: Collection[str]) -> None:
        pass

    def _offered(self, server: ServerDouble, question: Question, inside: set[str]) -> str:
        networks = [i.network for i in map(ip_interface, inside) if str(i.ip) == question.server]
        if not networks or question.mac in self.silent:
            return ""
        for line in server.lines_about(question.mac):
            for address in re.findall(r"[,\[](\d+(?:\.\d+){3}|[0-9a-f:]*::[0-9a-f:]*)", line):
                is_free = server.leases.get(address, question.mac) == question.mac
                if ip_address(address) in networks[0] and is_free:
                    return str(address)
        return ""
