"""Leases that have to end, since their address is another machine's now: asked, then insisted."""

import logging
import time
from collections.abc import Collection, Iterator

from ipam.agent.actions import ReleaseLease
from ipam.agent.desired import ServedNetwork
from ipam.agent.plan import release_plan
from ipam.agent.servers import Serving
from ipam.agent.state import Lease, NetworkState

LOG = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0
ATTEMPTS = 3


class Releases:
    """How often dnsmasq was asked to end which lease."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._asked: dict[tuple[str, Lease], tuple[float, int]] = {}

    def is_asked(self, network_id: str, lease: Lease) -> bool:
        """Whether dnsmasq was asked to end it."""
        return (network_id, lease) in self._asked

    def plan(self, served: ServedNetwork, present: NetworkState | None) -> Iterator[ReleaseLease]:
        """Leases to end. After their network's own steps: a reload must come first."""
        if present is None or present.server is None or present.reload_due:
            return
        network_id = served.state.id
        leases = self._serving.leases(network_id)
        if not leases or any(path not in served.state.files for path in present.files):
            return
        for step in release_plan(present, served.reserved(), leases):
            if self._asked.get((network_id, step.lease), (0.0, 0))[0] <= time.monotonic():
                yield step

    def end(self, step: ReleaseLease) -> bool:
        """Ask dnsmasq to end the lease: True, and look after AGAIN_SECONDS whether it did.

        If it never does it is started again without the lease: False.
        """
        key = (step.network_id, step.lease)
        _when, attempts = self._asked.get(key, (0.0, 0))
        if attempts >= ATTEMPTS:
            LOG.warning("network %s: %s does not end", step.network_id, step.lease.ip_address)
            del self._asked[key]
            self._serving.record_missed(step.network_id, [step.lease])
            self._serving.stop(step.network_id, for_good=False)
            return False
        self._asked[key] = (time.monotonic() + AGAIN_SECONDS, attempts + 1)
        self._serving.release(step.network_id, step.interface, step.lease)
        return True

    def keep(self, leases: Collection[tuple[str, Lease]]) -> None:
        """Forget all leases but these, each with its network's id."""
        self._asked = {key: one for key, one in self._asked.items() if key in leases}
