"""Callers: roles, and the host of an agent."""

from ipam import model
from ipam.identity.caller import Caller, agent_host


def test_the_name_of_an_agents_user_says_its_host() -> None:
    assert agent_host(model.agent_user("node-7"), {"agent"}) == "node-7"
    assert agent_host("agent@node@7", {"agent", "reader"}) == "node@7"


def test_without_role_or_name_nobody_is_an_agent() -> None:
    assert agent_host("agent@node-7", {"service"}) == ""
    assert agent_host("node-7", {"agent"}) == ""
    assert agent_host("agent@", {"agent"}) == ""


def test_the_role_agent_counts_only_with_a_host() -> None:
    assert Caller("agent@node-7", "p", "agent", host="node-7").roles == {"agent"}
    assert Caller("node-7", "p", "agent").roles == frozenset()
    assert Caller("x", "p", roles=frozenset({"agent", "reader"})).roles == {"reader"}
