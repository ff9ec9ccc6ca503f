"""Questions about what a port's machine would get by DHCP, and the agents' answers."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from ipam.protocol.wire import read_parsed
from ipam.values import Uuid

MOST_AT_ONCE = 100


class AskedProbe(Struct, frozen=True):
    """A question that an agent has not answered yet."""

    id: Uuid
    port_id: Uuid


class ToldOption(Struct, frozen=True):
    """A DHCP option as a machine gets it."""

    code: Annotated[str, Meta(max_length=5)]
    name: Annotated[str, Meta(max_length=64)]
    value: Annotated[str, Meta(max_length=2000)]


class Offered(Struct, frozen=True, kw_only=True):
    """What the machine would get in one subnet; without an address nothing."""

    server: Annotated[str, Meta(max_length=64)]
    """The DHCP server's address in the subnet."""
    address: Annotated[str, Meta(max_length=64)] = ""
    prefix_length: int | None = None
    lease_seconds: int = 0
    options: Annotated[list[ToldOption], Meta(max_length=300)] = []
    lacks: Annotated[str, Meta(max_length=2000)] = ""
    """What is not as it should be; empty if all is."""


class ProbeAnswer(Struct, frozen=True, kw_only=True):
    """What an agent found out about a port."""

    id: Uuid
    """The question's."""
    offers: Annotated[list[Offered], Meta(max_length=50)] = []
    trouble: Annotated[str, Meta(max_length=2000)] = ""
    """Why nobody could be asked; empty if dnsmasq was."""


class ProbeAnswers(Struct):
    """The answers of one agent."""

    probes: Annotated[list[ProbeAnswer], Meta(max_length=MOST_AT_ONCE)]


class _Asked(Struct):
    probes: list[AskedProbe] = []


def read_asked(answer: Any) -> list[AskedProbe]:
    """The questions in a `dhcp-state` answer, as parsed JSON. Raises Malformed."""
    return read_parsed(_Asked, answer, "dhcp-state").probes
