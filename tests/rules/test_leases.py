"""What events do to a lease: single rules, and laws on random histories."""

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ipam.rules.leases import (
    SERVICE,
    Holder,
    Lease,
    LeaseEvent,
    after,
    after_all,
    holder_of,
    is_same_machine,
)

ANN, BOB = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
ADDRESS = b"\x0a\x00\x00\x05"


def event(action: Any, at: int, mac: str | None = ANN, **more: Any) -> LeaseEvent:
    return LeaseEvent("e", "net", "host-a", action, ADDRESS, at, mac_address=mac, **more)


def told(*events: LeaseEvent) -> Lease | None:
    """The lease after these events, in the order they arrive."""
    numbers = count(1)
    state = None
    for each in events:
        state = after(state, each, lambda: f"lease-{next(numbers)}")
    return state


def lease(*events: LeaseEvent) -> Lease:
    state = told(*events)
    assert state is not None
    return state


def test_an_add_begins_a_lease_and_a_del_ends_it() -> None:
    assert lease(event("add", 1)).mac_address == ANN
    assert told(event("add", 1), event("del", 2)) is None


def test_an_end_without_a_lease_is_none() -> None:
    assert told(event("del", 1)) is None
    assert told(event("missed", 1)) is None


def test_an_old_of_an_unknown_lease_begins_it() -> None:
    assert lease(event("old", 1)).first_seen_at_us == 1


def test_a_renewal_keeps_the_beginning_and_what_it_leaves_out() -> None:
    first = event("add", 1, hostname="ann", client_id="01:02", expires_at=100)
    state = lease(first, event("old", 5, expires_at=200))
    assert (state.id, state.first_seen_at_us, state.last_seen_at_us) == ("lease-1", 1, 5)
    assert (state.hostname, state.client_id, state.expires_at) == ("ann", "01:02", 200)
    assert lease(first, event("old", 5)).expires_at == 100


def test_another_add_says_everything_anew_but_the_beginning() -> None:
    state = lease(event("add", 1, hostname="ann", expires_at=9), event("add", 5))
    assert (state.hostname, state.expires_at, state.first_seen_at_us) == (None, None, 1)


def test_an_older_event_changes_nothing() -> None:
    now = lease(event("add", 5, hostname="new"))
    for late in (event("add", 4, hostname="old"), event("old", 4), event("del", 4)):
        assert after(now, late, str) == now


def test_at_the_same_instant_the_order_of_arrival_counts() -> None:
    assert told(event("add", 5), event("del", 5)) is None
    assert told(event("add", 5), event("del", 5), event("add", 5)) is not None


def test_another_machine_on_the_address_makes_another_lease() -> None:
    state = lease(event("add", 1), event("add", 2, BOB))
    assert (state.id, state.mac_address, state.first_seen_at_us) == ("lease-2", BOB, 2)


@pytest.mark.parametrize("action", ["del", "missed"])
def test_a_late_end_of_the_machine_before_does_not_end_its_successors_lease(action: str) -> None:
    assert lease(event("add", 1), event("add", 2, BOB), event(action, 3, ANN)).mac_address == BOB


@pytest.mark.parametrize("action", ["del", "missed"])
def test_the_host_that_a_machine_left_does_not_end_its_lease(action: str) -> None:
    moved = lease(event("add", 1), replace(event("old", 2), host="host-b"))
    assert after(moved, event(action, 3), str) == moved


@pytest.mark.parametrize("action", ["del", "missed"])
def test_the_host_that_a_machine_left_does_not_end_its_lease_before_the_next_has_spoken(
    action: str,
) -> None:
    given = lease(event("add", 1))
    assert after(given, event(action, 3), str, bound_host="host-b") == given
    assert after(given, event(action, 3), str, bound_host="host-a") is None
    assert after(given, event(action, 3), str) is None


def test_what_the_host_that_a_machine_left_repeats_does_not_take_the_lease_back() -> None:
    moved = lease(event("add", 1), replace(event("add", 2), host="host-b"))
    assert after(moved, event("old", 3), str, bound_host="host-b") == moved
    for bound in ("", "host-a"):
        back = after(moved, event("old", 3), str, bound_host=bound)
        assert back is not None
        assert (back.host, back.id) == ("host-a", moved.id)


def test_the_last_words_of_the_host_that_a_machine_left_do_not_silence_the_next() -> None:
    echoed = after(lease(event("add", 1)), event("old", 5), str, bound_host="host-b")
    moved = after(echoed, replace(event("add", 4), host="host-b"), str, bound_host="host-b")
    assert moved is not None
    assert (moved.host, moved.first_seen_at_us, moved.last_seen_at_us) == ("host-b", 1, 5)


def test_a_renewal_tells_of_a_move_whose_add_was_lost() -> None:
    renewed = replace(event("old", 2), host="host-b")
    moved = after(lease(event("add", 1)), renewed, str, bound_host="host-b")
    assert moved is not None
    assert (moved.host, moved.last_seen_at_us) == ("host-b", 2)


def test_an_end_that_names_no_machine_ends_the_lease() -> None:
    assert told(event("add", 1), event("del", 2, None)) is None


def test_dhcpv6_machines_are_told_apart_by_duid_and_iaid() -> None:
    state = lease(event("add", 1, None, duid="00:01", iaid="7"))
    assert is_same_machine(state, event("del", 2, BOB, duid="00:01", iaid="7"))
    assert is_same_machine(state, event("del", 2, None, duid="00:01"))
    assert not is_same_machine(state, event("del", 2, None, duid="00:01", iaid="8"))
    assert not is_same_machine(state, event("del", 2, None, duid="00:02", iaid="7"))


