"""What all lists of leases have in common."""

from ipam.imports.estate import Draft, Lease, Place


def keep_last(draft: Draft, found: dict[str, Lease], now: int) -> None:
    """Take the leases that are alive at the time `now`; leave out those that have ended."""
    for one in found.values():
        if one.expires is None or one.expires > now:
            draft.leases.append(one)
            if one.mac is None and not one.duid:
                draft.problem(
                    one.place,
                    "no_mac",
                    one.address,
                    "The lease has no Ethernet address, so no port can have it: it is held.",
                )
        else:
            ended(draft, one.place, one.address)


def ended(draft: Draft, place: Place, address: str) -> None:
    """Leave out a lease that has ended."""
    draft.skip(place, address, "the lease has ended")
