"""Decides which agent answers a network's machines behind its uplink. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vote:
    """A network for which one agent is wanted. Agents are numbers."""

    network: int
    holder: int | None
    """The agent that was elected before."""
    fit: Collection[int]
    """The agents that are alive and reach the network."""
    preferred: Collection[int] = ()
    """Those to which the network is scheduled."""


def elect(votes: Iterable[Vote], loads: Mapping[int, int]) -> dict[int, int | None]:
    """The agent for each network; None if there is nobody.

    The holder stays while it is fit. Of others, a preferred one is taken, then the one with the
    fewest networks, `loads` by agent at first, then the first: all who decide, decide the same.
    """
    has = dict(loads)
    found: dict[int, int | None] = {}
    for vote in sorted(votes, key=lambda one: one.network):
        found[vote.network] = chosen = _one(vote, has)
        if chosen is not None and chosen != vote.holder:
            has[chosen] = has.get(chosen, 0) + 1
    return found


def opens_at(
    now: int, agent_down_time: int, *, last_heartbeat: int | None, before: int | None
) -> int:
    """From when a newly elected agent may answer, in epoch seconds.

    The kernel of the former one's host lets nobody ask it when its `last_heartbeat` is
    `agent_down_time` old. `before` is from when that one itself might answer; None for no former
    one.
    """
    closed_at = now if last_heartbeat is None else last_heartbeat + agent_down_time + 1
    return max(now, closed_at, before or 0)


def _one(vote: Vote, has: Mapping[int, int]) -> int | None:
    if vote.holder in vote.fit:
        return vote.holder
    order = sorted(vote.fit, key=lambda one: (one not in vote.preferred, has.get(one, 0), one))
    return order[0] if order else None
