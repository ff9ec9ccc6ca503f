"""Ends DHCPv6 leases of machines that ask under another identity, as after an installation.

dnsmasq gives an address to a DUID and an IAID, and to nobody else while that lease lasts. But a
port reserves the address for a MAC address, whatever identity its machine uses.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from ipam.agent.actions import ReleaseLease
from ipam.agent.dnsmasq.dhcp6_requests import Request6
from ipam.agent.observed import ObservedNetwork
from ipam.agent.outside import Listener, Logs
from ipam.agent.plan import releases_of
from ipam.agent.served import ServedNetwork, ServedPort
from ipam.agent.state import Lease

LOG = logging.getLogger(__name__)

AGAIN_SECONDS = 10.0
"""Two systems on one machine would otherwise take the address from each other all the time."""


class FormerIdentities:
    """Decides which leases end. Not thread-safe."""

    def __init__(
        self,
        logs: Logs,
        listener: Listener[Request6],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._listener = listener
        self._monotonic = monotonic
        self._again_at: dict[str, float] = {}
        self._waiting: dict[str, dict[str, Request6]] = {}
        """By network and MAC address, who was refused last while its port's pause lasted.

        Its next question may be far away: clients that are refused ask ever more rarely.
        """
        self._listening: set[str] = set()

    def plan(self, served: ServedNetwork, seen: ObservedNetwork | None) -> list[ReleaseLease]:
        """The leases to end, whose machines were refused under another identity."""
        if seen is None or seen.state.server is None or not _has_ipv6(served):
            return []
        network_id = served.state.id
        refused = self._logs.refused_duids(network_id)
        requests = self._waiting.pop(network_id, {})
        if not refused and not requests and network_id in self._listening:
            return []
        requests |= {one.mac: one for one in self._heard(served) if one.logged_duid in refused}
        now = self._monotonic()
        found: list[Lease] = []
        for port, leases in _former(served.ports.values(), seen.leases, requests):
            mac = port.mac_address
            if now < self._again_at.get(port.id, 0.0):
                self._waiting.setdefault(network_id, {})[mac] = requests[mac]
                continue
            self._again_at[port.id] = now + AGAIN_SECONDS
            LOG.info("port %s: its machine has another DHCPv6 identity now", port.id)
            found += leases
        return list(releases_of(seen.state, found))

    def tidy(self, networks: Mapping[str, ServedNetwork]) -> None:
        """Listen to the networks with IPv6, and forget requests that were not refused."""
        with_ipv6 = {key: served for key, served in networks.items() if _has_ipv6(served)}
        for served in with_ipv6.values():
            self._heard(served)
        self._listener.keep(with_ipv6)
        self._listening &= with_ipv6.keys()
        for gone in self._waiting.keys() - with_ipv6.keys():
            del self._waiting[gone]
        now = self._monotonic()
        self._again_at = {key: at for key, at in self._again_at.items() if at > now}

    def _heard(self, served: ServedNetwork) -> Collection[Request6]:
        assert served.state.interface is not None, served  # it has a server
        try:
            found = self._listener.heard(served.state.id, served.state.interface)
        except OSError as error:  # it is not built yet, or is being removed
            LOG.debug("network %s: nobody is heard: %s", served.state.id, error)
            return ()
        self._listening.add(served.state.id)
        return found


def _has_ipv6(served: ServedNetwork) -> bool:
    return served.state.server is not None and any(one.version == 6 for one in served.subnets)


def _former(
    ports: Iterable[ServedPort], leases: Collection[Lease], requests: Mapping[str, Request6]
) -> Iterator[tuple[ServedPort, list[Lease]]]:
    """Ports whose machines ask, and the leases of their addresses under another identity.

    The requests are by MAC address.
    """
    for port in ports:
        request = requests.get(port.mac_address)
        if request is None:
            continue
        former = [
            lease
            for lease in leases
            if lease.ip_address in port.addresses
            and lease.duid
            and not (request.is_of(lease.duid) and lease.iaid in request.iaids)
        ]
        if former:
            yield port, former
