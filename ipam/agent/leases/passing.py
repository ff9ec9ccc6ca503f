"""Finds leases that began and ended unreported. Pure.

dnsmasq's file shows what is, and not what was. Its log shows what machines gave back.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ipam.agent.dnsmasq.answered import Ended
from ipam.agent.leases.differences import Difference
from ipam.agent.state import Lease

READ_SECONDS: Final = 5.0
"""A line of dnsmasq's log may be read so much later than the hook's record of the same end."""
LastEnd = Callable[[str], tuple[str | None, float]]
"""Of an address, the MAC address whose end was recorded last, and when."""


def untold(
    ended: Iterable[Ended], recorded: Mapping[str, Lease], last_end: LastEnd
) -> list[Ended]:
    """The ends that are not recorded.

    Where a lease of the same machine is recorded, comparison finds whether it has ended.
    """
    found = []
    for one in ended:
        known, (mac, at) = recorded.get(one.ip_address), last_end(one.ip_address)
        is_open = known is not None and known.mac_address == one.mac_address
        is_told = mac == one.mac_address and at >= one.at - READ_SECONDS
        if not is_open and not is_told:
            found.append(one)
    return found


def as_differences(ended: Iterable[Ended], recorded: Mapping[str, Lease]) -> list[Difference]:
    """The begin and the end of each; the end alone where another machine has the address now."""
    found = []
    for one in ended:
        lease = Lease(one.ip_address, one.mac_address, 0)
        if one.ip_address not in recorded:
            found.append(Difference("add", lease))
        found.append(Difference("missed", lease))
    return found
