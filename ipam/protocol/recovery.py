"""What an agent tells the API after a backup was restored: all that its host holds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from ipam.chunks import chunks
from ipam.protocol.dhcp_state import FullNetwork, ServedPort
from ipam.protocol.wire import write
from ipam.values import Uuid

PORTS_MAX: Final = 500
LEASES_MAX: Final = 1000
NETWORKS_MAX: Final = 100
"""So many are in one part of a report at most."""
PIECE_BYTES: Final = 128 << 10
PART_BYTES: Final = 512 << 10
"""What the API takes by default in a request is twice as much."""
PARTS_MAX: Final = 10_000

Part = Annotated[int, Meta(ge=0, lt=PARTS_MAX)]


class HeldLease(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lease that a DHCP server of the host holds."""

    network_id: Annotated[Uuid, Meta(description="The network.")]
    ip_address: Annotated[str, Meta(max_length=64, description="The address.")]
    mac_address: Annotated[
        str | None,
        Meta(description="The client's MAC address; null where it has no Ethernet."),
    ] = None
    expires_at: Annotated[
        int,
        Meta(
            ge=0,
            le=253_402_300_799,
            description="When the lease ends, in seconds since 1970; 0 for never.",
        ),
    ] = 0
    hostname: Annotated[str | None, Meta(description="The name that the client sent.")] = None
    client_id: Annotated[str | None, Meta(description="The DHCPv4 client identifier.")] = None
    duid: Annotated[str | None, Meta(description="The DHCPv6 client identifier.")] = None
    iaid: Annotated[str | None, Meta(description="The DHCPv6 identity association.")] = None


class HeldPart(Struct, frozen=True, kw_only=True):
    """A part of a report. The parts come in their order, the last of them says so."""

    part: Annotated[Part, Meta(description="The number of this part, from 0 on.")]
    is_last: Annotated[bool, Meta(description="Whether it is the last one.")]
    networks: Annotated[
        list[FullNetwork],
        Meta(
            max_length=NETWORKS_MAX,
            description="Networks as the agent last knew them. One with many ports comes again,"
            " with the others of them.",
        ),
    ]
    leases: Annotated[
        list[HeldLease], Meta(max_length=LEASES_MAX, description="Leases that its servers hold.")
    ]


def parts_of(networks: Mapping[str, FullNetwork], leases: Sequence[HeldLease]) -> list[HeldPart]:
    """A report of these, in parts that a request takes. Without any it has one part."""
    rooms: list[tuple[list[FullNetwork], list[HeldLease]]] = [([], [])]
    ports = size = 0
    for piece in _pieces(networks):
        length = len(write(piece))
        is_full = ports + len(piece.ports) > PORTS_MAX or size + length > PART_BYTES
        if rooms[-1][0] and (is_full or len(rooms[-1][0]) >= NETWORKS_MAX):
            rooms.append(([], []))
            ports = size = 0
        rooms[-1][0].append(piece)
        ports += len(piece.ports)
        size += length
    rooms += [([], list(some)) for some in chunks(leases, LEASES_MAX)]
    return [
        HeldPart(part=n, is_last=n == len(rooms) - 1, networks=some, leases=held)
        for n, (some, held) in enumerate(rooms)
    ]


def _pieces(networks: Mapping[str, FullNetwork]) -> Iterator[FullNetwork]:
    """Each network, with some of its ports at a time."""
    for _, network in sorted(networks.items()):
        some: list[ServedPort] = []
        size = 0
        for port in network.ports:
            length = len(write(port))
            if some and (len(some) >= PORTS_MAX or size + length > PIECE_BYTES):
                yield replace(network, ports=some)
                some, size = [], 0
            some.append(port)
            size += length
        yield replace(network, ports=some)


DECODER: Final = msgspec.json.Decoder(HeldPart)
