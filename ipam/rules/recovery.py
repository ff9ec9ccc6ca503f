"""Decides what a restored service takes back of what its agents' hosts hold. Pure.

The backup says what was then, the hosts what is now: machines have these addresses. A port that a
host knows in a later revision than the backup has is taken as the host knows it, and one that the
backup does not have is made again. Where two ports claim one address, or one MAC address of a
network, the one wins whose machine is seen with it: no address gets two owners.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from ipam import model

Place: TypeAlias = tuple[str, bytes]
"""Subnet id and packed address."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port, as the backup has it or as a host knows it."""

    id: str
    network_id: str
    mac_address: str
    host: str
    """The host to which it is bound, or empty."""
    revision: int
    addresses: frozenset[Place]
    told_by: str = ""
    """The host that told of it; empty for a port of the backup."""
    is_leased: bool = False
    """Whether its machine has a lease of one of its addresses there."""
    is_dhcp: bool = False
    row: Any = None
    """What the host said of it."""


class Held(NamedTuple):
    """A lease of an address: of which machine, and until when; 0 for never."""

    mac_address: str | None
    expires_at: int
    host: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is to be done, and what an admin has to know."""

    made: Sequence[Port] = ()
    """Ports to make, with the addresses that they get."""
    changed: Sequence[tuple[Port, Port]] = ()
    """Ports as they are and as they are to be. Their revisions and hosts may differ, too."""
    removed: Sequence[Port] = ()
    """Ports of the backup whose MAC address another machine has."""
    cooling: Mapping[Place, int] = field(default_factory=dict)
    """Addresses without a port that a machine holds, until when; 0 for never."""
    conflicts: Sequence[str] = ()
    unserved: Sequence[Port] = ()
    """Ports of the backup that their hosts do not know: most likely deleted since."""
    unknown_networks: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Networks that the backup does not have, and the hosts that serve them."""


def decide(
    known: Mapping[str, Port],
    told: Iterable[Port],
    *,
    networks: Collection[str],
    subnets: Mapping[str, str],
    leases: Mapping[Place, Held],
    hosts: Collection[str],
    is_dynamic: Callable[[Place], bool] = lambda _place: False,
) -> Decisions:
    """The decisions for ports of the backup by id, and for what all of these hosts told.

    `subnets` has the network of each subnet of the backup, `leases` those of all hosts. Leases in
    ranges that are dynamic make ports themselves.
    """
    said = defaultdict(list)
    unknown = defaultdict(set)
    for one in told:
        if one.network_id in networks:
            said[one.id].append(_leased(_placed(one, subnets), leases))
        else:
            unknown[one.network_id].add(one.told_by)
    wanted = _latest(known, said)
    conflicts: list[str] = []
    losers = _without_mac(wanted.values(), conflicts)
    kept = {key: one for key, one in wanted.items() if key not in losers}
    owners = _owners(kept.values(), conflicts)
    final = {
        key: replace(one, addresses=frozenset(p for p in one.addresses if owners[p] == key))
        for key, one in kept.items()
    }
    made = [one for key, one in final.items() if key not in known]
    lost = {one.id for one in made if not one.addresses and wanted[one.id].addresses}
    changed = [
        (known[key], one)
        for key, one in final.items()
        if key in known and _differs(known[key], one)
    ]
    return Decisions(
        made=sorted((one for one in made if one.id not in lost), key=_by_id),
        changed=sorted(changed, key=lambda pair: pair[0].id),
        removed=sorted((known[key] for key in losers if key in known), key=_by_id),
        cooling={
            place: held.expires_at
            for place, held in leases.items()
            if place[0] in subnets and place not in owners and not is_dynamic(place)
        },
        conflicts=sorted(conflicts),
        unserved=sorted(
            (one for key, one in final.items() if key in known and _is_unserved(one, said, hosts)),
            key=_by_id,
        ),
        unknown_networks=dict(unknown),
    )


def _latest(known: Mapping[str, Port], said: Mapping[str, Sequence[Port]]) -> dict[str, Port]:
    """Each port in its latest revision, of the backup or of a host."""
    latest = dict(known)
    for port_id, versions in said.items():
        best = max(versions, key=lambda one: (one.revision, one.is_leased, one.told_by))
        before = known.get(port_id)
        if before is None or best.revision > before.revision:
            latest[port_id] = best
        else:
            leased = any(one.is_leased for one in versions)
            latest[port_id] = replace(before, is_leased=leased, told_by=best.told_by)
    return latest


def _by_id(port: Port) -> str:
    return port.id


def _placed(port: Port, subnets: Mapping[str, str]) -> Port:
    """The port with those of its addresses whose subnets the backup has."""
    mine = frozenset(p for p in port.addresses if subnets.get(p[0]) == port.network_id)
    return replace(port, addresses=mine)


def _leased(port: Port, leases: Mapping[Place, Held]) -> Port:
    found = (leases.get(place) for place in port.addresses)
    has = any(one is not None and one.mac_address == port.mac_address for one in found)
    return replace(port, is_leased=has)


def _rank(port: Port) -> tuple[bool, bool, int, str]:
    """What speaks for the port's machine being there, where two ports claim the same."""
    return port.is_leased, bool(port.told_by), port.revision, port.id


def _without_mac(ports: Iterable[Port], conflicts: list[str]) -> set[str]:
    """The ports whose MAC address another port of the network has."""
    by_mac = defaultdict(list)
    for port in ports:
        by_mac[port.network_id, port.mac_address].append(port)
    losers = set()
    for (_network, mac), claimants in by_mac.items():
        if len(claimants) > 1:
            winner = max(claimants, key=_rank)
            for one in claimants:
                if one is not winner:
                    losers.add(one.id)
                    conflicts.append(
                        f"MAC address {mac}: {_called(winner)} has it and stays, {_called(one)}"
                        " is gone"
                    )
    return losers


def _owners(ports: Iterable[Port], conflicts: list[str]) -> dict[Place, str]:
    claims = defaultdict(list)
    for port in ports:
        for place in port.addresses:
            claims[place].append(port)
    owners = {}
    for place, claimants in claims.items():
        winner = max(claimants, key=_rank)
        owners[place] = winner.id
        text = model.unpack(place[1])
        conflicts.extend(
            f"address {text}: {_called(winner)} has it, {_called(one)} has lost it"
            for one in claimants
            if one is not winner
        )
    return owners


def _called(port: Port) -> str:
    return f"port {port.id} ({f'of host {port.told_by}' if port.told_by else 'of the backup'})"


def _differs(known: Port, port: Port) -> bool:
    return port.revision != known.revision or port.addresses != known.addresses


def _is_unserved(port: Port, said: Mapping[str, object], hosts: Collection[str]) -> bool:
    return port.id not in said and port.host in hosts and not port.is_dhcp
