"""Sums of counters that the kernel forgets."""

from ipam.agent.guard.drops import DropTotals
from ipam.agent.outside import Drops


def test_totals_grow_by_what_is_new_and_survive_what_is_forgotten() -> None:
    totals = DropTotals()
    for spoofed in ({"tap1": 5}, {"tap1": 7, "tap2": 1}, {}, {"tap1": 2}):
        totals.take(Drops(spoofed=spoofed))
    assert totals.spoofed == 5 + 2 + 1 + 2
    totals.take(Drops(spoofed={"tap1": 1}))  # forgotten, and seen again, in between
    assert totals.spoofed == 11


def test_a_tap_is_told_of_while_it_sends_too_much() -> None:
    totals = DropTotals()
    totals.take(Drops(storms={"tap1": 100}))
    assert "100 more were dropped" in totals.troubles["tap1"]
    totals.take(Drops(storms={"tap1": 100}))
    assert totals.troubles == {}
    assert totals.storms == 100


def test_what_the_fence_held_is_summed_over_taps_and_wires() -> None:
    totals = DropTotals()
    totals.take(Drops(fenced={"tap1": 2, "eth1": 3}))
    totals.take(Drops(fenced={"tap1": 2, "eth1": 4}))
    assert totals.fenced == 6
