"""The whole loop on a host of doubles: failures, half-done work, drift, restarts, readiness."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipam import clock, model
from ipam.agent import server_leases
from ipam.agent.carry_out import (
    ADDRESS_AGAIN_SECONDS,
    FAILURES_OF_BROKEN,
    LONGEST_RETRY_SECONDS,
    TAP_AGAIN_SECONDS,
)
from ipam.agent.dnsmasq import lease_file
from ipam.agent.dnsmasq.answered import Ended
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.host.unknown_taps import ASK_AFTER_SECONDS
from ipam.agent.leases.comparisons import QUIET_SECONDS
from ipam.agent.outside import Running
from ipam.agent.reconciler import IDLE_SECONDS
from ipam.agent.releases import AGAIN_SECONDS, ATTEMPTS
from ipam.agent.servers import RELOAD_EVERY_SECONDS
from ipam.agent.state import Lease
from ipam.protocol.dns_names import NamedPort
from tests.agent.faults import Killed
from tests.agent.loop_host import LoopHost, mac, machine, network_id, port, port_id, row
from tests.agent.network_rows import Json, subnet4, subnet6

TAP = model.tap_name(port_id(1, 5))
LATER = clock.now_microseconds() // 1_000_000 + 9_000
BRIDGE = model.bridge_name(network_id(1))
OUTSIDE = model.tap_name(port_id(1, 0xFFFF))
EVERYTHING = ["bridge", "namespace", "interface", "server", "directory"]


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    return LoopHost(tmp_path)


def quiet(host: LoopHost) -> bool:
    """True if the loop finds nothing to do."""
    before = host.faults.tried.copy()
    return host.turn() == IDLE_SECONDS and host.faults.tried == before


def test_a_network_is_built_and_then_left_alone(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    assert host.turn() == 0.0
    assert host.serves(1)
    assert quiet(host)
    assert host.reconciler.troubles == {}


def test_a_network_without_dhcp_is_a_bridge_alone(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), dhcp_port=None))
    host.settle()
    assert host.traces(1) == ["bridge", "directory"]
    assert host.reports == {port_id(1, 5): True}


@pytest.mark.parametrize(
    "step",
    [
        "add bridge",
        "set bridge up",
        "create namespace",
        "prepare namespace",
        "add interface",
        "set interface up",
        "change address",
        "start dnsmasq",
        "find dnsmasq",
    ],
)
def test_whatever_fails_while_building_holds_up_that_network_alone(
    host: LoopHost, step: str
) -> None:
    host.faults.fail(step, times=1)
    host.want(row(1, port(1, 5)), row(2, port(2, 5)))
    host.turn()
    assert list(host.reconciler.troubles) == [network_id(1)]
    assert step in host.reconciler.troubles[network_id(1)]
    assert host.serves(2)
    host.settle()
    assert host.serves(1, 2)
    assert host.reconciler.troubles == {}
    assert host.reports == {port_id(1, 5): True, port_id(2, 5): True}


@pytest.mark.parametrize("step", ["stop dnsmasq", "delete link", "delete namespace"])
def test_whatever_fails_while_removing_is_done_later(host: LoopHost, step: str) -> None:
    host.want(row(1, port(1, 5)), row(2))
    host.settle()
    host.faults.fail(step, times=2)
    host.want(row(2))
    host.turn()
    assert list(host.reconciler.troubles) == [network_id(1)]
    host.settle()
    assert host.traces(1) == []
    assert host.forgotten == [network_id(1)]
    assert host.reconciler.troubles == {}
    assert host.serves(2)


def test_a_bridge_that_is_down_is_removed_too(host: LoopHost) -> None:
    host.want(row(1, dhcp_port=None))
    host.settle()
    host.kernel.set_down(BRIDGE)
    host.want()
    host.settle()
    assert host.traces(1) == []


@pytest.mark.parametrize("step", ["reload dnsmasq", "release lease"])
def test_a_signal_or_a_release_that_fails_is_tried_again(host: LoopHost, step: str) -> None:
    host.want(row(1, port(1, 5), port(1, 6)))
    host.settle()
    host.processes.give(network_id(1), mac(6), "10.0.0.6")
    host.now += 1
    host.faults.fail(step, times=1)
    host.want(row(1, port(1, 5)))
    host.settle()
    assert host.faults.tried[step] == 2
    assert host.serves(1)
    assert host.table.leases(network_id(1)) == []


def test_the_delay_grows_with_each_failure_and_the_loop_sleeps_as_long(host: LoopHost) -> None:
    host.settle()
    host.faults.fail("create namespace")
    host.want(row(1))
    host.turn()  # the fence has the DHCP port now, and the rest has failed once
    for delay in (0.5, 1.0, 2.0, 4.0, 8.0):
        assert host.turn() == delay
        host.now += delay
    assert host.faults.tried["create namespace"] == 5
    while host.faults.tried["create namespace"] < 10:
        host.now += host.turn()
    tried_at = host.now
    while host.faults.tried["create namespace"] == 10:
        host.now += host.turn()
    assert host.now - tried_at <= LONGEST_RETRY_SECONDS
    host.faults.end()
    host.settle()
    host.now += LONGEST_RETRY_SECONDS
    host.settle()
    assert host.serves(1)


def test_a_network_that_is_left_alone_is_not_tried_before_its_time(host: LoopHost) -> None:
    host.faults.fail("create namespace")
    host.want(row(1))
    host.turn()
    host.now += 0.25
    assert host.turn() == 0.25
    assert host.faults.tried["create namespace"] == 1


def test_a_network_that_came_right_by_itself_is_no_trouble_any_more(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give(network_id(1), mac(9), "10.0.0.9")
    host.faults.fail("release lease")
    host.turn()
    assert host.reconciler.troubles
    host.processes.servers[network_id(1)].leases.clear()
    host._hook(network_id(1), "del", mac(9), "10.0.0.9")
    host.turn()
    assert host.reconciler.troubles == {}


def test_work_that_does_not_last_is_not_done_over_and_over(host: LoopHost) -> None:
    host.want(row(1))
    host.settle()
    for _ in range(2):
        host.kernel.unplug(OUTSIDE)
        host.turn()
    assert "still to be done" in host.reconciler.troubles[network_id(1)]
    host.settle()
    assert host.serves(1)


BUILDING = 9
"""The kernel's and dnsmasq's steps on the way to a network."""


@pytest.mark.parametrize("before", range(BUILDING))
def test_an_agent_that_is_killed_while_building_leaves_what_the_next_one_completes(
    host: LoopHost, before: int
) -> None:
    host.want(row(1, port(1, 5)))
    host.faults.kill_after(before)
    with pytest.raises(Killed):
        host.turn()
    host.faults.end()
    host.start_agent()
    host.settle()
    assert host.serves(1)
    assert host.reports == {port_id(1, 5): True}


@pytest.mark.parametrize("before", range(4))
def test_an_agent_that_is_killed_while_removing_leaves_what_the_next_one_removes(
    host: LoopHost, before: int
) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.want()
    host.faults.kill_after(before)
    with pytest.raises(Killed):
        host.turn()
    host.faults.end()
    host.start_agent()
    host.settle()
    assert host.traces(1) == []


def test_what_an_agent_does_not_know_stays_until_the_api_has_answered(host: LoopHost) -> None:
    """Its last known networks were damaged, and the API is away: the machines are served on."""
    host.want(row(1, port(1, 5)), row(2, port(2, 5)))
    host.settle()
    pids = [host.pid(1), host.pid(2)]
    known = host.rows
    host.rows = {network_id(2): known[network_id(2)]}
    host.start_agent(said_by_api=False)
    host.settle()
    host.reconciler.tidy(api_has_answered=False)
    assert [host.pid(1), host.pid(2)] == pids
    assert host.holds(1)
    host.rows = known
    host.start_agent()
    host.settle()
    assert [host.pid(1), host.pid(2)] == pids
    host.want(row(2, port(2, 5)))
    host.settle()
    assert host.traces(1) == []


def unplug_outside(host: LoopHost) -> None:
    host.kernel.unplug(OUTSIDE)


def unplug_bridge(host: LoopHost) -> None:
    host.kernel.unplug(BRIDGE)


def set_bridge_down(host: LoopHost) -> None:
    host.kernel.set_down(BRIDGE)


def change_mtu(host: LoopHost) -> None:
    host.kernel.host[BRIDGE].mtu = 9000


def drop_namespace(host: LoopHost) -> None:
    host.kernel.drop_namespace(network_id(1))


def kill_server(host: LoopHost) -> None:
    host.server_dies(1)


def detach_tap(host: LoopHost) -> None:
    host.kernel.host[TAP].master = ""


@pytest.mark.parametrize(
    ("drift", "keeps_server"),
    [
        (unplug_outside, False),
        (unplug_bridge, False),
        (set_bridge_down, True),
        (change_mtu, True),
        (drop_namespace, False),
        (kill_server, False),
        (detach_tap, True),
    ],
)
def test_what_others_change_is_put_back_with_the_same_server_where_it_still_can_serve(
    host: LoopHost, drift: Callable[[LoopHost], None], keeps_server: bool
) -> None:
    host.kernel.plug(TAP)
    host.want(row(1, machine(1, 5)))
    host.settle()
    before = host.pid(1)
    drift(host)
    host.settle()
    assert host.serves(1)
    assert (host.pid(1) == before) is keeps_server


def test_what_is_no_longer_read_from_disk_is_not_read_again(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    half = host.directory / "dhcp" / network_id(1) / "hosts" / ".half"
    half.write_text("half")
    host.start_agent()
    assert quiet(host)
    assert not half.exists()


def test_a_restarted_agent_takes_over_what_runs_and_does_nothing(host: LoopHost) -> None:
    host.kernel.plug(TAP)
    host.want(row(1, machine(1, 5)), row(2, port(2, 5)))
    host.settle()
    before = (host.pid(1), host.pid(2))
    host.servers.let_go()
    host.start_agent()
    assert quiet(host)
    assert (host.pid(1), host.pid(2)) == before


def test_a_server_whose_namespace_is_gone_is_not_taken_over(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    before = host.pid(1)
    host.kernel.drop_namespace(network_id(1))
    host.start_agent()
    host.settle()
    assert host.serves(1)
    assert host.pid(1) not in (0, before)


def test_a_reload_that_was_due_when_the_agent_ended_is_made_by_the_next(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), port(1, 6)))
    host.settle()
    host.now += 1
    host.want(row(1, port(1, 5)))
    host.faults.fail("reload dnsmasq")
    host.turn()
    host.faults.end()
    assert host.truth(network_id(1)).reload_due
    host.start_agent()
    host.settle()
    assert host.serves(1)


def test_a_changed_startup_restarts_the_server_once(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    before = host.pid(1)
    host.want(row(1, port(1, 5), lease_seconds=60))
    host.settle()
    assert host.serves(1)
    assert host.pid(1) == before + 1


def test_leases_outlive_the_server_that_gave_them(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5")
    host.server_dies(1)
    host.settle()
    assert host.processes.servers[network_id(1)].leases == {"10.0.0.5": (0, mac(5))}


def test_many_changes_share_one_reload(host: LoopHost) -> None:
    ports = [port(1, number) for number in range(5, 10)]
    host.want(row(1, *ports))
    host.settle()
    host.now += 1
    while ports:
        ports.pop()
        host.want(row(1, *ports))
        host.turn()
    assert host.faults.tried["reload dnsmasq"] == 1
    host.turn()  # the last one that looks at this network alone
    assert host.turn() == pytest.approx(RELOAD_EVERY_SECONDS)
    host.settle()
    assert host.faults.tried["reload dnsmasq"] == 2
    assert host.serves(1)


def test_a_dnsmasq_that_forgets_no_name_reads_all_when_one_is_gone(host: LoopHost) -> None:
    host.names._forgets = False
    host.want(row(1, port(1, 5)))
    host.settle()
    for names, reloads in ((["10.0.0.5"], 0), (["10.0.0.6"], 1), ([], 2)):
        host.names.change([NamedPort("b", network_id(1), "web", names)])
        host.now += 1
        host.settle()
        assert host.faults.tried["reload dnsmasq"] == reloads


def test_an_answer_without_most_networks_stops_no_server(
    host: LoopHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.want(*(row(number, port(number, 5)) for number in range(1, 6)))
    host.settle()
    before = [host.pid(number) for number in range(1, 6)]
    with caplog.at_level(logging.ERROR):
        host.want(row(5, port(5, 5)))
        host.settle()
        host.settle()
    said = [record for record in caplog.records if "allow_drastic" in record.getMessage()]
    assert len(said) == 1
    host.want(row(5, port(5, 5)), row(6))
    host.settle()
    assert [host.pid(number) for number in range(1, 6)] == before
    assert host.serves(5, 6)
    host.want(*(row(number, port(number, 5)) for number in range(1, 6)))
    host.settle()
    assert [host.pid(number) for number in range(1, 6)] == before
    assert host.traces(6) == []


def test_a_drastic_plan_is_carried_out_where_it_is_allowed(tmp_path: Path) -> None:
    host = LoopHost(tmp_path, drastic_fraction=1.0)
    host.want(*(row(number) for number in range(1, 6)))
    host.settle()
    host.want()
    host.settle()
    assert [host.traces(number) for number in range(1, 6)] == [[]] * 5


def test_everything_is_removed_when_the_agent_is_told_so(host: LoopHost) -> None:
    host.want(*(row(number, port(number, 5)) for number in range(1, 6)))
    host.settle()
    while host.reconciler.remove_everything():
        pass
    assert [host.traces(number) for number in range(1, 6)] == [[]] * 5
    assert host.kernel.host == {}


def test_what_is_removed_and_comes_back_has_its_leases(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5")
    while host.reconciler.remove_everything():
        pass
    host.rows = {}
    host.start_agent()
    host.reconciler.tidy(api_has_answered=False)
    assert [event.action for event in host.inbox.events] == ["add"]
    host.want(row(1, port(1, 5)))
    host.settle()
    host.reconciler.tidy(api_has_answered=True)
    assert host.processes.servers[network_id(1)].leases == {"10.0.0.5": (0, mac(5))}
    assert [event.action for event in host.inbox.events] == ["add"]


def test_what_is_removed_and_does_not_come_back_ends_its_leases(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)), row(2))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5")
    while host.reconciler.remove_everything():
        pass
    host.rows = {}
    host.start_agent()
    host.want(row(2))
    host.settle()
    host.reconciler.tidy(api_has_answered=True)
    assert host.table.leases(network_id(1)) == []
    assert [event.action for event in host.inbox.events] == ["add", "missed"]


def test_a_removed_network_ends_its_leases(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5")
    host.want()
    host.settle()
    assert host.table.leases(network_id(1)) == []
    assert [event.action for event in host.inbox.events] == ["add", "missed"]


def test_a_bridge_with_a_guest_is_kept_until_the_guest_leaves(host: LoopHost) -> None:
    host.kernel.plug(TAP)
    host.want(row(1, machine(1, 5)))
    host.settle()
    host.want()
    host.settle()
    assert host.traces(1) == ["bridge", "directory"]
    assert host.kernel.host[TAP].master == BRIDGE
    assert host.forgotten == []
    host.kernel.unplug(TAP)
    host.settle()
    assert host.traces(1) == []
    assert host.forgotten == [network_id(1)]


def test_a_row_that_cannot_be_used_leaves_its_network_as_it_was(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)), row(2))
    host.settle()
    before = (host.pid(1), host.pid(2))
    rows = [row(number) for number in range(1, 5)]
    for one in (rows[0], rows[2]):
        one["dhcp_port"]["mac_address"] = "none"
    host.want(*rows)
    host.settle()
    assert (host.pid(1), host.pid(2)) == before
    assert host.traces(1) == host.traces(4) == EVERYTHING
    assert host.traces(3) == []


def test_a_small_change_does_not_wait_until_many_networks_are_built(host: LoopHost) -> None:
    host.want(row(1))
    host.settle()
    host.step_seconds = 0.15
    host.want(row(1, port(1, 5)), *(row(number) for number in range(2, 30)))
    host.turn()
    assert host.serves(1)
    assert 0 < sum(host.pid(number) > 0 for number in range(2, 30)) < 28
    host.step_seconds = 0.0
    host.settle()
    assert host.serves(*range(1, 30))


def test_as_much_time_goes_into_work_as_went_into_looking(
    host: LoopHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards = host.reconciler._guards
    look = guards.look

    def look_long() -> Any:
        host.now += 60
        return look()

    monkeypatch.setattr(guards, "look", look_long)
    host.step_seconds = 0.15
    host.want(*(row(number) for number in range(1, 8)))
    host.turn()
    assert all(host.pid(number) > 0 for number in range(1, 8))


def test_a_port_is_reported_once_it_is_answered_and_once_only(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.turn()
    assert host.reports == {}
    host.turn()
    assert host.reports == {port_id(1, 5): True}
    host.reports.clear()
    host.settle()
    assert host.reports == {}


def test_a_machine_is_ready_with_its_tap_on_the_bridge_and_down_without(host: LoopHost) -> None:
    host.want(row(1, machine(1, 5)))
    host.settle()
    assert host.reports == {}
    host.kernel.plug(TAP)
    host.settle()
    assert host.reports == {port_id(1, 5): True}
    host.kernel.unplug(TAP)
    host.settle()
    assert host.reports == {port_id(1, 5): False}


def test_a_machine_elsewhere_is_ready_without_a_tap(host: LoopHost) -> None:
    host.want(row(1, machine(1, 5, binding_host_id="elsewhere")))
    host.settle()
    assert host.reports == {port_id(1, 5): True}


def test_an_address_that_changed_hands_is_ready_after_the_reload_alone(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.now += 1
    host.turn()
    host.reports.clear()
    heir = port(1, 6) | {"fixed_ips": port(1, 5)["fixed_ips"]}
    host.faults.fail("reload dnsmasq", times=1)
    host.want(row(1, heir))
    host.turn()
    host.turn()
    assert host.reports == {}
    host.settle()
    assert host.reports == {port_id(1, 6): True}


def test_a_port_is_not_ready_while_another_machine_has_its_address(host: LoopHost) -> None:
    host.want(row(1))
    host.settle()
    host.processes.give(network_id(1), mac(9), "10.0.0.5")
    host.faults.fail("release lease", times=1)
    host.want(row(1, port(1, 5)))
    host.turn()
    assert host.reports == {}
    host.settle()
    assert host.reports == {port_id(1, 5): True}
    assert host.table.leases(network_id(1)) == []


def test_no_lease_of_a_freed_address_is_released_before_the_reload(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.now += 1
    host.processes.give(network_id(1), mac(5), "10.0.0.5")
    host.faults.fail("reload dnsmasq")
    host.want(row(1))
    for _ in range(5):
        host.now += host.turn()
    assert host.faults.tried["release lease"] == 0
    host.faults.end()
    host.settle()
    assert host.table.leases(network_id(1)) == []
    assert [event.action for event in host.inbox.events] == ["add", "del"]


def test_a_lease_that_does_not_end_costs_a_restart_at_last(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    before = host.pid(1)
    host.processes.is_deaf = True
    host.processes.give(network_id(1), mac(9), "10.0.0.9")
    for attempt in range(1, ATTEMPTS + 1):
        assert host.turn() == 0.0
        assert host.faults.tried["release lease"] == attempt
        assert host.turn() == AGAIN_SECONDS
        host.now += AGAIN_SECONDS
    assert host.pid(1) == before
    host.settle()
    assert host.pid(1) not in (0, before)
    assert host.processes.servers[network_id(1)].leases == {}
    assert [event.action for event in host.inbox.events] == ["add", "missed"]


def test_a_lease_that_no_server_can_be_asked_about_is_over(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.expire(network_id(1), Lease("2001:db8::5", mac(5), int(host.now) + 3600))
    host.settle()
    assert host.table.leases(network_id(1)) == []
    assert [event.action for event in host.inbox.events] == ["add", "missed"]
    assert not host.faults.tried["release lease"]


def test_a_tap_that_cannot_be_attached_holds_up_nobody(host: LoopHost) -> None:
    host.kernel.plug(TAP)
    host.faults.fail(f"attach {TAP}")
    host.want(row(1, machine(1, 5), port(1, 6)))
    assert host.turn() == 0.0
    assert host.pid(1)
    assert host.turn() == TAP_AGAIN_SECONDS
    assert host.reports == {port_id(1, 6): True}
    assert list(host.reconciler.troubles) == [TAP]
    host.now += TAP_AGAIN_SECONDS
    host.turn()
    assert host.faults.tried[f"attach {TAP}"] == 2
    assert host.reports == {port_id(1, 6): True}
    host.faults.end()
    host.settle()
    assert host.reports == {port_id(1, 5): True, port_id(1, 6): True}
    assert host.reconciler.troubles == {}


def test_a_tap_that_the_hypervisor_plugs_is_not_put_on_the_bridge(host: LoopHost) -> None:
    host.kernel.plug(TAP)
    host.want(row(1, machine(1, 5, binding_vif_type=model.VIF_BRIDGE)))
    host.settle()
    assert host.kernel.host[TAP].master == ""
    assert host.reports == {}
    host.kernel.put_on(TAP, BRIDGE, mtu=1500, up=False)
    host.settle()
    assert host.reports == {port_id(1, 5): True}
    assert (host.kernel.host[TAP].mtu, host.kernel.host[TAP].up) == (1450, True)


def test_a_tap_of_an_unknown_port_makes_the_agent_ask_at_once_and_again(host: LoopHost) -> None:
    host.want(row(1))
    host.settle()
    host.kernel.plug(TAP)
    for number, later in enumerate([*ASK_AFTER_SECONDS[1:], None], 1):
        wait = host.turn()
        assert host.asked == number
        since = ASK_AFTER_SECONDS[number - 1]
        assert wait == pytest.approx(IDLE_SECONDS if later is None else later - since)
        host.now += wait
    host.turn()
    assert host.asked == len(ASK_AFTER_SECONDS)


def test_a_lease_whose_begin_nobody_reported_is_recorded_when_it_lasts(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give_unreported(network_id(1), mac(5), "10.0.0.5", expires_at=9_000)
    assert host.turn() == QUIET_SECONDS
    assert host.inbox.events == []
    host.now += QUIET_SECONDS
    host.turn()
    (event,) = host.inbox.events
    assert (event.action, event.source, event.mac_address) == ("add", "reconciled", mac(5))
    assert (event.ip_address, event.expires_at) == ("10.0.0.5", 9_000)
    assert host.turn() == IDLE_SECONDS
    host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=9_000)
    assert len(host.inbox.events) == 1, "the hook was only late"


def test_a_lease_whose_end_nobody_reported_ends_when_that_lasts(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), port(1, 6)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=9_000)
    host.processes.give(network_id(1), mac(6), "10.0.0.6", expires_at=9_000)
    host.processes.end_unreported(network_id(1), "10.0.0.5")
    host.settle()
    assert [event.action for event in host.inbox.events] == ["add", "add", "missed"]
    assert [lease.ip_address for lease in host.table.leases(network_id(1))] == ["10.0.0.6"]


def test_a_lease_that_began_and_ended_unreported_is_known_by_what_dnsmasq_said(
    host: LoopHost,
) -> None:
    host.want(row(1, port(1, 5), port(1, 6)))
    host.settle()
    host.processes.give(network_id(1), mac(6), "10.0.0.6", expires_at=9_000)
    host.processes.give_unreported(network_id(1), mac(5), "10.0.0.5", expires_at=9_000)
    host.processes.end_unreported(network_id(1), "10.0.0.5")
    host.logs.ended[network_id(1)] = [Ended(host.now, "10.0.0.5", mac(5))]
    host.settle()
    told = [(one.action, one.source, one.mac_address) for one in host.inbox.events[1:]]
    assert told == [("add", "reconciled", mac(5)), ("missed", "reconciled", mac(5))]
    assert [lease.ip_address for lease in host.table.leases(network_id(1))] == ["10.0.0.6"]


def test_a_lease_whose_hooks_are_only_late_is_recorded_once(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.logs.ended[network_id(1)] = [Ended(host.now, "10.0.0.5", mac(5))]
    host.turn()
    host.now += 2
    host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=9_000)
    host.processes.end_unreported(network_id(1), "10.0.0.5")
    host._hook(network_id(1), "del", mac(5), "10.0.0.5")
    host.settle()
    assert [one.action for one in host.inbox.events] == ["add", "del"]


def test_a_lease_that_is_only_past_its_time_here_goes_on(host: LoopHost) -> None:
    """The clock of a host may be wrong. dnsmasq says when a lease is over."""
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=1)
    host.reconciler.tidy(api_has_answered=True)
    host.settle()
    assert [event.action for event in host.inbox.events] == ["add"]


def test_what_a_dead_server_had_not_reported_is_recorded_at_once(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), port(1, 6)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5")
    host.processes.give_unreported(network_id(1), mac(6), "10.0.0.6")
    host.processes.end_unreported(network_id(1), "10.0.0.5")
    host.server_dies(1)
    assert [event.action for event in host.inbox.events] == ["add", "missed", "add"]
    host.settle()
    assert host.processes.servers[network_id(1)].leases == {"10.0.0.6": (0, mac(6))}


def test_a_server_starts_from_the_records_when_its_own_file_is_torn(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=LATER)
    for torn in ("9000 fa:16", ""):
        path = host.directory / "dhcp" / network_id(1) / lease_file.NAME
        path.write_text(torn)
        host.server_dies(1)
        host.settle()
        assert host.processes.servers[network_id(1)].leases == {"10.0.0.5": (LATER, mac(5))}
    assert [event.action for event in host.inbox.events] == ["add"]


def test_of_a_torn_file_the_log_tells_what_was_given_since_it_was_whole(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), port(1, 6), port(1, 7)))
    host.settle()
    host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=LATER)
    host.processes.give(network_id(1), mac(7), "10.0.0.7", expires_at=LATER)
    host.now += 1
    host.turn()
    (host.directory / "dhcp" / network_id(1) / lease_file.NAME).write_text("9000 fa")
    host.logs.answers[network_id(1)] = [
        (host.now - 0.5, "10.0.0.7", mac(9)),
        (host.now, "10.0.0.6", mac(6)),
        (host.now, "10.0.0.5", ""),
    ]
    host.server_dies(1)
    told = [(event.action, event.ip_address) for event in host.inbox.events[2:]]
    assert told == [("missed", "10.0.0.5"), ("add", "10.0.0.6")]
    host.settle()
    leases = host.processes.servers[network_id(1)].leases
    assert {address: who for address, (_expires, who) in leases.items()} == {
        "10.0.0.6": mac(6),
        "10.0.0.7": mac(7),
    }


def test_a_full_disk_leaves_unreported_leases_for_later(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.processes.give_unreported(network_id(1), mac(5), "10.0.0.5")
    host.turn()
    host.inbox.is_full = True
    host.now += QUIET_SECONDS
    assert host.turn() == server_leases.AGAIN_SECONDS
    host.inbox.is_full = False
    host.settle()
    assert [event.action for event in host.inbox.events] == ["add"]


def test_tidying_forgets_nothing_that_is_needed(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.reports.clear()
    host.reconciler.tidy(api_has_answered=True)
    assert quiet(host)
    assert host.reports == {}


def test_a_server_that_does_not_start_is_quoted(
    host: LoopHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_unused: object) -> Running:
        raise DnsmasqFailed("dnsmasq ended with status 1")

    monkeypatch.setattr(host.processes, "start", refuse)
    host.want(row(1, port(1, 5)))
    host.turn()
    trouble = host.reconciler.troubles[network_id(1)]
    assert trouble == "dnsmasq ended with status 1: bad option at line 1"


def test_a_port_that_nothing_gives_an_address_any_more_is_down(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    off = [subnet4(enable_dhcp=False)]
    host.want(row(1, port(1, 5, status="ACTIVE"), subnets=off))
    host.settle()
    assert host.reports == {port_id(1, 5): False}
    host.want(row(1, port(1, 5)))
    host.settle()
    assert host.reports == {port_id(1, 5): True}
    host.want(row(1, port(1, 5, status="ACTIVE"), admin_state_up=False))
    host.settle()
    assert host.reports == {port_id(1, 5): False}


def test_a_server_that_does_not_start_for_long_makes_the_ports_of_this_host_down(
    host: LoopHost,
) -> None:
    here, elsewhere = machine(1, 5, status="ACTIVE"), machine(1, 6, binding_host_id="elsewhere")
    host.kernel.plug(TAP)
    host.want(row(1, here, elsewhere))
    host.settle()
    host.reports.clear()
    host.faults.fail("start dnsmasq")
    host.server_dies(1)
    for _ in range(FAILURES_OF_BROKEN - 1):
        host.now += host.turn()
        assert host.reports == {}, "it may pass"
    for _ in range(5):
        host.now += host.turn()
    assert host.reports == {port_id(1, 5): False}
    host.faults.end()
    host.now += LONGEST_RETRY_SECONDS
    host.settle()
    assert host.reports[port_id(1, 5)]


def odd_row(**more: Any) -> Json:
    """A network with a subnet whose server's address no kernel takes, and ports in both."""
    odd = subnet6(cidr="ff02:1::/64")
    both = port(1, 6)
    both["fixed_ips"] = [*both["fixed_ips"], {"subnet_id": odd["id"], "ip_address": "ff02:1::6"}]
    return row(1, port(1, 5), both, subnets=[subnet4(), odd]) | more


