"""Addresses of ports that other machines use: who answers, and when dnsmasq may give them again.

Machines decline such addresses, and the host learns who has them when it speaks with machines.
Both are asked about before they are told of. dnsmasq keeps a declined address back for ten
minutes, whatever becomes of the conflict. A reload ends that at once.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import ip_address
from typing import Final, NamedTuple

from ipam import clock
from ipam.agent.dnsmasq.verdicts import Kind
from ipam.agent.outside import Logs, Neighbours
from ipam.agent.served import ServedNetwork
from ipam.agent.servers import Servers
from ipam.protocol.reports import MOST_CONFLICTS, SeenConflict

LOG = logging.getLogger(__name__)

MOST_AT_ONCE = 3
"""Addresses that are asked about in one look: a silent one takes 0.2 s."""
LEARNED_AT_ONCE: Final = 2
"""Networks in which one look reads who was learned, some milliseconds each."""
RELOAD_AGAIN_SECONDS = 60.0
"""A machine that declines whatever it is given must not reload its network all the time."""


class _Place(NamedTuple):
    network_id: str
    address: str


class Conflicts:
    """What was found out. Not for several threads, but for its troubles and `seen`."""

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
        self._seen: Mapping[_Place, SeenConflict] = {}
        self._suspected: dict[_Place, None] = {}
        self._turns: deque[str] = deque()
        self._again_at: dict[str, float] = {}

    @property
    def seen(self) -> list[SeenConflict]:
        """The conflicts, the oldest first; some of very many."""
        return sorted(self._seen.values(), key=lambda one: one.since)[:MOST_CONFLICTS]

    def troubles(self, served: ServedNetwork) -> Mapping[str, str]:
        """By port id, who answers for its address."""
        seen = self._seen
        if not seen:
            return {}
        return {
            port.id: f"{one.mac_address} answers for {address}."
            for port in served.ports.values()
            for address in port.addresses
            if (one := seen.get(_Place(served.state.id, address))) and one.mac_address
        }

    def look(self, networks: Iterable[ServedNetwork]) -> None:
        """Ask who has the suspected addresses; have declined ones that nobody has given again."""
        served = {one.state.id: one for one in networks}
        self._suspect_learned(served)
        declined = self._declined(served)
        asked = list(dict.fromkeys([*declined, *self._suspected]))[:MOST_AT_ONCE]
        seen = {
            place: one
            for place, one in self._seen.items()
            if place in declined or place in self._suspected
        }
        for place in asked:
            self._suspected.pop(place, None)
            try:
                holder = self._holder(served[place.network_id], place.address)
            except OSError as error:  # the network is being taken down
                LOG.debug("network %s: nobody can be asked: %s", place.network_id, error)
                continue
            if holder:
                self._suspected[place] = None  # ask again, after all others
            if holder or place in declined:
                seen[place] = self._noted(place, holder, declined=place in declined)
            else:
                seen.pop(place, None)
            if place in declined and not holder:
                self._give_again(*place)
        self._seen = seen

    def _suspect_learned(self, served: Mapping[str, ServedNetwork]) -> None:
        """Suspect the addresses of ports for which the host has learned another machine."""
        suspicious = {place.network_id for place in self._suspected} & served.keys()
        of_ports = {network_id: served[network_id].reserved() for network_id in suspicious}
        self._suspected = {
            place: None
            for place in self._suspected
            if place.network_id in suspicious
            and _can_be_asked(place.address, served[place.network_id], of_ports[place.network_id])
        }
        self._turns = deque(one for one in self._turns if one in served)
        known = set(self._turns)
        self._turns.extend(one for one in served if one not in known)
        for _ in range(min(LEARNED_AT_ONCE, len(self._turns))):
            self._turns.rotate(-1)
            network = served[self._turns[-1]]
            if network.state.interface is None:
                continue
            try:
                learned = self._neighbours.known(network.state.id, network.state.interface)
            except OSError as error:  # it is not built yet, or is being taken down
                LOG.debug("network %s: nobody was learned: %s", network.state.id, error)
                continue
            reserved = network.reserved() if learned else {}
            for address, mac in ((str(one), mac) for one, mac in learned.items()):
                is_other = reserved.get(address, mac) != mac
                if is_other and _can_be_asked(address, network, reserved):
                    self._suspected.setdefault(_Place(network.state.id, address))

    def _declined(self, served: Mapping[str, ServedNetwork]) -> dict[_Place, None]:
        """The declined addresses of ports that the server can ask about, in order."""
        found: dict[_Place, None] = {}
        for network_id in sorted(self._logs.network_ids_with_verdicts() & served.keys()):
            network, verdicts = served[network_id], self._logs.verdicts(network_id)
            told = {one.address for one in verdicts if one.kind is Kind.ADDRESS_DECLINED}
            reserved = network.reserved() if told else {}
            for address in sorted(told):
                if _can_be_asked(address, network, reserved):
                    found[_Place(network_id, address)] = None
        return found

    def _holder(self, served: ServedNetwork, address: str) -> str:
        """Another machine than the port's own that answers for the address; empty for none."""
        own, interface = served.server_beside(address), served.state.interface
        assert own is not None, address  # _can_be_asked has looked
        assert interface is not None, served  # a server has its interface
        asked, mac = ip_address(address), served.reserved()[address]
        found = self._neighbours.who_have(served.state.id, interface, {asked: own}, but=mac)
        return found.get(asked, "")

    def _noted(self, place: _Place, holder: str, *, declined: bool) -> SeenConflict:
        """The conflict; it is as old as it was, if the same machine has the address."""
        before = self._seen.get(place)
        if holder and (before is None or before.mac_address != holder):
            LOG.warning("network %s: %s answers for %s", place.network_id, holder, place.address)
        is_same = before is not None and before.mac_address == holder
        since = before.since if before is not None and is_same else clock.now_seconds()
        return SeenConflict(*place, holder, since, declined=declined)

    def _give_again(self, network_id: str, address: str) -> None:
        now = self._monotonic()
        if now < self._again_at.get(network_id, 0.0):
            return
        self._again_at[network_id] = now + RELOAD_AGAIN_SECONDS
        LOG.info("network %s: nobody answers for %s; it is given again", network_id, address)
        self._servers.reload(network_id)


def _can_be_asked(address: str, served: ServedNetwork, reserved: Collection[str]) -> bool:
    """Whether a port has the address, in a subnet of which the server has one, too.

    `reserved` are the addresses of the network's ports.
    """
    is_built = served.state.interface is not None
    return is_built and address in reserved and served.server_beside(address) is not None
