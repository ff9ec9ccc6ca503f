"""Questions about who uses addresses of a network, and what an agent hears on its host."""

from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta, Struct

from ipam.protocol.wire import read_parsed
from ipam.values import IpAddress, MacAddress, Uuid

MOST_ADDRESSES: Final = 100
"""Of one question."""
MOST_MACHINES: Final = 4 * MOST_ADDRESSES
MOST_AT_ONCE: Final = 20
"""Questions that an agent is told of at once. Each takes it a second."""


class AskedAddressCheck(Struct, frozen=True):
    """A question that an agent has not answered yet."""

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    network_id: Annotated[Uuid, Meta(description="The network whose machines are asked.")]
    ip_addresses: Annotated[list[str], Meta(description="The addresses.")]


class AnsweringMachine(Struct, frozen=True):
    """A machine that answers for an address."""

    ignores_unknown: ClassVar = True

    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    mac_address: Annotated[MacAddress, Meta(description="The machine's MAC address.")]


class AddressCheckAnswer(Struct, frozen=True, kw_only=True):
    """An agent's answer to a whole question."""

    ignores_unknown: ClassVar = True

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    machines: Annotated[
        list[AnsweringMachine],
        Meta(max_length=MOST_MACHINES, description="The machines that answered the host."),
    ] = []
    trouble: Annotated[
        str, Meta(max_length=2000, description="Why nobody could be asked; empty if all were.")
    ] = ""


class _Asked(Struct):
    address_checks: list[AskedAddressCheck] = []


def read_address_checks(answer: Any) -> list[AskedAddressCheck]:
    """The questions in a `dhcp-state` answer (parsed JSON). Raises Malformed."""
    return read_parsed(_Asked, answer, "dhcp-state").address_checks
