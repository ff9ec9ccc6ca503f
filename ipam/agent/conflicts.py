"""Addresses that a machine declined: who answers for each, and when dnsmasq may give it again.

dnsmasq keeps a declined address back for ten minutes, whatever becomes of the conflict. A reload
ends that at once.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address

from ipam.agent.dnsmasq.verdicts import Kind
from ipam.agent.outside import Logs, Neighbours
from ipam.agent.served import ServedNetwork
from ipam.agent.servers import Servers

LOG = logging.getLogger(__name__)

MOST_AT_ONCE = 3
"""Addresses that are asked about in one look: a silent one takes 0.2 s."""
RELOAD_AGAIN_SECONDS = 60.0
"""A machine that declines whatever it is given must not reload its network all the time."""


class Conflicts:
    """What was found out. Not for several threads, but for its troubles."""

    def __init__(
        self,
        logs: Logs,
        neighbours: Neighbours,
        servers: Servers,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._neighbours = neighbours
        self._servers = servers
        self._monotonic = monotonic
        self._holders: Mapping[tuple[str, str], str] = {}
        self._again_at: dict[str, float] = {}

    def troubles(self, served: ServedNetwork) -> Mapping[str, str]:
        """By port id, who answers for its declined address. Any thread may call it."""
        holders = self._holders
        if not holders:
            return {}
        return {
            port.id: f"{holder} answers for {address}."
            for port in served.ports.values()
            for address in port.addresses
            if (holder := holders.get((served.state.id, address)))
        }

    def look(self, networks: Iterable[ServedNetwork]) -> None:
        """Ask who has the declined addresses; have those that nobody has given again."""
        holders: dict[tuple[str, str], str] = {}
        left = MOST_AT_ONCE
        telling = self._logs.network_ids_with_verdicts()
        for served in networks:
            declined = self._declined(served) if served.state.id in telling else []
            for address in declined[:left]:
                try:
                    found = self._holder(served, address)
                except OSError as error:  # the network is being taken down
                    LOG.debug("network %s: nobody can be asked: %s", served.state.id, error)
                    continue
                if found:
                    holders[served.state.id, address] = found
                else:
                    self._give_again(served.state.id, address)
            left -= len(declined[:left])
        for (network_id, address), holder in holders.items():
            if self._holders.get((network_id, address)) != holder:
                LOG.warning("network %s: %s answers for %s", network_id, holder, address)
        self._holders = holders

    def _declined(self, served: ServedNetwork) -> list[str]:
        """The declined addresses of ports that the server can ask about, in order."""
        verdicts = self._logs.verdicts(served.state.id)
        told = {one.address for one in verdicts if one.kind is Kind.ADDRESS_DECLINED}
        reserved = served.reserved()
        return sorted(one for one in told if one in reserved and served.server_beside(one))

    def _holder(self, served: ServedNetwork, address: str) -> str | None:
        """Another machine than the port's own that answers for the address."""
        own, interface = served.server_beside(address), served.state.interface
        assert own is not None, address  # _declined has looked
        assert interface is not None, served  # a server has its interface
        asked = ip_address(address)
        found = self._neighbours.who_have(served.state.id, interface, {asked: own}).get(asked)
        return None if found == served.reserved()[address] else found

    def _give_again(self, network_id: str, address: str) -> None:
        now = self._monotonic()
        if now < self._again_at.get(network_id, 0.0):
            return
        self._again_at[network_id] = now + RELOAD_AGAIN_SECONDS
        LOG.info("network %s: nobody answers for %s; it is given again", network_id, address)
        self._servers.reload(network_id)
