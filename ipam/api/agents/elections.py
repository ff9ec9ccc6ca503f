"""Elects agents that answer machines behind uplinks, and has the agents hear of it."""

from collections.abc import Sequence

from ipam.api.service import Service
from ipam.store import agents, elections
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


class Elections:
    """At a look, a report or a removal by an admin, in its transaction."""

    def __init__(self, service: Service) -> None:
        self._wakes = service.wakes
        self.agent_down_time = service.settings.network.agent_down_time

    def wanting(self, tx: Transaction, agent: Record) -> list[int]:
        """The networks for which the agent could be elected, and nobody usable is."""
        oldest = agents.oldest_heartbeat(self.agent_down_time)
        return elections.wanting(tx, agent, oldest_heartbeat=oldest)

    def settle(self, tx: Transaction, network_pks: Sequence[int]) -> None:
        """Have an agent elected for each of these networks that has none which is usable."""
        changed = elections.settle(tx, network_pks, agent_down_time=self.agent_down_time)
        if changed:
            self._wakes.after(tx, *changed)

    def end_unfit(self, tx: Transaction, agent: Record) -> None:
        """Have others elected for networks that the agent has said it does not reach any more."""
        if lost := elections.unfit(tx, agent):
            self.settle(tx, lost)

    def leave(self, tx: Transaction, agent_pk: int) -> None:
        """Have the agent elected for nothing, before it is deleted."""
        elections.leave(tx, agent_pk, agent_down_time=self.agent_down_time)
