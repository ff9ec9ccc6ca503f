"""Ends leases: dnsmasq is asked to end each a few times, and is then restarted."""

import logging
import math
import time
from collections.abc import Callable, Collection

from ipam.agent.actions import ReleaseLease
from ipam.agent.observed import ObservedNetwork
from ipam.agent.plan import release_plan
from ipam.agent.served import ServedNetwork
from ipam.agent.servers import Servers
from ipam.agent.state import Lease
from ipam.agent.unchanged import Unchanged

LOG = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0
ATTEMPTS = 3


class Releases:
    """How often dnsmasq was asked to end each lease."""

    def __init__(self, servers: Servers, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._servers = servers
        self._monotonic = monotonic
        self._asked: dict[str, dict[Lease, tuple[float, int]]] = {}
        self._foreign = Unchanged[tuple[ReleaseLease, ...]]()

    def plan(
        self, served: ServedNetwork, seen: ObservedNetwork | None
    ) -> tuple[list[ReleaseLease], float]:
        """The leases to end in this turn, and the seconds until another is due.

        They come after their network's steps, because a reload must come first.
        """
        if seen is None or seen.state.reload_due or not seen.leases:
            return [], math.inf
        if any(path not in served.state.files for path in seen.state.files):
            return [], math.inf
        now, due, wait = self._monotonic(), [], math.inf
        asked = self._asked.get(served.state.id, {})
        steps = self._foreign.of(
            served.state.id,
            (served, seen),
            lambda: release_plan(
                seen.state,
                served.reserved(),
                seen.leases,
                served.client_ids(),
                is_dynamic=served.is_dynamic,
                ending=served.ending_leases,
            ),
        )
        for step in steps:
            again_at, _attempts = asked.get(step.lease, (now, 0))
            if again_at <= now:
                due.append(step)
            else:
                wait = min(wait, again_at - now)
        return due, wait

    def end(self, step: ReleaseLease) -> None:
        """Ask dnsmasq to end the lease, and check after AGAIN_SECONDS whether it did.

        If it never does, it is stopped, to be started again without the lease.
        """
        if not step.server:  # nobody serves such an address
            self._servers.stop_without(step.network_id, step.lease)
            return
        asked = self._asked.setdefault(step.network_id, {})
        _again_at, attempts = asked.get(step.lease, (0.0, 0))
        if attempts >= ATTEMPTS:
            LOG.warning("network %s: %s does not end", step.network_id, step.lease.ip_address)
            del asked[step.lease]
            self._servers.stop_without(step.network_id, step.lease)
            return
        asked[step.lease] = (self._monotonic() + AGAIN_SECONDS, attempts + 1)
        self._servers.release(step)

    def keep(self, leases: Collection[tuple[str, Lease]]) -> None:
        """Forget all leases except these, each with its network's id."""
        for network_id, asked in self._asked.items():
            for lease in [one for one in asked if (network_id, one) not in leases]:
                del asked[lease]
        self._asked = {network_id: asked for network_id, asked in self._asked.items() if asked}
        self._foreign.clear()
