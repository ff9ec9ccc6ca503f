"""Checks the provider:* attributes of networks, and what follows from them. Pure.

A segment is a network's place in the data centre: its type, its physical network and its id there.
`key` gives it as one text, for which the database has a unique key. A local network has no key.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from ipam.errors import (
    CallerError,
    FlatNetworkInUse,
    InvalidInput,
    NetworkMTUSubnetConflict,
    NoNetworkAvailable,
    TunnelIdInUse,
    VlanIdInUse,
)

IdRange: TypeAlias = tuple[int, int]
"""The first and the last id, both included."""
Ranges: TypeAlias = Mapping[str, Sequence[IdRange]]
"""Ranges of ids by physical network; "" for a type without physical networks."""

LOCAL: Final = "local"
FLAT: Final = "flat"
VLAN: Final = "vlan"
VXLAN: Final = "vxlan"

OF_UPLINKS: Final = (FLAT, VLAN)
"""The types of networks that an uplink joins to machines which no host of an agent has."""

LARGEST_ID: Final = {VLAN: 4094, VXLAN: 2**24 - 1}
IPV6_MINIMUM_MTU: Final = 1280
VXLAN_OVERHEAD: Final = {4: 50, 6: 70}
"""By IP version of tunnels: the outer IP, UDP and VXLAN headers and the inner Ethernet one."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A network's place. If the `id` of a vlan or vxlan is None, it is chosen."""

    type: str
    physical_network: str | None = None
    id: int | None = None

    @property
    def key(self) -> str | None:
        """The text that no other network may have."""
        if self.type == LOCAL:
            return None
        return f"{self.type}:{self.physical_network or ''}:{'' if self.id is None else self.id}"

    @property
    def wants_id(self) -> bool:
        """Whether an id is to be chosen."""
        return self.type in LARGEST_ID and self.id is None


def places(segment: Segment, ranges: Ranges) -> Iterator[tuple[Segment, Sequence[IdRange]]]:
    """The places for a segment without an id, in the order of the ranges, with their ids."""
    for physical, ids in ranges.items():
        if segment.physical_network in (None, physical):
            yield replace(segment, physical_network=physical or None), ids


def ids_of(place: Segment, segments: Iterable[Segment]) -> set[int]:
    """The ids that these segments use in the place, a segment without an id."""
    return {
        each.id for each in segments if each.id is not None and replace(each, id=None) == place
    }


def refusal(wanted: Sequence[Segment]) -> CallerError:
    """The error if another network has one of these segments."""
    named = [each for each in wanted if each.type != LOCAL and not each.wants_id]
    return _in_use(named[0]) if named else _none("no id of the configured ranges is free.")


def none_left(wanted: Segment, ranges: Ranges) -> CallerError:
    """The error if these ranges have no free id for it. It names the setting that lacks some."""
    if any(places(wanted, ranges)):
        return _none("no id of the configured ranges is free.")
    setting, place = "vni_ranges", ""
    if wanted.type == VLAN:
        setting, place = "network_vlan_ranges", "provider:physical_network and "
    of = f" for {wanted.physical_network}" if wanted.physical_network else ""
    return _none(
        f"[network] {setting} of the service has no ids{of}. Set it, or name"
        f" {place}provider:segmentation_id."
    )


def _none(why: str) -> CallerError:
    return NoNetworkAvailable(
        "Unable to create the network. No available network found in maximum allowed attempts:"
        f" {why}"
    )


def _in_use(segment: Segment) -> CallerError:
    if segment.type == FLAT:
        return FlatNetworkInUse(
            "Unable to create the flat network. Physical network"
            f" {segment.physical_network} is in use."
        )
    if segment.type == VLAN:
        return VlanIdInUse(
            f"Unable to create the network. The VLAN {segment.id} on physical network"
            f" {segment.physical_network} is in use."
        )
    return TunnelIdInUse(f"Unable to create the network. The tunnel ID {segment.id} is in use.")


def faults(values: Mapping[str, Any]) -> list[CallerError]:
    """Contradictions between the provider attributes of a body."""
    kind = values.get("provider_network_type")
    physical = values.get("provider_physical_network")
    number = values.get("provider_segmentation_id")
    if kind is None:
        given = [physical is not None, number is not None]
        return [InvalidInput("provider:network_type required.")] if any(given) else []
    reasons = []
    if physical and kind in (LOCAL, VXLAN):
        reasons.append(f"provider:physical_network specified for {kind} network.")
    if not physical and (kind == FLAT or (kind == VLAN and number is not None)):
        reasons.append(f"provider:physical_network required for {kind} network.")
    if number is not None and kind in (LOCAL, FLAT):
        reasons.append(f"provider:segmentation_id specified for {kind} network.")
    if number is not None and number > LARGEST_ID.get(kind, number):
        reasons.append(
            f"Invalid input for provider:segmentation_id. Reason: {number} is out of range"
            f" (1 to {LARGEST_ID[kind]})."
        )
    return [InvalidInput(reason) for reason in reasons]


def mtu_limit(
    network_type: str | None, physical_mtu: int, *, overlay_ip_version: int = 4
) -> int | None:
    """The largest MTU of a network of this type; None if there is no physical network."""
    match network_type:
        case "flat" | "vlan":
            return physical_mtu
        case "vxlan":
            return physical_mtu - VXLAN_OVERHEAD[overlay_ip_version]
        case _:
            return None


def mtu_fault(mtu: int, limit: int | None) -> list[CallerError]:
    """A fault if the MTU asked for is too large."""
    if limit is None or mtu <= limit:
        return []
    return [InvalidInput(f"Invalid input for mtu. Reason: {mtu} is too big, maximum is {limit}.")]


def ipv6_mtu_fault(network_id: str, mtu: int) -> list[CallerError]:
    """A fault if the MTU is too small for an IPv6 subnet (RFC 8200 §5)."""
    if mtu >= IPV6_MINIMUM_MTU:
        return []
    return [
        NetworkMTUSubnetConflict(
            f"MTU of {network_id} is not valid, subnet requires a minimum of {IPV6_MINIMUM_MTU}:"
            f" it is {mtu}, and IPv6 does not work below that."
        )
    ]


def vni_ranges(texts: Sequence[str]) -> Ranges:
    """`["1000:1999"]` as ranges."""
    return {"": [_range(text, VXLAN) for text in texts]} if texts else {}


def vlan_ranges(texts: Sequence[str]) -> Ranges:
    """`["physnet1:100:199"]` as ranges; a physical network alone has all ids."""
    found: dict[str, list[IdRange]] = {}
    for text in texts:
        physical, _, ids = text.partition(":")
        ids = ids or f"1:{LARGEST_ID[VLAN]}"
        found.setdefault(physical, []).append(_range(ids, VLAN))
    return found


def _range(text: str, kind: str) -> IdRange:
    first, _, last = text.partition(":")
    low, high = int(first), int(last)
    if not 1 <= low <= high <= LARGEST_ID[kind]:
        raise ValueError(f"{text} is no range of ids of type {kind} (1 to {LARGEST_ID[kind]})")
    return low, high
