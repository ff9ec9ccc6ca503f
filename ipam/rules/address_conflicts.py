"""Decides which addresses two machines have, by all that was heard. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["answered", "declined", "leased"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Another machine than a port's has its address, as somebody has heard."""

    network_id: str
    ip_address: bytes
    kind: Kind
    mac_address: str
    """Of the other machine; empty if nobody answers any more."""
    host: str
    since: int
    """In epoch seconds."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one host heard when it was asked who uses addresses."""

    network_id: str
    host: str
    at: int
    asked: tuple[bytes, ...]
    heard: Mapping[bytes, tuple[str, ...]]
    """The MAC addresses of the machines that answered, by address."""


_ORDER: Final[Mapping[Kind, int]] = {"declined": 0, "answered": 1, "leased": 2}


def claims_of_looks(looks: Iterable[Look]) -> list[Claim]:
    """The claims of the last look of each host for each address.

    A claim is as old as the first of the looks in a row that have heard the machine.
    """
    open_: dict[tuple[str, str, bytes], dict[str, Claim]] = {}
    for look in sorted(looks, key=lambda one: one.at):
        for address in look.asked:
            place = (look.network_id, look.host, address)
            before = open_.get(place, {})
            open_[place] = {
                mac: before.get(mac)
                or Claim(look.network_id, address, "answered", mac, look.host, look.at)
                for mac in look.heard.get(address, ())
            }
    return [claim for of_place in open_.values() for claim in of_place.values()]


def conflicts(claims: Iterable[Claim], own_macs: Mapping[tuple[str, bytes], str]) -> list[Claim]:
    """One claim for each address and other machine, of addresses that ports have.

    `own_macs` are the MAC addresses of these ports. The strongest claim counts: the port's own
    machine has declined the address, before another has answered for it, before it has a lease.
    """
    found: dict[tuple[str, bytes, str], Claim] = {}
    for claim in sorted(claims, key=lambda one: (_ORDER[one.kind], one.since, one.host)):
        own = own_macs.get((claim.network_id, claim.ip_address))
        if own is None or own == claim.mac_address:
            continue
        key = (claim.network_id, claim.ip_address, claim.mac_address)
        first = found.setdefault(key, claim)
        found[key] = replace(first, since=min(first.since, claim.since))
    return sorted(found.values(), key=lambda one: (one.network_id, one.ip_address, one.since))
