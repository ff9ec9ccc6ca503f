"""Who is elected: in every order of death and return."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ipam.rules.election import Vote, elect, opens_at

AGENTS = st.integers(1, 6)
LIVING = st.frozensets(AGENTS, max_size=6)


def one(vote: Vote, loads: dict[int, int] | None = None) -> int | None:
    return elect([vote], loads or {})[vote.network]


@given(st.lists(LIVING, max_size=20), LIVING)
def test_whoever_dies_and_returns_the_holder_changes_only_at_its_own_death(
    lives: list[frozenset[int]], preferred: frozenset[int]
) -> None:
    holder = None
    for fit in lives:
        now = one(Vote(1, holder, fit, preferred))
        if holder in fit:
            assert now == holder, "it does not move without need"
        elif fit:
            assert now in (fit & preferred or fit)
        else:
            assert now is None
        holder = now


@given(st.lists(st.integers(1, 50), unique=True), LIVING.filter(bool))
def test_networks_are_shared_out_evenly_and_every_order_gives_the_same(
    networks: list[int], fit: frozenset[int]
) -> None:
    votes = [Vote(network, None, fit) for network in networks]
    found = elect(votes, {})
    assert found == elect(reversed(votes), {})
    shares = Counter(dict.fromkeys(fit, 0))
    shares.update(agent for agent in found.values() if agent)
    assert max(shares.values()) - min(shares.values()) <= 1


def test_one_who_has_fewer_networks_is_taken_before_one_with_more() -> None:
    assert one(Vote(1, None, {1, 2}), {1: 3, 2: 1}) == 2
    assert one(Vote(1, None, {1, 2}, preferred={1}), {1: 3, 2: 1}) == 1


def test_the_next_one_begins_when_the_kernel_of_the_former_has_ended_it() -> None:
    assert opens_at(1000, 75, last_heartbeat=None, before=None) == 1000
    assert opens_at(1000, 75, last_heartbeat=900, before=700) == 1000
    assert opens_at(1000, 75, last_heartbeat=990, before=700) == 1066
    assert opens_at(1000, 75, last_heartbeat=None, before=1050) == 1050
