"""Undoes the ends of leases whose machines go on to use their addresses.

Whoever knows the MAC address of a machine, or its DUID, can give its lease back in its name. The
machine hears nothing of it and keeps its address, while dnsmasq may give it to another. So the
machine is asked, some time after the end, and if it answers, its lease is asked for in its name.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from ipam import clock
from ipam.agent.actions import RestoreLease
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.outside import IpAddress, Neighbours
from ipam.agent.served import ServedNetwork
from ipam.agent.server_leases import ServerLeases
from ipam.agent.servers import Servers
from ipam.agent.state import Lease
from ipam.rules.dhcp_option_values import INFINITE_SECONDS

LOG = logging.getLogger(__name__)

REASON: Final = "given back in the name of the machine, which still answers"
ASK_AFTER_SECONDS: Final = 2.0
"""A machine that gives its lease back has dropped its address by then."""
ATTEMPTS: Final = 3
MOST_WAITING: Final = 1_000
NETWORKS_AT_ONCE: Final = 3
"""Of so many networks the machines are asked in one look: 0.2 s where one of them is silent."""
AGAIN_SECONDS: Final = 0.5
REMEMBERED_SECONDS: Final = 30.0

Key = tuple[str, str]
"""Network id and address."""


@dataclass(frozen=True, slots=True)
class _Ended:
    lease: Lease
    ask_at: float
    attempts: int = 0


class RogueReleases:
    """The leases that have ended lately. Not for several threads, but for `reason_of_begin`."""

    def __init__(
        self,
        leases: ServerLeases,
        servers: Servers,
        neighbours: Neighbours,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._servers = servers
        self._neighbours = neighbours
        self._monotonic = monotonic
        self._ended: dict[Key, _Ended] = {}
        self._restored: Mapping[Key, float] = {}

    def look(self, networks: Mapping[str, ServedNetwork]) -> float:
        """Ask about the leases that are due, and restore them. Gives the seconds until others are.

        A machine that has a lease again, or none to lose, is not asked.
        """
        now = self._monotonic()
        for network_id, lease in self._leases.take_ended():
            if len(self._ended) < MOST_WAITING:
                self._ended[network_id, lease.ip_address] = _Ended(lease, now + ASK_AFTER_SECONDS)
        due = [key for key, one in self._ended.items() if one.ask_at <= now]
        turn = list(dict.fromkeys(network_id for network_id, _ in due))[:NETWORKS_AT_ONCE]
        for network_id in turn:
            mine = [self._ended.pop(key) for key in due if key[0] == network_id]
            if served := networks.get(network_id):
                self._ask(served, mine, now)
        waits = (max(one.ask_at - now, AGAIN_SECONDS) for one in self._ended.values())
        return min(waits, default=math.inf)

    def reason_of_begin(self, network_id: str, address: str) -> str:
        """Why a lease of the address begins, if it was restored; else empty. For any thread."""
        until = self._restored.get((network_id, address), -math.inf)
        return REASON if self._monotonic() < until else ""

    def _ask(self, served: ServedNetwork, ended: Collection[_Ended], now: float) -> None:
        interface = served.state.interface
        missing = self._missing(served, [one for one in ended if _seconds_left(one.lease) > 0])
        if not missing or interface is None:
            return
        asked = {address: own for address, (own, _) in missing.items()}
        try:
            found = self._neighbours.who_have(served.state.id, interface, asked)
        except OSError as error:  # the network is being taken down
            LOG.debug("network %s: nobody can be asked: %s", served.state.id, error)
            return
        for address, (own, one) in missing.items():
            if found.get(address) == one.lease.mac_address:
                step = RestoreLease(served.state.id, interface, str(own), one.lease)
                self._restore(step, one.attempts + 1, now)

    def _missing(
        self, served: ServedNetwork, ended: Iterable[_Ended]
    ) -> dict[IpAddress, tuple[IpAddress, _Ended]]:
        """By address, the leases that would be there if nobody had ended them.

        Each comes with the server's own address beside it.
        """
        held = {one.ip_address for one in self._leases.of(served.state.id)}
        reserved = served.reserved()
        found = {}
        for one in ended:
            address, mac = one.lease.ip_address, one.lease.mac_address
            is_its = (
                reserved[address] == mac if address in reserved else served.is_dynamic(address)
            )
            own = served.server_beside(address)
            if mac and is_its and own is not None and address not in held:
                found[ip_address(address)] = own, one
        return found

    def _restore(self, step: RestoreLease, attempts: int, now: float) -> None:
        """Ask for the lease, and look later whether it is there."""
        lease, key = step.lease, (step.network_id, step.lease.ip_address)
        living = {known: until for known, until in self._restored.items() if until > now}
        self._restored = living | {key: now + REMEMBERED_SECONDS}
        if key not in living:  # not for each of those who do it all the time
            LOG.warning(
                "network %s: the lease of %s was %s, %s; it is asked for again",
                *key,
                REASON,
                lease.mac_address,
            )
        try:
            self._servers.restore(step, _seconds_left(lease))
        except (OSError, DnsmasqFailed, ValueError) as error:
            LOG.warning("network %s: the lease of %s cannot be asked for: %s", *key, error)
            return
        if attempts < ATTEMPTS:
            self._ended.setdefault(key, _Ended(lease, now + ASK_AFTER_SECONDS, attempts))


def _seconds_left(lease: Lease) -> int:
    if not lease.expires_at:
        return INFINITE_SECONDS
    return lease.expires_at - clock.now_seconds()
