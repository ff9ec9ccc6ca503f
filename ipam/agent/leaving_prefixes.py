"""Prefixes that have left a network: machines are told for as long as they may still use them.

A machine uses an address that it made for as long as its prefix was advertised for. dnsmasq just
stops to speak of a prefix, and can deprecate one only for ever. What has left is kept on disk, as
the API does not know it any more.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Network
from pathlib import Path
from typing import Final

from ipam import clock, files
from ipam.agent.outside import Advertiser
from ipam.agent.promised import advertisement
from ipam.agent.served import ServedNetwork
from ipam.errors import Malformed
from ipam.protocol.wire import read, write

LOG = logging.getLogger(__name__)

MOST_OF_A_NETWORK: Final = 16
SOON_SECONDS: Final = (1.0, 3.0, 10.0)
"""After these times machines are told again, as an advertisement may be lost."""
AGAIN_SECONDS: Final = 60.0

_Leaving = dict[IPv6Network, int]
"""By prefix, until when machines may have addresses of it, in epoch seconds."""


class LeavingPrefixes:
    """The prefixes by network id. Not thread-safe."""

    def __init__(
        self,
        directory: Path,
        advertiser: Advertiser,
        monotonic: Callable[[], float] = time.monotonic,
        now_seconds: Callable[[], int] = clock.now_seconds,
    ) -> None:
        self._directory = directory
        self._advertiser = advertiser
        self._monotonic = monotonic
        self._now_seconds = now_seconds
        self._leaving: dict[str, _Leaving] = {}
        self._told: dict[str, tuple[int, float]] = {}
        """How often a network was told, and when it is told next."""
        with contextlib.suppress(OSError):  # a disk that is read-only has it, or has none
            files.directory(directory)
        for path in directory.glob("*.json"):
            if found := _read(path):
                self._leaving[path.stem] = found

    def note(self, before: ServedNetwork, after: ServedNetwork) -> None:
        """Take in a new description of a network. Its server still is as it was before."""
        network_id, stay = after.state.id, _autonomous(after)
        known = self._leaving.get(network_id, {})
        until = self._now_seconds() + before.terms.lease_seconds
        gone = dict.fromkeys(_autonomous(before) - stay, until)
        now = {prefix: at for prefix, at in (known | gone).items() if prefix not in stay}
        if now == known:
            return
        self._keep(network_id, dict(list(now.items())[-MOST_OF_A_NETWORK:]))
        if gone:
            names = ", ".join(map(str, gone))
            LOG.info("network %s: machines are told to leave %s", network_id, names)
            self._told[network_id] = (0, self._monotonic())
            self._tell(before)

    def tell(self, networks: Mapping[str, ServedNetwork]) -> float:
        """Tell the networks that it is time for. Gives the seconds until the next one's."""
        for network_id in list(self._leaving):
            served = networks.get(network_id)
            if served is None:
                self._keep(network_id, {})
            elif self._is_time(network_id):
                self._forget_past(network_id)
                self._tell(served)
        now = self._monotonic()
        waits = (at - now for key, (_, at) in self._told.items() if key in self._leaving)
        return max(min(waits, default=math.inf), 0.0)

    def _is_time(self, network_id: str) -> bool:
        return self._told.get(network_id, (0, -math.inf))[1] <= self._monotonic()

    def _tell(self, served: ServedNetwork) -> None:
        network_id, interface = served.state.id, served.state.interface
        times, _ = self._told.get(network_id, (0, 0.0))
        soon = SOON_SECONDS[times] if times < len(SOON_SECONDS) else AGAIN_SECONDS
        self._told[network_id] = times + 1, self._monotonic() + soon
        leaving = self._leaving.get(network_id)
        if not leaving or interface is None:
            return
        now = self._now_seconds()
        try:
            seconds = {prefix: max(until - now, 0) for prefix, until in leaving.items()}
            self._advertiser.deprecate(network_id, interface, seconds)
        except OSError as error:  # it is not built yet, or is being removed
            LOG.debug("network %s: nobody can be told: %s", network_id, error)

    def _forget_past(self, network_id: str) -> None:
        now = self._now_seconds()
        left = {prefix: at for prefix, at in self._leaving[network_id].items() if at > now}
        if left != self._leaving[network_id]:
            self._keep(network_id, left)

    def _keep(self, network_id: str, leaving: _Leaving) -> None:
        """Know these of the network, on disk, too, if the disk takes them."""
        path = self._directory / f"{network_id}.json"
        try:
            if leaving:
                self._leaving[network_id] = leaving
                files.put(path, write({str(prefix): at for prefix, at in leaving.items()}))
            else:
                self._leaving.pop(network_id, None)
                self._told.pop(network_id, None)
                path.unlink(missing_ok=True)
        except OSError as error:
            LOG.warning("network %s: prefixes that leave cannot be saved: %s", network_id, error)


def _autonomous(served: ServedNetwork) -> set[IPv6Network]:
    """The prefixes that the network's server advertises for machines to make addresses in."""
    if served.state.server is None:
        return set()
    said = advertisement(served.terms)
    return {IPv6Network(one) for one, makes in said.prefixes.items() if makes} if said else set()


def _read(path: Path) -> _Leaving:
    try:
        found = read(dict[str, int], path.read_bytes(), str(path))
        return {IPv6Network(prefix): until for prefix, until in found.items()}
    except (Malformed, OSError, ValueError) as error:
        LOG.warning("%s; what has left is forgotten", error)
        return {}
