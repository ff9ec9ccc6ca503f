"""Learns the IPv6 addresses that machines make for themselves, by their neighbour solicitations.

The API knows the address that a machine makes of its MAC address. Those that a machine makes up
for its privacy, or keeps secret (RFC 7217, RFC 8981), are only to be seen on the wire.
"""

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from ipam import clock
from ipam.agent.dnsmasq.nd_frames import Sight
from ipam.agent.observed import ObservedNetwork
from ipam.agent.outside import Inbox, IpAddress, Listener, Neighbours
from ipam.agent.served import ServedNetwork
from ipam.model import LeaseAction
from ipam.protocol.lease_events import LeaseEventCreate

LOG = logging.getLogger(__name__)

MOST_OF_A_MACHINE: Final = 16
"""Linux has eight temporary addresses of a prefix at most. What is beyond is not learned."""
MOST_ASKED: Final = 50
"""So many addresses of one network are asked about in one look, 0.2 s if one is silent."""
NETWORKS_AT_ONCE: Final = 3
LONGEST_SEEN_SECONDS: Final = 30 * 86400
"""After so long a machine is looked for, even if its addresses never end."""


@dataclass(frozen=True, slots=True)
class _Seen:
    mac: str
    ask_at: float
    """When it is time to look whether the machine still has it."""
    until: float
    is_asked: bool = False


class SeenAddresses:
    """What was seen in this life, by network and address. Not thread-safe.

    Only machines of ports that are bound to this host count: others see them, too.
    """

    def __init__(
        self,
        listener: Listener[Sight],
        neighbours: Neighbours,
        inbox: Inbox,
        host: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._neighbours = neighbours
        self._inbox = inbox
        self._host = host
        self._monotonic = monotonic
        self._seen: dict[str, dict[IPv6Address, _Seen]] = {}
        self._listening: set[str] = set()

    def listen(
        self, networks: Mapping[str, ServedNetwork], seen: Mapping[str, ObservedNetwork]
    ) -> None:
        """Listen to the networks that are built by now: a machine may start at any moment.

        A machine says what it is to be seen by once, when it starts.
        """
        for network_id, served in networks.items():
            if network_id in self._listening or not _is_watched(served):
                continue
            if network_id in seen and seen[network_id].state.interface is not None:
                self._take_in(served, self._heard(served))

    def look(self, networks: Mapping[str, ServedNetwork]) -> None:
        """Take in who was seen, and ask those who were not for a long time."""
        watched = {key: one for key, one in networks.items() if _is_watched(one)}
        self._listener.keep(watched)
        self._listening &= watched.keys()
        self._seen = {key: self._seen.get(key, {}) for key in watched}
        left = NETWORKS_AT_ONCE
        for served in watched.values():
            sights = self._heard(served)
            silent = self._due(served.state.id)
            if silent and left:
                left -= 1
                sights += self._asked(served, silent)
            self._take_in(served, sights)
            self._forget(served.state.id)

    def _heard(self, served: ServedNetwork) -> list[Sight]:
        assert served.state.interface is not None, served  # it is watched
        network_id = served.state.id
        try:
            found = list(self._listener.heard(network_id, served.state.interface))
        except OSError as error:  # it is not built yet, or is being removed
            LOG.debug("network %s: nobody is seen: %s", network_id, error)
            self._listening.discard(network_id)
            return []
        self._listening.add(network_id)
        return found

    def _due(self, network_id: str) -> list[IPv6Address]:
        now, seen = self._monotonic(), self._seen[network_id]
        return [ip for ip, one in seen.items() if one.ask_at <= now and not one.is_asked]

    def _asked(self, served: ServedNetwork, silent: Collection[IPv6Address]) -> list[Sight]:
        """Who answers for these addresses. Each is asked about once in its time."""
        network_id, interface = served.state.id, served.state.interface
        assert interface is not None, served  # it is watched
        seen, asked = self._seen[network_id], dict[IpAddress, IpAddress]()
        for address in list(silent)[:MOST_ASKED]:
            one = seen[address]
            seen[address] = _Seen(one.mac, one.ask_at, one.until, is_asked=True)
            if own := served.server_beside(str(address)):
                asked[address] = own
        try:
            found = self._neighbours.who_have(network_id, interface, asked)
        except OSError as error:  # the network is being taken down
            LOG.debug("network %s: nobody can be asked: %s", network_id, error)
            return []
        return [Sight(mac, ip) for ip, mac in found.items() if isinstance(ip, IPv6Address)]

    def _take_in(self, served: ServedNetwork, sights: Collection[Sight]) -> None:
        """Record what is new, and what is half as old as it may become.

        An address is its first machine's until it is forgotten.
        """
        if not sights:
            return
        macs = {one.mac_address for one in served.ports.values() if one.tap is not None}
        seconds = min(served.terms.lease_seconds, LONGEST_SEEN_SECONDS)
        now = self._monotonic()
        seen = self._seen.setdefault(served.state.id, {})
        of_machine = Counter(one.mac for one in seen.values())
        found: list[LeaseEventCreate] = []
        for sight in sights:
            if sight.mac not in macs or not _is_self_made(served, sight.address):
                continue
            known = seen.get(sight.address)
            if known is None and of_machine[sight.mac] >= MOST_OF_A_MACHINE:
                continue
            if known is not None and (known.mac != sight.mac or known.ask_at > now):
                continue
            of_machine[sight.mac] += known is None
            seen[sight.address] = _Seen(sight.mac, now + seconds / 2, now + seconds)
            action: LeaseAction = "old" if known else "add"
            found.append(self._event(served.state.id, action, sight, seconds))
        if found:
            self._record(served.state.id, found)

    def _record(self, network_id: str, found: list[LeaseEventCreate]) -> None:
        try:
            self._inbox.record(found)
        except OSError as error:  # they are seen again
            LOG.warning("network %s: seen addresses cannot be recorded: %s", network_id, error)
            for event in found:
                self._seen[network_id].pop(IPv6Address(event.ip_address), None)

    def _event(
        self, network_id: str, action: LeaseAction, sight: Sight, seconds: int
    ) -> LeaseEventCreate:
        now_us = clock.now_microseconds()
        return LeaseEventCreate(
            id=uuid.uuid4().hex,
            network_id=network_id,
            host=self._host,
            action=action,
            ip_address=str(sight.address),
            occurred_at_us=now_us,
            source="slaac",
            mac_address=sight.mac,
            expires_at=now_us // 1_000_000 + seconds,
        )

    def _forget(self, network_id: str) -> None:
        """Forget what has not been seen for its time: the service ends it itself."""
        now, seen = self._monotonic(), self._seen[network_id]
        for address in [ip for ip, one in seen.items() if one.until <= now]:
            del seen[address]


def _is_watched(served: ServedNetwork) -> bool:
    return served.state.interface is not None and bool(served.self_made)


def _is_self_made(served: ServedNetwork, address: IPv6Address) -> bool:
    return any(address in prefix for prefix in served.self_made)
