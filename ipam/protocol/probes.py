"""Questions about what a port's machine would get by DHCP, and the agents' answers."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from ipam.protocol.wire import read_parsed
from ipam.values import Uuid

MOST_AT_ONCE = 100


class AskedProbe(Struct, frozen=True):
    """A question that an agent has not answered yet."""

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    port_id: Annotated[Uuid, Meta(description="The port that it is about.")]


class ToldOption(Struct, frozen=True):
    """A DHCP option that a machine would get."""

    ignores_unknown: ClassVar = True

    code: Annotated[
        str, Meta(max_length=5, description="Its number; empty for what is no option.")
    ]
    name: Annotated[str, Meta(max_length=64, description="dnsmasq's name for it, if it has one.")]
    value: Annotated[
        str, Meta(max_length=2000, description="Its value in words, or its octets in hex.")
    ]


class Offered(Struct, frozen=True, kw_only=True):
    """What the machine would get in one subnet. Without an address it would get nothing."""

    ignores_unknown: ClassVar = True

    server: Annotated[
        str, Meta(max_length=64, description="The DHCP server's address in the subnet.")
    ]
    address: Annotated[str, Meta(max_length=64, description="The address; empty for none.")] = ""
    prefix_length: Annotated[
        int | None, Meta(description="Of its netmask; null in DHCPv6, which has none.")
    ] = None
    lease_seconds: Annotated[
        int, Meta(description="How long the lease would last; 4294967295 is for ever.")
    ] = 0
    options: Annotated[
        list[ToldOption], Meta(max_length=300, description="All that comes with the address.")
    ] = []
    lacks: Annotated[
        str, Meta(max_length=2000, description="What is not as promised; empty if all is.")
    ] = ""


class ProbeAnswer(Struct, frozen=True, kw_only=True):
    """What an agent found out about a port."""

    ignores_unknown: ClassVar = True

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    offers: Annotated[
        list[Offered], Meta(max_length=50, description="One for each subnet with DHCP.")
    ] = []
    trouble: Annotated[
        str, Meta(max_length=2000, description="Why nobody could be asked; empty if dnsmasq was.")
    ] = ""


class ProbeAnswers(Struct):
    """The answers of one agent."""

    ignores_unknown: ClassVar = True

    probes: Annotated[
        list[ProbeAnswer], Meta(max_length=MOST_AT_ONCE, description="One for each question.")
    ]


class _Asked(Struct):
    probes: list[AskedProbe] = []


def read_asked(answer: Any) -> list[AskedProbe]:
    """The questions in a `dhcp-state` answer (parsed JSON). Raises Malformed."""
    return read_parsed(_Asked, answer, "dhcp-state").probes
