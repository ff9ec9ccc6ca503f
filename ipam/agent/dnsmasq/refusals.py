"""Counts the machines that a network's dnsmasq did not answer, in bounded space. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ipam.agent.dnsmasq.verdicts import Packet

MOST_MACHINES = 100
NO_ADDRESS = "no address available"
DECLINED = "it declined its address: another machine has it"


@dataclass(frozen=True, slots=True)
class Refused:
    """A machine that asks without success."""

    client: str
    """Its MAC address if that is known, otherwise its DUID."""
    reason: str
    address: str
    count: int
    first_at: int
    """In epoch seconds, like `last_at`."""
    last_at: int


class Refusals:
    """The refusals of one network by machine. `news` gives each change once."""

    def __init__(self) -> None:
        self._by_client: dict[str, Refused] = {}
        self._news: set[str] = set()

    def hear(self, packet: Packet, epoch_seconds: int) -> None:
        """Count a refusal. An answer sets the count to 0."""
        client = machine(packet)
        before = self._by_client.get(client)
        if packet.is_answer:
            self._by_client.pop(client, None)
            self._news.discard(client)
        elif packet.is_refusal or packet.message == "DHCPDECLINE":
            if before is None and len(self._by_client) >= MOST_MACHINES:
                self._make_room()
            new = Refused(client, "", packet.address, 0, epoch_seconds, epoch_seconds)
            known = before or new
            self._by_client[client] = replace(
                known,
                reason=_reason(packet, known.reason),
                address=packet.address or known.address,
                count=known.count + 1,
                last_at=epoch_seconds,
            )
            self._news.add(client)

    def news(self) -> Collection[Refused]:
        """The machines whose count has changed since the last call."""
        if not self._news:
            return ()
        found = [self._by_client[client] for client in self._news]
        self._news.clear()
        return found

    def _make_room(self) -> None:
        """Forget the machine that asked least, the oldest of these: a flood replaces itself."""
        least = min(self._by_client.values(), key=lambda one: (one.count, one.last_at))
        del self._by_client[least.client]
        self._news.discard(least.client)


def _reason(packet: Packet, before: str) -> str:
    """Why; a machine that declined its address gets no other, and that stays the reason."""
    if packet.message == "DHCPDECLINE":
        return DECLINED
    # Where no range is for strangers, dnsmasq ignores them.
    remark = NO_ADDRESS if packet.remark == "ignored" else packet.remark
    is_consequence = before == DECLINED and remark == NO_ADDRESS
    return DECLINED if is_consequence else remark or packet.message


def machine(packet: Packet) -> str:
    """The MAC address of the packet's sender, or its DUID if that has no MAC address.

    DUID-LLT and DUID-LL on Ethernet end with it (RFC 8415 §11.2, §11.4).
    """
    octets = packet.client.split(":")
    if octets[:4] in (["00", "01", "00", "01"], ["00", "03", "00", "01"]):
        return ":".join(octets[-6:])
    return packet.client
