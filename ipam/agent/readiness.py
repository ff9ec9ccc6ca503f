"""Whether a port's machine would get its answer now. Pure.

A port is ready when what was observed is what was planned for it, and down when the tap that it
waits for is not here.
"""

from collections.abc import Collection, Iterator

from ipam.agent.desired import ServedNetwork, ServedPort
from ipam.agent.observed import ObservedNetwork
from ipam.agent.reported_ports import Told
from ipam.agent.state import Lease, NetworkState


def news(
    served: ServedNetwork,
    wanted: NetworkState,
    seen: ObservedNetwork | None,
    *,
    stubborn_taps: frozenset[str],
    asked: Collection[Lease],
    told: Told,
) -> Iterator[tuple[ServedPort, bool]]:
    """The ports of which the API knows something else, and whether each is ready or down.

    `wanted` has the taps that are here, without the stubborn ones, which are here too. `asked` are
    the leases that dnsmasq was asked to end. A port that is neither ready nor down is left out.
    """
    here = wanted.taps | stubborn_taps
    serves = seen is not None and _serves(wanted, seen.state)
    for port in served.ports.values():
        ready = not port.waits_for_tap or port.tap in here
        if not told.is_news(port, ready=ready):
            continue
        if not ready or (serves and seen is not None and is_ready(port, wanted, seen, asked)):
            yield port, ready


def is_ready(
    port: ServedPort, wanted: NetworkState, seen: ObservedNetwork, asked: Collection[Lease]
) -> bool:
    """True if the server of a network that is served as wanted answers this port's machine."""
    if port.waits_for_tap and port.tap not in seen.state.taps:
        return False
    files = (f"hosts/{port.id}", f"options/{port.id}")
    if any(seen.state.files.get(path) != wanted.files.get(path) for path in files):
        return False
    if wanted.server is None or not port.addresses:
        return True
    stale = any(_is_in_the_way(lease, port) and lease not in asked for lease in seen.leases)
    return not stale and not seen.in_doubt({*port.addresses, port.mac_address})


def _is_in_the_way(lease: Lease, port: ServedPort) -> bool:
    """True for another machine's lease of the port's address."""
    known_by_id = port.client_id is not None and lease.client_id == port.client_id
    mine = known_by_id or lease.mac_address in (port.mac_address, None)
    return lease.ip_address in port.addresses and not mine


def _serves(wanted: NetworkState, present: NetworkState) -> bool:
    """True if everything but files and taps is as it should be."""
    return (
        present.bridge == wanted.bridge
        and present.interface == wanted.interface
        and present.addresses == wanted.addresses
        and present.server == wanted.server
    )
