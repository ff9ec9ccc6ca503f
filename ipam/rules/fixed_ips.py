"""Decides which addresses a port gets. Pure.

An address plan is a list of `Claim` (this address) and `Pick` (any address of the first of these
subnets that has room). The allocator carries it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ipam import model
from ipam.errors import (
    InvalidInput,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
)
from ipam.model import LEAST_RECENTLY_USED, AddressSelection
from ipam.rules import prefixes
from ipam.rules import subnets as subnet_rules
from ipam.rules.ipv6 import ADDRESS_OCTETS, LINE_OCTETS, RESERVED_MAX, eui64

ROUTER_OWNERS: Final = ("network:router_interface", "network:router_interface_distributed")
"""Device owners of ports that may have a subnet's gateway address, as in Neutron."""


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """The values of a subnet that address planning needs."""

    pk: int
    id: str
    cidr: str
    ip_version: int
    gateway: bytes | None = None
    automatic: bool = False
    """Machines make their addresses from the MAC address (SLAAC, DHCPv6 stateless)."""
    service_types: tuple[str, ...] = ()
    address_selection: AddressSelection = LEAST_RECENTLY_USED


@dataclass(frozen=True, slots=True)
class Wish:
    """One entry of a request's fixed_ips."""

    subnet_id: str | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One certain address of a subnet."""

    subnet: SubnetFacts
    address: bytes


@dataclass(frozen=True, slots=True)
class Pick:
    """An address of the first of these subnets that has room."""

    subnets: tuple[SubnetFacts, ...]


Step: TypeAlias = Claim | Pick
Held: TypeAlias = tuple[int, bytes]
"""An address a port has: subnet number, packed address."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change from the addresses of a port to those asked for."""

    release: tuple[Held, ...]
    acquire: tuple[Step, ...]


def default_plan(subnets: Sequence[SubnetFacts], mac: str, device_owner: str) -> list[Step]:
    """One address of each IP version, and one made from the MAC for each automatic subnet."""
    eligible = serving(subnets, device_owner)
    steps: list[Step] = []
    for version in (4, 6):
        candidates = tuple(s for s in eligible if s.ip_version == version and not s.automatic)
        if candidates:
            steps.append(Pick(candidates))
    return steps + [eui64_claim(subnet, mac) for subnet in eligible if subnet.automatic]


def wished_plan(
    subnets: Sequence[SubnetFacts], wishes: Sequence[Wish], mac: str, device_owner: str
) -> list[Step]:
    """The addresses that a new port asks for, and those of automatic subnets it does not name."""
    if not wishes:
        return []
    steps = [_step(subnets, wish, mac, device_owner) for wish in wishes]
    named = {step.subnet.pk for step in steps if isinstance(step, Claim)}
    implied: list[Step] = [
        eui64_claim(subnet, mac)
        for subnet in serving(subnets, device_owner)
        if subnet.automatic and subnet.pk not in named
    ]
    return _distinct(steps) + implied


def change_plan(
    subnets: Sequence[SubnetFacts],
    held: Sequence[Held],
    wishes: Sequence[Wish],
    mac: str,
    device_owner: str,
) -> Change:
    """The change by an update of fixed_ips, which lists all addresses of the port.

    The port keeps an address that it has and that is asked for. An entry that names only a subnet
    keeps an address of the subnet, if the port has one, before it takes another.
    """
    steps = _distinct([_step(subnets, wish, mac, device_owner, held) for wish in wishes])
    left = list(held)
    acquire: list[Step] = []
    for step in sorted(steps, key=lambda step: isinstance(step, Pick)):
        kept = _kept(step, left)
        if kept is None:
            acquire.append(step)
        else:
            left.remove(kept)
    return Change(tuple(left), tuple(acquire))


def refuse_many_reserved(
    subnets: Sequence[SubnetFacts], held: Sequence[Held], steps: Sequence[Step]
) -> None:
    """Raise InvalidInput for more IPv6 addresses on a port than DHCPv6 can give to one machine.

    `held` are those that the port keeps. Addresses that machines make themselves do not count.
    """
    reserved = {one.pk for one in subnets if one.ip_version == 6 and not one.automatic}
    new = [one.subnet if isinstance(one, Claim) else one.subnets[0] for one in steps]
    count = sum(pk in reserved for pk in (*(pk for pk, _ in held), *(one.pk for one in new)))
    if count > RESERVED_MAX:
        raise InvalidInput(
            f"Invalid input for fixed_ips. Reason: {count} IPv6 addresses by DHCPv6 take up to"
            f" {LINE_OCTETS + count * ADDRESS_OCTETS} octets of dnsmasq's line of 1023, which has"
            f" room for {RESERVED_MAX}."
        )


