"""Decides what is wrong with a machine's address: the chain, link by link. Pure.

The links go from what is configured to what the machine did. The first broken one is the cause:
what lies behind it cannot be right, and is told only on demand.
"""

from collections.abc import Iterator

from ipam.cli.explain import configured, heard, served, told
from ipam.cli.explain.facts import Explanation, Fact, Facts

ASPECTS = ("address", *told.CHECKS)
"""What may be asked for: everything up to the lease, or one thing that comes with it."""


def explain(facts: Facts, why: str = "address", *, to_the_end: bool = False) -> Explanation:
    """The chain of one machine. `to_the_end`: also the links behind the first broken one."""
    found: list[Fact] = []
    for fact in _chain(facts, why):
        found.append(fact)
        if fact.ok is False and not to_the_end:
            break
    return Explanation(facts.subject, _verdict(found), found)


def _chain(facts: Facts, why: str) -> Iterator[Fact]:
    yield from configured.identity(facts)
    if len(facts.matches) != 1:
        return
    yield from configured.port(facts)
    yield from configured.addresses(facts)
    if why != "address":
        yield from told.told(facts, why)
    yield from served.agent(facts)
    yield from served.troubles(facts)
    yield from served.readiness(facts)
    yield from served.probe(facts)
    yield from heard.refusals(facts)
    yield from heard.leases(facts)
    if why == "address":
        yield from told.told(facts, "")
    yield Fact(
        "guest",
        "guest-not-seen",
        None,
        "the machine itself: not looked at (nothing of ours is in it)",
        source="guest",
        is_note=True,
    )


def _verdict(facts: list[Fact]) -> str:
    if any(one.ok is False for one in facts):
        return "broken"
    if any(one.ok is None and not one.is_note for one in facts):
        return "unknown"
    return "fine"
