"""Finds the agent that a path names."""

from ipam.api.http.access import Access
from ipam.api.http.refusal_log import log_hidden
from ipam.errors import AgentNotFound
from ipam.store import agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import is_uuid


def known(tx: Transaction, agent_id: str, access: Access, rule: str) -> Record:
    """The row of the agent with this id, if the rule allows the caller its host.

    Raises AgentNotFound, also for the agent of another host.
    """
    agent = agents.find(tx, agent_id) if is_uuid(agent_id) else None
    if agent is not None and access.allows_host(rule, agent.host):
        return agent
    if agent is not None:
        log_hidden(access.service.hidden_lines, access.caller, f"agent {agent_id}", rule)
    raise AgentNotFound(f"Agent {agent_id} could not be found.")