def mac_change_plan(
    subnets: Sequence[SubnetFacts], held: Sequence[Held], old_mac: str, new_mac: str
) -> Change:
    """Moves the addresses that were made from the old MAC to those made from the new one."""
    moved = [s for s in subnets if s.automatic and (s.pk, eui64(s.cidr, old_mac)) in held]
    return Change(
        tuple((subnet.pk, eui64(subnet.cidr, old_mac)) for subnet in moved),
        tuple(eui64_claim(subnet, new_mac) for subnet in moved),
    )


def serving(subnets: Sequence[SubnetFacts], device_owner: str) -> list[SubnetFacts]:
    """The subnets with this device owner as a service type, then those without service types."""
    own = [subnet for subnet in subnets if device_owner in subnet.service_types]
    return own + [subnet for subnet in subnets if not subnet.service_types]


def eui64_claim(subnet: SubnetFacts, mac: str) -> Claim:
    """The claim on the address that a machine with this MAC makes in the subnet."""
    return Claim(subnet, eui64(subnet.cidr, mac))


def _step(
    subnets: Sequence[SubnetFacts],
    wish: Wish,
    mac: str,
    device_owner: str,
    held: Sequence[Held] = (),
) -> Step:
    if wish.subnet_id is None and wish.ip_address is None:
        raise InvalidInput("IP allocation requires subnet_id or ip_address.")
    named = None
    if wish.subnet_id is not None:
        named = next((s for s in subnets if s.id == wish.subnet_id), None)
        if named is None:
            raise InvalidInput(
                "Failed to create port on network, because fixed_ips included invalid subnet"
                f" {wish.subnet_id}: it is not on the port's network."
            )
    if wish.ip_address is not None:
        claim = _claim([named] if named else subnets, named, wish.ip_address)
        if (claim.subnet.pk, claim.address) not in held:
            _check_address(claim, wish.ip_address, mac, device_owner)
        return claim
    assert named is not None, wish
    return eui64_claim(named, mac) if named.automatic else Pick((named,))


def _claim(
    subnets: Sequence[SubnetFacts],
    named: SubnetFacts | None,
    address: str,
) -> Claim:
    packed = model.pack(address)
    inside = [subnet for subnet in subnets if prefixes.has(subnet.cidr, packed)]
    if not inside and named:
        raise InvalidIpForSubnet(
            f"IP address {address} is not a valid IP for the specified subnet {named.cidr}."
        )
    if not inside:
        raise InvalidIpForNetwork(
            f"IP address {address} is not a valid IP for any of the subnets on the specified"
            " network."
        )
    return Claim(inside[0], packed)


def _check_address(claim: Claim, address: str, mac: str, device_owner: str) -> None:
    """Refuse an address of the subnet that this port cannot have."""
    subnet, packed = claim.subnet, claim.address
    first, last = subnet_rules.usable(subnet.cidr)
    if not first <= subnet_rules.number(address) <= last:
        raise InvalidIpForSubnet(
            f"IP address {address} is not a valid IP for the specified subnet {subnet.cidr}: it"
            " is its network or broadcast address."
        )
    if packed == subnet.gateway and device_owner not in ROUTER_OWNERS:
        raise InvalidIpForSubnet(
            f"IP address {address} is not a valid IP for the specified subnet {subnet.cidr}: it"
            " is its gateway."
        )
    if (
        subnet.automatic
        and packed != eui64(subnet.cidr, mac)
        and device_owner not in ROUTER_OWNERS
    ):
        raise InvalidInput(
            f"IPv6 address {address} cannot be directly assigned to a port on subnet"
            f" {subnet.id} as the subnet is configured for automatic addresses."
        )


def _distinct(steps: Sequence[Step]) -> list[Step]:
    seen = set()
    for step in steps:
        if isinstance(step, Claim):
            if step in seen:
                raise InvalidInput(f"Duplicate IP address '{model.unpack(step.address)}'.")
            seen.add(step)
    return list(steps)


def _kept(step: Step, left: Sequence[Held]) -> Held | None:
    """The address still in `left` that fulfils the step."""
    if isinstance(step, Claim):
        return next((held for held in left if held == (step.subnet.pk, step.address)), None)
    numbers = {subnet.pk for subnet in step.subnets}
    return next((held for held in left if held[0] in numbers), None)
