"""Answers admins' questions about what ports' machines would get, by asking dnsmasq each time."""

from collections.abc import Callable, Mapping, Sequence

from ipam.agent import inquiry
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.proof import promises
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Lease
from ipam.protocol.probes import AskedProbe, ProbeAnswer

ATTEMPTS = 3


class Inquiries:
    """For the thread that talks to the API. The loop runs meanwhile."""

    def __init__(
        self,
        networks: Callable[[], Mapping[str, ServedNetwork]],
        leases: Callable[[str], Sequence[Lease]],
        announce: Callable[[str, str], None],
    ) -> None:
        self._networks = networks
        self._leases = leases
        self._announce = announce

    def answer(self, asked: Sequence[AskedProbe]) -> list[ProbeAnswer]:
        """One answer to each question."""
        ports = {port_id: one for one in self._networks().values() for port_id in one.ports}
        prober = PacketProber(self._announce)
        try:
            return [self._answer(one, ports.get(one.port_id), prober) for one in asked]
        finally:
            prober.close()

    def _answer(
        self, asked: AskedProbe, served: ServedNetwork | None, prober: PacketProber
    ) -> ProbeAnswer:
        if served is None:
            return ProbeAnswer(id=asked.id, trouble="The agent has not heard of the port yet.")
        port, state = served.ports[asked.port_id], served.state
        if state.interface is None:
            return ProbeAnswer(id=asked.id, trouble="The network has no DHCP server here.")
        promised = promises(port, served.terms, state, self._leases(state.id))
        questions = [one.question for one in promised]
        try:
            answers = prober.ask(state.id, state.interface, questions, attempts=ATTEMPTS)
            has_ipv6 = any(":" in address for address in state.addresses)
            advertisement = prober.advertisement(state.id, state.interface) if has_ipv6 else None
        except OSError as error:
            return ProbeAnswer(id=asked.id, trouble=f"dnsmasq cannot be asked: {error}")
        return inquiry.answer(asked.id, promised, answers, advertisement)
