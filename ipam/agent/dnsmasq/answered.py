"""Which machines a dnsmasq has lately said that it gave an address, by the packets in its log."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ipam.agent.dnsmasq.verdicts import Packet

ENDS: Final = ("DHCPRELEASE", "DHCPDECLINE")
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Ended:
    """A lease that its machine gave back, or declined, when its dnsmasq was heard to say so."""

    at: float
    ip_address: str
    mac_address: str


class Answer(NamedTuple):
    """Who has an address, by the last line about it."""

    mac_address: str
    """Empty if it was given back."""
    hostname: str = ""


class Answered:
    """DHCPv4 only: a line about DHCPv6 does not say all that makes a lease. Not thread-safe."""

    def __init__(self) -> None:
        self._by_address: dict[str, tuple[float, Answer]] = {}
        self._informed: Packet | None = None
        """What came before, if it asked for no address."""
        self._ended: deque[Ended] = deque(maxlen=MOST)

    def hear(self, packet: Packet, now: float) -> bool:
        """Take in a packet. True if it gave or renewed a lease."""
        before, self._informed = self._informed, None
        if packet.message == "DHCPINFORM":
            self._informed = packet
        elif packet.message == "DHCPACK" and packet.address:
            if before is not None and before.client == packet.client:
                return False
            self._note(packet.address, Answer(packet.client, packet.remark), now)
            return True
        elif packet.message in ENDS and packet.address and not packet.remark:
            self._note(packet.address, Answer(""), now)
            self._ended.append(Ended(now, packet.address, packet.client))
        return False

    def since(self, moment: float) -> Mapping[str, Answer]:
        """The answers by address, in order."""
        return {ip: answer for ip, (at, answer) in self._by_address.items() if at >= moment}

    def begin_anew(self) -> None:
        """Another dnsmasq begins. What ended before it is still to be taken."""
        self._by_address.clear()

    def take_ended(self) -> Sequence[Ended]:
        """What ended since this was asked last, in order."""
        found = list(self._ended)
        self._ended.clear()
        return found

    def _note(self, address: str, answer: Answer, now: float) -> None:
        self._by_address.pop(address, None)
        self._by_address[address] = (now, answer)
        if len(self._by_address) > MOST:
            del self._by_address[next(iter(self._by_address))]
