"""Which addresses a port gets, and what its names and DHCP options may be. Pure.

An address plan is a list of `Claim` (this address) and `Pick` (any address of the first of these
subnets that has room); carrying it out is the allocator's business.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ipam import model
from ipam.api import subnet_rules, values
from ipam.errors import (
    CallerError,
    InvalidInput,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
)

ROUTER_OWNERS: Final = ("network:router_interface", "network:router_interface_distributed")
"""Owners of ports that may have a subnet's gateway address, as in Neutron."""


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """What address planning needs to know of a subnet."""

    pk: int
    id: str
    cidr: str
    ip_version: int
    gateway: bytes | None = None
    automatic: bool = False
    """Addresses are made from the MAC address (SLAAC, DHCPv6 stateless)."""
    service_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """One entry of a request's fixed_ips."""

    subnet_id: str | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The address, in its subnet."""

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
    """What turns the addresses a port has into those it was asked to have."""

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
    """The addresses that a new port asked for, and those of automatic subnets it did not name."""
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
    """What an update of fixed_ips changes: the list is the whole truth.

    An address asked for that the port has is kept; an entry that names only a subnet keeps an
    address of it before it takes another.
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
    """Subnets meant for this owner first, then those meant for everyone."""
    own = [subnet for subnet in subnets if device_owner in subnet.service_types]
    return own + [subnet for subnet in subnets if not subnet.service_types]


def eui64_claim(subnet: SubnetFacts, mac: str) -> Claim:
    """The claim on the address that a machine with this MAC gives itself."""
    return Claim(subnet, eui64(subnet.cidr, mac))


def eui64(cidr: str, mac: str) -> bytes:
    """The address of this MAC in a /64 (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    suffix = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return model.pack(cidr.partition("/")[0])[:8] + suffix


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
    inside = [subnet for subnet in subnets if _contains(subnet.cidr, address)]
    if not inside and named:
        raise InvalidIpForSubnet(
            f"IP address {address} is not a valid IP for the specified subnet {named.cidr}."
        )
    if not inside:
        raise InvalidIpForNetwork(
            f"IP address {address} is not a valid IP for any of the subnets on the specified"
            " network."
        )
    return Claim(inside[0], model.pack(address))


def _check_address(claim: Claim, address: str, mac: str, device_owner: str) -> None:
    """Refuse an address that this port cannot have though it lies in the subnet."""
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


def _contains(cidr: str, address: str) -> bool:
    base, _, length = cidr.partition("/")
    if (":" in base) != (":" in address):
        return False
    packed = model.pack(address)
    shift = len(packed) * 8 - int(length)
    return int.from_bytes(packed) >> shift == int.from_bytes(model.pack(base)) >> shift


# Names and DHCP options: what may be written into a DHCP server's files

_OPTION_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}|[1-9][0-9]{0,2}")
_OPTION_TEXT = re.compile(
    r"[A-Za-z0-9._:/@=+~%?&()\[\]${}-]+( [A-Za-z0-9._:/@=+~%?&()\[\]${}-]+)*"
)
_KEYWORD = re.compile(r"\b(set|tag|net|option6?|vendor|encap|vi-encap|match|id):", re.IGNORECASE)
_LEASE_TIME = re.compile(r"[0-9]+[smhdw]?|infinite|ignore|deprecated")
EMPTY_VALUES: Final = ("router", "classless-static-route")
DOMAIN_LISTS: Final = ("domain-search", "119")


def dns_name_fault(name: str) -> str | None:
    """Why dnsmasq cannot have this as the name of a host; None when it can."""
    if "." in name:
        return f"'{name}' is not one RFC 1123 label: the domain is the network's dns_domain"
    if _LEASE_TIME.fullmatch(name):
        return f"'{name}' would be read as a lease time or keyword by the DHCP server"
    return None


def option_faults(options: Sequence[tuple[str, str | None, int]]) -> Iterator[CallerError]:
    """What is wrong with these DHCP options (name, value, IP version)."""
    seen = set()
    for name, value, version in options:
        fault = _name_fault(name) or (None if value is None else _value_fault(name, value))
        if fault:
            yield InvalidInput(f"Invalid input for extra_dhcp_opts. Reason: {fault}.")
        if (name, version) in seen:
            yield InvalidInput(
                f"Invalid input for extra_dhcp_opts. Reason: option {values.shown(name)} of"
                f" IPv{version} is given twice."
            )
        seen.add((name, version))


def _name_fault(name: str) -> str | None:
    if _OPTION_NAME.fullmatch(name) and not (name.isdigit() and int(name) > 254):
        return None
    return (
        f"opt_name {values.shown(name)} is neither a name of lower-case letters, digits and"
        " hyphens nor a number from 1 to 254"
    )


def _value_fault(name: str, value: str) -> str | None:
    shown = f"opt_value {values.shown(value)} of {values.shown(name)}"
    if not value:
        return None if name in EMPTY_VALUES else f"{shown} is empty"
    if "," in value:
        parts = value.split(",")
        if all(map(_is_address_or_cidr, parts)):
            return None
        if name in DOMAIN_LISTS and all(map(values.is_domain, parts)):
            return None
        return f"{shown} has a comma, and is no list of addresses, CIDRs or search domains"
    if found := _KEYWORD.search(value):
        return f"{shown} holds {found[0]!r}, a keyword of the DHCP server"
    if not _OPTION_TEXT.fullmatch(value):
        return f"{shown} may hold letters, digits, single spaces and ._:/@=+~%?&()[]${{}}- only"
    return None


def _is_address_or_cidr(text: str) -> bool:
    base, slash, length = text.partition("/")
    if not values.is_address(base):
        return False
    return not slash or (length.isdecimal() and length.isascii() and int(length) <= 128)


def merged_options(
    present: Sequence[Mapping[str, object]], asked: Sequence[tuple[str, str | None, int]]
) -> list[dict[str, object]]:
    """The options after an update: named ones set, those without a value deleted, others kept."""
    kept = {(option["opt_name"], option["ip_version"]): option["opt_value"] for option in present}
    for name, value, version in asked:
        if value is None:
            kept.pop((name, version), None)
        else:
            kept[(name, version)] = value
    return [
        {"opt_name": name, "opt_value": value, "ip_version": version}
        for (name, version), value in kept.items()
    ]
