"""Changes the dynamic ranges of a subnet, whose addresses its DHCP servers give by themselves."""

from collections.abc import Sequence

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.errors import IpAddressAlreadyAllocated, SubnetInUse
from ipam.store import subnet_ranges, subnets
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases import releases
from ipam.store.subnet_ranges import Range

NAMED_MAX = 5


def change(
    tx: Transaction,
    allocator: Allocator,
    subnet: Record,
    before: Sequence[Range],
    after: Sequence[Range],
) -> bool:
    """Replace the ranges; whether they differ. The caller has taken `after` from the pools.

    Raises IpAddressAlreadyAllocated if a port has an address that was in no range before, and
    SubnetInUse if a machine has a lease of one that is in none any more, unless somebody has asked
    to end it.
    """
    if list(before) == list(after):
        return False
    subnet_ranges.set_dynamic_ranges(tx, subnet.pk, after)
    tx.note("dynamic_ranges", texts(before), texts(after))
    allocator.fence(tx, subnet.pk, after)
    taken, leased = list[Record](), list[Record]()
    for port in subnets.owned(tx, subnet.pk):
        was, will = _has(before, port.ip), _has(after, port.ip)
        is_lease = port.device_owner == model.LEASE_PORT_OWNER
        if will and not was and not is_lease:
            taken.append(port)
        elif was and not will and is_lease:
            leased.append(port)
    if taken:
        raise IpAddressAlreadyAllocated(
            f"Invalid input for dynamic_ranges of subnet {subnet.id}: ports have {_few(taken)}."
        )
    if leased:
        ending = releases.asked(tx, subnet.id)
        leased = [one for one in leased if one.ip not in ending]
    if leased:
        raise SubnetInUse(
            f"Invalid input for dynamic_ranges of subnet {subnet.id}: machines have leases of"
            f" {_few(leased)}. Release or reserve them first."
        )
    return True


def texts(pools: Sequence[Range]) -> list[str]:
    """Ranges for people."""
    return [f"{model.unpack(first)}-{model.unpack(last)}" for first, last in pools]


def _has(ranges: Sequence[Range], address: bytes) -> bool:
    return any(first <= address <= last for first, last in ranges)


def _few(found: Sequence[Record]) -> str:
    named = [f"{model.unpack(port.ip)} of port {port.id}" for port in found[:NAMED_MAX]]
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return ", ".join(named) + more
