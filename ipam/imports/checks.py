"""What is wrong between the parts of an estate, whatever format they came from. Pure."""

from collections import defaultdict

from ipam import model
from ipam.imports import words
from ipam.imports.estate import Draft, Reservation


def check(draft: Draft) -> None:
    """Report what contradicts, and take out what no server would serve."""
    _outside(draft)
    _inside_ranges(draft)
    _twice(draft)
    _leases(draft)


def _outside(draft: Draft) -> None:
    served = [one.cidr for one in draft.subnets if one.dhcp]
    known = [one.cidr for one in draft.subnets]
    if not served or any(one.code == "mask_unknown" for one in draft.problems):
        return
    kept = []
    for one in draft.reservations:
        outside = [each for each in one.addresses if not words.inside(each, known)]
        if outside:
            draft.problem(
                one.place,
                "address_outside_every_subnet",
                one.subject,
                f"{', '.join(outside)} is in no subnet here: it is left out.",
            )
            one.addresses = [each for each in one.addresses if each not in outside]
        if one.addresses or not outside:
            kept.append(one)
    draft.reservations = kept


def _inside_ranges(draft: Draft) -> None:
    pools = [
        (model.pack(low), model.pack(high)) for one in draft.subnets for low, high in one.pools
    ]
    if draft.format in ("neutron", "nova-network"):
        return  # their pools are where they take addresses from
    for one in draft.reservations:
        for address in one.addresses:
            packed = model.pack(address)
            if any(len(low) == len(packed) and low <= packed <= high for low, high in pools):
                draft.problem(
                    one.place,
                    "reservation_inside_dynamic_range",
                    address,
                    f"{address} is kept for {one.subject} and lies in a range for strangers: no"
                    " stranger gets it here.",
                )


def _twice(draft: Draft) -> None:
    first: dict[str, Reservation] = {}
    for one in draft.reservations:
        for address in one.addresses:
            other = first.setdefault(address, one)
            if other is not one and other.macs != one.macs:
                draft.problem(
                    one.place,
                    "duplicate_address",
                    one.subject,
                    f"{address} is {other.subject}'s at {other.place}, too.",
                )


def _leases(draft: Draft) -> None:
    kept: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, Reservation] = {}
    for one in draft.reservations:
        for who in (*one.macs, one.duid, one.client_id):
            if who:
                kept[who].update(one.addresses)
        for address in one.addresses:
            owners.setdefault(address, one)
    prefixes = [one.cidr for one in draft.subnets]
    for lease in draft.leases:
        owner = owners.get(lease.address)
        if owner is not None and lease.mac and owner.macs and lease.mac not in owner.macs:
            draft.problem(
                lease.place,
                "lease_of_another",
                lease.address,
                f"{lease.mac} has a lease of the address that is kept for {owner.subject}.",
            )
        for who in filter(None, (lease.duid, lease.mac, lease.client_id)):
            others = [
                each
                for each in kept.get(who, ())
                if words.inside(each, prefixes) == words.inside(lease.address, prefixes)
                and model.ip_version(each) == model.ip_version(lease.address)
            ]
            if others and lease.address not in others:
                draft.problem(
                    lease.place,
                    "lease_differs_from_reservation",
                    lease.address,
                    f"{who} has a lease of {lease.address}, and {others[0]} is kept for it: it"
                    " changes its address at its next renewal.",
                )
                break