events = st.builds(
    event,
    st.sampled_from(["add", "old", "del", "missed"]),
    st.integers(0, 6),
    st.sampled_from([ANN, BOB, None]),
    hostname=st.sampled_from(["a", None]),
    expires_at=st.sampled_from([100, 200, None]),
)


@given(st.lists(events, max_size=12))
def test_a_lease_never_goes_back_in_time(history: list[LeaseEvent]) -> None:
    state = None
    for each in history:
        following = after(state, each, lambda: "id")
        if state is not None and following is not None:
            assert following.last_seen_at_us >= state.last_seen_at_us
            assert following.first_seen_at_us <= following.last_seen_at_us
        state = following


@given(st.lists(events, max_size=12), events)
def test_telling_an_event_twice_in_a_row_is_telling_it_once(
    history: list[LeaseEvent], last: LeaseEvent
) -> None:
    once = told(*history, last)
    twice = told(*history, last, last)
    assert (once is None) == (twice is None)
    if once and twice:
        assert replace(once, id="") == replace(twice, id="")


OWNER = Holder("project", "subnet", "port", ANN, "host-a")


@pytest.mark.parametrize(
    ("mac", "more", "holder"),
    [
        (ANN, {}, OWNER),
        (None, {}, OWNER),
        (BOB, {}, Holder("network's", "subnet")),
        (BOB, {"duid": "00:01"}, OWNER),
    ],
)
def test_an_event_is_about_the_owner_unless_its_mac_speaks_against_it(
    mac: str | None, more: dict[str, str], holder: Holder
) -> None:
    assert holder_of(event("add", 1, mac, **more), OWNER, "network's") == holder


def test_an_event_of_an_address_that_nobody_owns_is_the_networks() -> None:
    assert holder_of(event("add", 1), None, "network's") == Holder("network's")


def after_batch(*events: LeaseEvent, ended_at_us: int = 0, by: str = "host-a") -> Lease | None:
    batch = [(each, OWNER) for each in events]
    key = ("net", ADDRESS)
    leases = after_all({}, batch, {key: {by: ended_at_us}}, lambda: "lease-1")
    return leases.get(("net", ADDRESS))


def test_an_event_that_is_older_than_the_end_on_record_brings_nothing_back() -> None:
    assert after_batch(event("add", 4), ended_at_us=5) is None
    assert after_batch(event("add", 5), ended_at_us=5) is not None


def test_an_event_that_is_older_than_an_end_in_its_batch_brings_nothing_back() -> None:
    assert after_batch(event("add", 1), event("del", 5), event("old", 4)) is None
    assert after_batch(event("add", 1), event("del", 5), event("add", 6)) is not None


def in_order(action: Any, at: int, sequence: int, **more: Any) -> LeaseEvent:
    return event(action, at, epoch="life", sequence=sequence, **more)


def test_an_end_says_nothing_of_the_lease_that_began_after_it() -> None:
    """One host's clock was behind when its machine came back; another host tells a later time."""
    began = in_order("add", 2, 1)
    renewed = event("add", 3, hostname="ann")
    lease = after_batch(event("del", 5), began, renewed)
    assert lease is not None
    assert lease.hostname == "ann"


def test_an_end_that_ended_nothing_counts_for_what_comes_late() -> None:
    of_another = replace(event("del", 5), host="host-b")
    late = replace(event("add", 4), host="host-c")
    batch = (event("add", 9), of_another, event("missed", 10), late)
    assert after_batch(*batch) is None


def test_what_a_host_says_in_order_counts_whatever_its_clock_says() -> None:
    begun = lease(in_order("add", 3600, 1))
    renewed = after(begun, in_order("old", 5, 2, hostname="ann"), str)
    assert renewed is not None
    assert (renewed.hostname, renewed.last_seen_at_us) == ("ann", 3600)
    assert after(renewed, in_order("del", 6, 3), str) is None


def test_the_order_of_one_host_says_nothing_of_what_another_told() -> None:
    now = lease(in_order("add", 5, 1))
    late = replace(in_order("add", 4, 9), host="host-b")
    assert after(now, late, str) == now
    assert after(now, replace(late, occurred_at_us=6), str) != now


def test_an_end_that_the_host_told_before_does_not_refute_what_it_says_now() -> None:
    assert after_batch(in_order("add", 4, 2), ended_at_us=5) is not None
    assert after_batch(in_order("add", 4, 2), ended_at_us=5, by="host-b") is None
    batch = (in_order("add", 3, 1), in_order("del", 9, 2), in_order("add", 4, 3))
    assert after_batch(*batch) is not None


def test_a_port_that_was_deleted_meanwhile_gets_no_lease_from_a_late_event() -> None:
    assert after_batch(in_order("add", 4, 2), ended_at_us=5, by=SERVICE) is None


def test_a_conclusion_that_a_lease_is_over_does_not_refute_a_late_renewal() -> None:
    assert after_batch(event("add", 1), event("missed", 5), event("old", 4)) is not None


@given(st.lists(st.sampled_from(["add", "old", "del", "missed"]), max_size=6))
def test_events_in_the_order_they_happened_are_told_one_by_one(actions: list[str]) -> None:
    events = [event(action, at) for at, action in enumerate(actions, 1)]
    assert (after_batch(*events) is None) == (told(*events) is None)
