"""Decides whether a port's machine would get its answer. Pure.

A port is ready when the observed state is the planned one for it. It is down when the tap that it
waits for is missing, when nothing gives its machine an address, or when its server does not run.
"""

from collections.abc import Collection, Iterator

from ipam.agent.observed import ObservedNetwork
from ipam.agent.proof import uncovered
from ipam.agent.reported_ports import ReportedPorts
from ipam.agent.served import ServedNetwork, ServedPort
from ipam.agent.state import Lease, NetworkState


def news(
    served: ServedNetwork,
    wanted: NetworkState,
    seen: ObservedNetwork | None,
    *,
    stubborn_taps: frozenset[str],
    is_broken: bool,
    unserved: Collection[str] = (),
    reported: ReportedPorts,
) -> Iterator[tuple[ServedPort, bool]]:
    """The ports whose state is new to the API, and whether each is ready or down.

    `wanted` has the taps that are here, without the stubborn ones, which are here too. `is_broken`
    says that the server has failed to start for so long that it is no passing trouble. `unserved`
    are the ports that the server that runs gives no address. A port that is neither is left out.
    One that is ready is still to be proved if DHCP answers for it.
    """
    here = wanted.taps | stubborn_taps
    is_served = seen is not None and serves(wanted, seen.state)
    # A port is not ready before its network reaches the others, nor down when an uplink goes.
    is_served &= served.state.wire is None or wanted.wire is not None
    for port in served.ports.values():
        is_down = is_broken and port.tap is not None and is_answered(port, wanted)
        is_down |= port.id in unserved
        is_down |= port.is_elsewhere and wanted.interface is not None and wanted.wire is None
        ready = port.is_served and not is_down and (not port.waits_for_tap or port.tap in here)
        if not reported.is_news(port, ready=ready):
            continue
        if not ready or (is_served and seen is not None and is_ready(port, wanted, seen)):
            yield port, ready


def is_ready(port: ServedPort, wanted: NetworkState, seen: ObservedNetwork) -> bool:
    """True if the server of a network that is served as wanted knows all of this port.

    Another machine's lease of its address prevents it until dnsmasq says that the lease has ended.
    Asking dnsmasq to end it is not enough. In each subnet the server needs an address of its own.
    """
    if port.waits_for_tap and port.tap not in seen.state.taps:
        return False
    if port.tap in seen.unguarded:
        return False
    files = (f"hosts/{port.id}", f"options/{port.id}")
    if any(seen.state.files.get(path) != wanted.files.get(path) for path in files):
        return False
    if not is_answered(port, wanted):
        return True
    if port.is_elsewhere and (wanted.interface is None or wanted.interface.isolated):
        return False
    if uncovered(port, wanted):
        return False
    stale = any(_is_in_the_way(lease, port) for lease in seen.leases)
    return not stale and not seen.in_doubt({*port.addresses, port.mac_address})


def is_answered(port: ServedPort, wanted: NetworkState) -> bool:
    """True if DHCP or an advertisement should give this port's machine an address."""
    return wanted.server is not None and (bool(port.addresses) or port.is_advertised_to)


def _is_in_the_way(lease: Lease, port: ServedPort) -> bool:
    """True for another machine's lease of the port's address."""
    known_by_id = port.client_id is not None and lease.client_id == port.client_id
    mine = known_by_id or lease.mac_address in (port.mac_address, None)
    return lease.ip_address in port.addresses and not mine


def serves(wanted: NetworkState, present: NetworkState) -> bool:
    """True if everything except files and taps is as wanted."""
    return (
        present.bridge == wanted.bridge
        and present.interface == wanted.interface
        and present.addresses == wanted.addresses
        and present.server == wanted.server
        and present.wire == wanted.wire
        and (wanted.peers or frozenset()) <= (present.peers or frozenset())
    )
