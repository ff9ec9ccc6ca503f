"""The logs of a host without a dnsmasq: see ipam.agent.outside.Logs."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ipam.agent.dnsmasq.answered import Answer, Ended
from ipam.agent.dnsmasq.log_file import NAME
from ipam.agent.dnsmasq.verdicts import Kind, Verdict


class LogsDouble:
    """What each dnsmasq is to have said."""

    def __init__(self) -> None:
        self.opened: set[str] = set()
        self.said: dict[str, list[Verdict]] = {}
        self.answers: dict[str, list[tuple[float, str, str]]] = {}
        self.refused: dict[str, set[str]] = {}
        self.ended: dict[str, list[Ended]] = {}
        self.worn: set[str] = set()
        self.spoken: Counter[str] = Counter()

    def open(self, network_id: str, directory: Path) -> None:
        (directory / NAME).touch()
        self.opened.add(network_id)

    def begin_anew(self, network_id: str) -> int:
        assert network_id in self.opened
        self.worn.discard(network_id)
        return -1

    def is_worn(self, network_id: str) -> bool:
        return network_id in self.worn

    def reloads(self, network_id: str) -> None:
        of_network = self.said.get(network_id, [])
        self.said[network_id] = [v for v in of_network if v.kind is not Kind.ADDRESS_DECLINED]

    def close(self, network_id: str) -> None:
        self.opened.discard(network_id)

    def last_words(self, network_id: str) -> str:
        assert network_id in self.opened
        return "bad option at line 1"

    def words(self, network_id: str) -> int:
        return self.spoken[network_id]

    def verdicts(self, network_id: str) -> Sequence[Verdict]:
        return self.said.get(network_id, [])

    def network_ids_with_verdicts(self) -> set[str]:
        return {network_id for network_id, said in self.said.items() if said}

    def answered(self, network_id: str, since: float) -> Mapping[str, Answer]:
        return {ip: Answer(who) for at, ip, who in self.answers.get(network_id, []) if at >= since}

    def take_ended(self, network_id: str) -> Sequence[Ended]:
        return self.ended.pop(network_id, [])

    def refused_duids(self, network_id: str) -> Collection[str]:
        return self.refused.pop(network_id, set())
