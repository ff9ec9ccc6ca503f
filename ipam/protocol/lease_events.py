"""What an agent tells the API of leases. The agent keeps it on disk in the same form."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from ipam.errors import Malformed
from ipam.model import LeaseAction, LeaseSource
from ipam.protocol.wire import read_parsed
from ipam.values import IpAddress, Uuid

Epoch = Annotated[str, Meta(min_length=1, max_length=32)]
Sequential = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class LeaseEventCreate(Struct):
    """An event as its agent saw it. Long texts are cut to their column, never refused."""

    ignores_unknown: ClassVar = True

    id: Annotated[
        str, Meta(description="32 random hexadecimal digits, chosen where the event was seen.")
    ]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    host: Annotated[str, Meta(description="The host of the DHCP server that reported it.")]
    action: Annotated[
        LeaseAction,
        Meta(description="add, old (renewed), del, or missed: an end that nobody reported."),
    ]
    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    occurred_at_us: Annotated[
        int, Meta(description="When it happened, in microseconds since 1970.")
    ]
    source: Annotated[
        LeaseSource,
        Meta(
            description="hook: dnsmasq reported it. reconciled: nobody did, and the agent found it"
            " by what dnsmasq holds. slaac: a machine made the address and was seen with it."
        ),
    ] = "hook"
    mac_address: Annotated[
        str | None, Meta(description="The client's MAC address; null where it has no Ethernet.")
    ] = None
    client_id: Annotated[
        str | None,
        Meta(description="The DHCPv4 client identifier, as the client sent it, escaped."),
    ] = None
    duid: Annotated[
        str | None,
        Meta(description="The DHCPv6 client identifier, as the client sent it, escaped."),
    ] = None
    iaid: Annotated[
        str | None, Meta(description="The DHCPv6 identity association, as the client sent it.")
    ] = None
    hostname: Annotated[
        str | None, Meta(description="The name that the client sent, escaped.")
    ] = None
    expires_at: Annotated[
        int | None, Meta(description="When the lease ends, in seconds since 1970; null for never.")
    ] = None
    details: Annotated[
        dict[str, Any], Meta(description="Further facts that the DHCP server knew.")
    ] = {}
    epoch: Annotated[
        Epoch | None,
        Meta(description="A life of the agent's inbox: within one, sequences grow."),
    ] = None
    sequence: Annotated[
        Sequential | None,
        Meta(description="The event's place in its epoch. Each is applied once, in this order."),
    ] = None


class LeaseEventsRecorded(Struct, frozen=True, omit_defaults=True):
    """The answer to a batch. `epoch` and `sequence` are those of its last event."""

    applied: int
    duplicates: int
    epoch: str | None = None
    sequence: int | None = None
    clock_difference_us: int = 0
    """By how much the agent's clock is behind, and its times were put forward; 0 if it is not."""


def read_recorded(answer: object, sent: Sequence[LeaseEventCreate]) -> LeaseEventsRecorded:
    """The answer (parsed JSON) to this batch. Raises Malformed if it does not name the batch."""
    said = read_parsed(LeaseEventsRecorded, answer, "the answer to lease events")
    last = sent[-1]
    if (said.applied + said.duplicates, said.epoch, said.sequence) != (
        len(sent),
        last.epoch,
        last.sequence,
    ):
        raise Malformed(
            f"the answer to {len(sent)} lease events names others:"
            f" {said.applied} applied, {said.duplicates} duplicates, up to {said.sequence}"
        )
    return said
