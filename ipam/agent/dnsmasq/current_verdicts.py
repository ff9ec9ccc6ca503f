"""The verdicts of a network's dnsmasq that hold, in bounded space. Pure.

`now` is always monotonic time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ipam.agent.dnsmasq.probe_answers import PROBE_DUID
from ipam.agent.dnsmasq.verdicts import FileRead, Kind, Packet, Said, Verdict

MOST_FILES = 10_000
MOST_OF_A_FILE = 20
MOST_MACHINES = 500
"""How many machines with left out options or withheld addresses are kept."""
GOES_STALE_SECONDS = 600.0
"""After this time a verdict ends that nothing else would end."""
SETTLED_SECONDS = 1.0
"""dnsmasq logs left out options right after the answer without them, within this time."""

OF_ADDRESSES = (Kind.ADDRESS_LEASED, Kind.ADDRESS_OF_SERVER, Kind.ADDRESS_DECLINED)
"""The kinds that say of an address that it is given to nobody."""
_UNTIL_AN_ANSWER = (Kind.NO_RANGE, Kind.NO_ADDRESS_HERE)


@dataclass(frozen=True, slots=True)
class _Heard:
    verdict: Verdict
    at: float


class CurrentVerdicts:
    """The verdicts that hold for one network."""

    def __init__(self) -> None:
        self._files: dict[str, list[Verdict]] = {}
        self._left_out: dict[tuple[str, int], _Heard] = {}
        self._answered: dict[str, float] = {}
        self._kept_back: dict[str, Verdict] = {}
        self._others: dict[tuple[Kind, str], _Heard] = {}
        self._last_client = ""
        self._probes: Counter[tuple[str, str]] = Counter()

    def hear(self, said: Said, now: float) -> bool:
        """Take in a line. True if it is a verdict that did not hold before."""
        match said:
            case FileRead():
                self._files.pop(said.file, None)
                return False
            case Packet():
                self._hear_packet(said, now)
                return False
            case Verdict():
                return self._hear_verdict(said, now)

    def is_empty(self) -> bool:
        """True if there is no verdict, whether or not it still holds."""
        return not (self._files or self._left_out or self._kept_back or self._others)

    def verdicts(self, now: float) -> Iterator[Verdict]:
        """All verdicts that hold."""
        for of_file in self._files.values():
            yield from of_file
        for (mac, _option), heard in self._left_out.items():
            answered = self._answered.get(mac, 0.0)
            if not (answered > heard.at and now > answered + SETTLED_SECONDS):
                yield heard.verdict
        yield from self._kept_back.values()
        for heard in self._others.values():
            if now < heard.at + GOES_STALE_SECONDS:
                yield heard.verdict

    def expect_probe(self, mac: str) -> None:
        """Note that the next packets of this machine are a probe of the agent."""
        self._probes["DHCPDISCOVER", mac] += 1
        self._probes["DHCPOFFER", mac] += 1

    def is_probe(self, packet: Packet) -> bool:
        """Whether the packet is from a probe. Call it once for each packet."""
        if packet.client == PROBE_CLIENT:
            return True
        key = (packet.message, packet.client)
        if self._probes[key] <= 0:
            return False
        self._probes[key] -= 1
        if packet.is_refusal:
            self._probes["DHCPOFFER", packet.client] -= 1  # there will be no offer
        return True

    def forget_declined(self) -> None:
        """No address is kept back any more because a machine declined it."""
        kept = self._kept_back.items()
        self._kept_back = {k: one for k, one in kept if one.kind is not Kind.ADDRESS_DECLINED}

    def _hear_packet(self, packet: Packet, now: float) -> None:
        self._last_client = packet.client
        if not packet.is_answer:
            return
        self._kept_back.pop(packet.address, None)
        for key in [key for key in self._others if key[0] in _UNTIL_AN_ANSWER]:
            del self._others[key]
        if any(mac == packet.client for mac, _option in self._left_out):
            self._answered[packet.client] = now

    def _hear_verdict(self, verdict: Verdict, now: float) -> bool:
        if verdict.file:
            of_file = self._files.setdefault(verdict.file, [])
            known = verdict in of_file
            if not known and len(of_file) < MOST_OF_A_FILE:
                of_file.append(verdict)
            _bound(self._files, MOST_FILES)
        elif verdict.kind is Kind.OPTION_LEFT_OUT and self._last_client:
            key = (self._last_client, verdict.option)
            known = key in self._left_out
            self._left_out[key] = _Heard(replace(verdict, mac=self._last_client), now)
            _bound(self._left_out, MOST_MACHINES)
            self._answered = {m: at for m, at in self._answered.items() if m in self._macs()}
        elif verdict.kind in OF_ADDRESSES:
            known = self._kept_back.get(verdict.address) == verdict
            self._kept_back[verdict.address] = verdict
            _bound(self._kept_back, MOST_MACHINES)
        else:
            where = (verdict.kind, verdict.interface or verdict.address)
            known = where in self._others
            self._others[where] = _Heard(verdict, now)
            _bound(self._others, MOST_MACHINES)
        return not known

    def _macs(self) -> set[str]:
        return {mac for mac, _option in self._left_out}


PROBE_CLIENT = PROBE_DUID.hex(":")


def _bound(entries: dict, most: int) -> None:  # type: ignore[type-arg]  # of any content
    """Forget the oldest entries beyond `most`."""
    while len(entries) > most:
        del entries[next(iter(entries))]
