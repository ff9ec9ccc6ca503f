"""The guard of taps on a whole host: what it outlives, what waits for it, and what is said."""

import logging
from pathlib import Path

import pytest

from ipam import model
from ipam.agent.guard.elements import TAPS
from ipam.agent.guard.fence import OWN_DHCP4, SERVER
from ipam.agent.guards import COUNT_SECONDS
from ipam.agent.outside import Drops
from ipam.agent.state import GuardState
from tests.agent.loop_host import LoopHost, machine, network_id, port_id, row

TAP = model.tap_name(port_id(1, 5))


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.kernel.plug(TAP)
    host.want(row(1, machine(1, 5)))
    host.settle()
    assert host.serves(1)
    assert is_guarded(host)
    return host


def is_guarded(host: LoopHost, address: str = "10.0.0.5") -> bool:
    found = host.filter.truth.taps.get(TAP, frozenset())
    return ("guarded", "") in found and ("v4", f"fa:16:3e:00:00:05 . {address}") in found


def test_a_tap_that_is_here_keeps_its_guard_whatever_the_api_says(host: LoopHost) -> None:
    host.want()
    host.settle()
    assert is_guarded(host)
    host.filter.flush()
    host.settle()
    assert is_guarded(host), "not even a flushed table is forgotten"
    host.start_agent()
    host.settle()
    assert is_guarded(host)
    host.kernel.unplug(TAP)
    host.settle()
    assert TAP not in host.filter.truth.taps


def test_before_the_api_has_said_anything_no_guard_is_dropped(host: LoopHost) -> None:
    host.kernel.unplug(TAP)
    host.rows = {}
    host.start_agent(said_by_api=False)
    host.settle()
    assert is_guarded(host)


def test_an_answer_that_would_stop_most_servers_drops_no_guard(tmp_path: Path) -> None:
    host = LoopHost(tmp_path)
    host.want(*(row(number, machine(number, 5)) for number in range(1, 6)))
    host.settle()
    host.want()
    host.settle()
    assert sum(TAPS in one for one in host.filter.truth.taps.values()) == 5


def test_a_port_without_security_is_let_free(host: LoopHost) -> None:
    host.want(row(1, machine(1, 5, port_security_enabled=False)))
    host.settle()
    assert host.filter.truth.taps[TAP] == {TAPS, OWN_DHCP4}


def test_the_fence_knows_the_dhcp_port_for_as_long_as_that_is_here(host: LoopHost) -> None:
    server = model.tap_name(port_id(1, 0xFFFF))
    assert host.filter.truth.taps[server] == SERVER
    host.want()
    host.settle()
    assert server not in host.filter.truth.taps


def test_a_tap_waits_for_its_guard_and_dhcp_does_not(tmp_path: Path) -> None:
    host = LoopHost(tmp_path)
    host.kernel.plug(TAP)
    host.faults.fail("load guard")
    host.want(row(1, machine(1, 5)))
    for _ in range(5):
        host.now += host.turn()
    assert host.pid(1)
    assert host.kernel.members(model.bridge_name(network_id(1))) == {
        model.tap_name(port_id(1, 0xFFFF))
    }
    assert "load guard" in host.reconciler.troubles["guard"]
    assert port_id(1, 5) not in host.reports
    assert not host.reconciler.guard_facts.port_filter
    host.faults.end()
    host.now += 100
    host.settle()
    assert host.serves(1)
    assert host.reports[port_id(1, 5)]
    assert host.reconciler.guard_facts.port_filter


def test_a_change_that_fails_keeps_only_its_own_tap_waiting(host: LoopHost) -> None:
    other, third = (model.tap_name(port_id(1, number)) for number in (6, 7))
    host.faults.fail("change guard")
    host.kernel.plug(other)
    host.kernel.put_on(TAP, "", mtu=1450)
    host.want(row(1, machine(1, 5), machine(1, 6)))
    for _ in range(5):
        host.now += host.turn()
    assert TAP in host.kernel.members(model.bridge_name(network_id(1)))
    assert other not in host.kernel.members(model.bridge_name(network_id(1)))
    assert third not in host.filter.truth.taps


def test_a_guard_that_cannot_be_listed_stops_no_dhcp(tmp_path: Path) -> None:
    host = LoopHost(tmp_path)
    host.faults.fail("list guard")
    host.faults.fail("load guard")
    host.want(row(1, machine(1, 5)))
    for _ in range(5):
        host.now += host.turn()
    assert host.pid(1)


@pytest.mark.parametrize("how", ["flush", "free"])
def test_what_others_change_is_put_right_and_said_once(
    host: LoopHost, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        if how == "flush":
            host.filter.flush()
        else:
            host.filter.free(TAP)
        host.settle()
    assert is_guarded(host)
    assert len([one for one in caplog.messages if "the guard was changed by hand" in one]) == 1


def test_a_network_on_hold_keeps_the_guard_that_it_has(host: LoopHost) -> None:
    host.held = {network_id(1)}
    host.want(row(1, machine(1, 5, fixed_ips=[])))
    host.settle()
    assert is_guarded(host)
    host.held = set()
    host.settle()
    assert not is_guarded(host)


def test_a_host_that_is_emptied_keeps_the_guards_of_taps_and_else_nothing(host: LoopHost) -> None:
    while host.reconciler.remove_everything():
        pass
    assert is_guarded(host)
    host.kernel.unplug(TAP)
    while host.reconciler.remove_everything():
        pass
    assert host.filter.truth == GuardState(is_loaded=False)


def test_what_was_dropped_is_counted_from_time_to_time(host: LoopHost) -> None:
    host.filter.dropped = Drops(spoofed={TAP: 7}, storms={TAP: 90}, fenced={TAP: 2, "eth1": 3})
    host.now += COUNT_SECONDS
    host.reconciler.tidy(api_has_answered=True)
    facts = host.reconciler.guard_facts
    assert (facts.taps, facts.spoofed, facts.storms, facts.fenced) == (1, 7, 90, 5)
    assert "90 more were dropped" in host.reconciler.troubles[TAP]