def test_an_address_that_the_kernel_refuses_takes_no_other_subnet_down(host: LoopHost) -> None:
    host.want(odd_row())
    host.settle()
    assert host.pid(1)
    assert host.truth(network_id(1)).addresses == {"10.0.0.2/24"}
    assert host.reports == {port_id(1, 5): True}, "the other port was promised more"
    (trouble,) = host.reconciler.troubles.values()
    assert "the kernel refuses ff02:1::f816:3eff:fe00:2/64: Invalid argument" in trouble
    host.want(odd_row(subnets=[subnet4()]))
    host.settle()
    assert host.reconciler.troubles == {}


def test_a_refused_address_is_tried_again_on_another_interface_and_after_a_while(
    host: LoopHost,
) -> None:
    host.want(odd_row())
    host.settle()
    tried = host.faults.tried["change address"]
    host.now += ADDRESS_AGAIN_SECONDS
    host.settle()
    assert host.faults.tried["change address"] == tried + 1
    host.want(odd_row(mtu=1400))
    host.settle()
    assert host.faults.tried["change address"] == tried + 3, "both, on the new interface"


def test_what_was_observed_stays_as_it_was_when_files_are_written(host: LoopHost) -> None:
    """A turn compares it with what it sees, and asks only networks that have changed."""
    host.want(row(1, port(1, 5)))
    host.settle()
    seen = host.servers.observe(network_id(1), host.kernel.see(network_id(1)), ()).state
    before = dict(seen.files)
    host.want(row(1, port(1, 5), port(1, 6)))
    host.settle()
    assert seen.files == before
