"""Finds the agent that a path names."""

from ipam.errors import AgentNotFound
from ipam.store import agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import is_uuid


def known(tx: Transaction, agent_id: str) -> Record:
    """The row of the agent with this id. Raises AgentNotFound."""
    agent = agents.find(tx, agent_id) if is_uuid(agent_id) else None
    if agent is None:
        raise AgentNotFound(f"Agent {agent_id} could not be found.")
    return agent
