"""Decides what a network's resolver answers, from what its ports claim. Pure.

A port claims its `dns_name` for all its addresses, or else Neutron's `host-…` name for each. A
claim fails if others must not rely on the name. Its addresses then have their `host-…` names. Its
machine's own name is answered beside that if nobody claims it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from ipam import model

NEVER_SERVED: Final = frozenset({"isatap", "localhost", "wpad"})
"""First labels that machines ask for by themselves, and trust who has them."""
LONGEST: Final = 253
"""Octets of a name without a final dot."""
OF_ADDRESS: Final = "host-"
"""How names begin that are made of addresses. No machine calls itself so."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A name that a port claims for one of its addresses."""

    name: str
    """As dns_name: in the network's domain, or full with a final dot."""
    address: str
    is_leased: bool = False
    """Whether the machine named itself. It yields to ports, whose names were given to them."""
    own_name: str = ""
    """How the port's machine calls itself, one label. It yields to everybody's claim."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The names of one address. The first is what its reverse look-up gives."""

    address: str
    names: tuple[str, ...]
    own_names: tuple[str, ...] = ()
    """What else it is found by: as its machine calls itself."""


def claims(
    dns_name: str, addresses: Iterable[str], *, is_leased: bool = False, own_name: str = ""
) -> list[Claim]:
    """What a port claims."""
    name = "" if is_leased and dns_name.startswith(OF_ADDRESS) else dns_name
    return [
        Claim(name or model.default_hostname(one), one, is_leased and bool(name), own_name)
        for one in addresses
    ]


def host_name(dns_name: str, first_address: str) -> str:
    """The name that a port's machine is told; empty for one without a name and addresses.

    dnsmasq answers it, too, so that a name which is never served is no machine's.
    """
    if dns_name and dns_name.partition(".")[0] not in NEVER_SERVED:
        return dns_name
    return model.default_hostname(first_address) if first_address else ""


def answers(
    claimed: Iterable[Claim], domain: str, rivals: Iterable[Claim] = ()
) -> Iterator[Answer]:
    """The answers for all claims of some names, in order of name and address.

    A name that several ports claim has all their addresses. `domain` is the network's. Among the
    `rivals` is everybody who claims a name that a machine of the claimed calls itself by.
    """
    by_names: dict[tuple[str, ...], list[Claim]] = {}
    for claim in sorted(claimed, key=lambda one: (one.name, one.address)):
        by_names.setdefault(names(claim.name, domain), []).append(claim)
    taken = {names(one.name, domain) for one in rivals}
    for served, of_names in by_names.items():
        is_given = not all(claim.is_leased for claim in of_names)
        for claim in of_names:
            own = _own_names(claim, domain)
            beside = () if own in taken else own
            if served and not (claim.is_leased and is_given):
                yield Answer(claim.address, served, beside)
            elif default := names(model.default_hostname(claim.address), domain):
                yield Answer(claim.address, default, beside)


def _own_names(claim: Claim, domain: str) -> tuple[str, ...]:
    if not claim.own_name or claim.own_name.startswith(OF_ADDRESS):
        return ()
    return names(claim.own_name, domain)


def names(name: str, domain: str) -> tuple[str, ...]:
    """The names under which a claimed name is served, the full one first; empty for none.

    Only one label is served without the domain: `www.example.org` would take another's name for
    everybody in the network.
    """
    bare = domain.strip(".")
    inner = _within(name, bare)
    if inner is None or inner.partition(".")[0] in NEVER_SERVED:
        return ()
    full = f"{inner}.{bare}" if bare else inner
    if len(full) > LONGEST or (not bare and "." in inner):
        return ()
    return (full,) if "." in inner or not bare else (full, inner)


def published_name(
    dns_name: str, *, of_port: str, of_network: str, of_deployment: str
) -> str | None:
    """The full name, of a `dns_name` and the first domain that is not empty; None for none.

    Names that machines ask for by themselves are never published, as they are never served.
    """
    domain = of_port or of_network or of_deployment
    if not dns_name or not domain.strip("."):
        return None
    served = names(dns_name, domain)
    return served[0] if served else None


def _within(name: str, domain: str) -> str | None:
    """The name's part before the domain; None if it is a full name outside of it."""
    if not name.endswith("."):
        return name
    inner = name.removesuffix(".").removesuffix(f".{domain}") if domain else ""
    return inner if inner and name == f"{inner}.{domain}." else None


def reverse_zones(cidr: str) -> list[str]:
    """The zones of the reverse look-ups of exactly the subnet's addresses, at most 128.

    A zone ends at an octet, in IPv6 at half of one. Other prefixes have several zones: a /25 has
    one for each of its addresses.
    """
    network = ip_network(cidr)
    step = 8 if network.version == 4 else 4
    length = min(-(-network.prefixlen // step) * step, network.max_prefixlen)
    zones = []
    for one in network.subnets(new_prefix=length):
        labels = one.network_address.reverse_pointer.split(".")
        zones.append(".".join(labels[(network.max_prefixlen - length) // step :]))
    return zones
