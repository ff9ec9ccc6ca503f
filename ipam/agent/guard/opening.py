"""What passes between a DHCP port and its network's wire where this host answers machines behind.

The DHCP port is then not isolated, and these elements of its tap let nothing pass but what the
machines that no host of an agent has send, and the answers to them. Pure.
"""

from collections.abc import Collection, Iterable
from typing import Final

from ipam.agent.dnsmasq import safe_words
from ipam.agent.guard.elements import Element, TapGuard

OPENED: Final = "opened"
"""The set with the wires to which DHCP ports are open."""
MACHINES: Final = "machines"
"""The set with the MAC addresses of the machines that may ask."""
ANSWERING: Final = "answering"
"""The set with the DHCP ports that answer, each for a time: what is not there passes nothing."""
SOLE: Final = ("sole", "")
"""Of a DHCP port that answers without end: no other host ever could."""


def asking(mac_addresses: Iterable[str]) -> TapGuard:
    """The elements for the machines with these MAC addresses."""
    return frozenset((MACHINES, str(safe_words.mac(mac))) for mac in mac_addresses)


def opening(wire: str, machines: TapGuard, *, is_sole: bool) -> TapGuard:
    """The elements of the outer end of a DHCP port, for the wire's device and its machines."""
    return machines | {(OPENED, str(safe_words.device(wire)))} | ({SOLE} if is_sole else set())


def opened_to(elements: Collection[Element]) -> frozenset[Element]:
    """Those that keep the rest of a wire's traffic from the DHCP port."""
    return frozenset(one for one in elements if one[0] == OPENED)


def of_opening(elements: Collection[Element]) -> frozenset[Element]:
    """All of these elements that `opening` gives."""
    return frozenset(one for one in elements if one[0] in (OPENED, MACHINES, SOLE[0]))
