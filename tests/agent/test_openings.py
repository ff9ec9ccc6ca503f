"""DHCP ports that are open to machines behind an uplink: when, to whom, and for how long."""

from pathlib import Path

import pytest

from ipam import model
from ipam.agent.guard.fence import SERVER
from ipam.agent.guard.opening import MACHINES, OPENED, SOLE
from ipam.agent.wires import Reach
from ipam.rules.mappings import of_host
from tests.agent.loop_host import LoopHost, mac, machine, port, port_id, row
from tests.agent.network_rows import HOST, Json

DHCP_TAP = model.tap_name(port_id(1, 0xFFFF))
DOWN_SECONDS = 75


def lan(*ports: Json, elected: bool = True, physical: str = "physnet1") -> Json:
    more = {"network_type": "flat", "physical_network": physical}
    return row(1, *ports, elected_seconds=DOWN_SECONDS if elected else None, **more)


def bare_metal(number: int) -> Json:
    return port(1, number) | {"binding_host_id": ""}


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    """An elected host with one guest, and one machine behind its uplink."""
    host = LoopHost(tmp_path, reach=Reach({"physnet1": "eth1"}, host=HOST))
    host.kernel.add_uplink("eth1")
    host.want(lan(machine(1, 5), bare_metal(6)))
    host.settle()
    return host


def is_open(host: LoopHost) -> bool:
    return not host.kernel.host[DHCP_TAP].isolated


def fence(host: LoopHost) -> set[tuple[str, str]]:
    return set(host.filter.truth.taps.get(DHCP_TAP, ())) - SERVER


def test_the_elected_host_answers_the_machines_that_no_host_has(host: LoopHost) -> None:
    assert is_open(host)
    assert fence(host) == {(OPENED, "eth1"), (MACHINES, mac(6))}
    assert host.filter.answering == {DHCP_TAP: pytest.approx(host.now + 0.9 * DOWN_SECONDS)}
    assert host.neighbours.announced == ["10.0.0.2/24"], "switches look for it here now"
    assert host.reports == {port_id(1, 6): True}
    host.want(lan(machine(1, 5), bare_metal(6), bare_metal(7)))
    host.settle()
    assert (MACHINES, mac(7)) in fence(host)
    assert host.neighbours.announced == ["10.0.0.2/24"], "it was open all the time"


def test_a_host_that_is_not_elected_any_more_answers_its_guests_alone(host: LoopHost) -> None:
    host.want(lan(machine(1, 5), elected=False))
    host.settle()
    assert not is_open(host)
    assert fence(host) == set()
    assert host.filter.answering == {}


def test_without_machines_behind_the_uplink_nothing_is_open(host: LoopHost) -> None:
    host.want(lan(machine(1, 5)))
    host.settle()
    assert not is_open(host)


def test_a_host_that_does_not_hear_the_api_stops_before_another_is_elected(
    host: LoopHost,
) -> None:
    host.heard_at = host.now
    host.now += 0.8 * DOWN_SECONDS
    host.settle()
    assert is_open(host)
    host.now += 0.2 * DOWN_SECONDS
    host.settle()
    assert not is_open(host)
    host.heard_at = host.now
    host.settle()
    assert is_open(host)


def test_an_agent_that_starts_while_the_api_is_away_leaves_open_what_is_open(
    host: LoopHost,
) -> None:
    answering = dict(host.filter.answering)
    host.heard_at = float("-inf")
    host.start_agent(said_by_api=False)
    host.settle()
    assert is_open(host)
    assert host.filter.answering == answering, "the kernel ends it"


@pytest.mark.parametrize("heard_at", [0.0, float("-inf")])
def test_what_no_other_host_could_answer_is_answered_however_long_the_api_is_away(
    host: LoopHost, heard_at: float
) -> None:
    host.want(lan(machine(1, 5), bare_metal(6), physical=of_host(HOST, "eth1")))
    host.settle()
    assert fence(host) == {(OPENED, "eth1"), (MACHINES, mac(6)), SOLE}
    host.heard_at = heard_at
    host.now += 1000 * DOWN_SECONDS
    host.start_agent(said_by_api=False)
    host.settle()
    assert is_open(host)
    assert host.reports == {port_id(1, 6): True}
    host.want(lan(machine(1, 5), bare_metal(6), physical=of_host("elsewhere", "eth1")))
    host.settle()
    assert (SOLE, is_open(host)) not in {(one, True) for one in fence(host)}


def test_a_port_whose_guard_is_gone_is_closed_until_it_has_it_again(host: LoopHost) -> None:
    host.filter.flush()
    host.turn()
    assert not is_open(host)
    host.settle()
    assert is_open(host)
    assert (OPENED, "eth1") in fence(host)


def test_a_guard_that_cannot_be_had_leaves_the_port_isolated(host: LoopHost) -> None:
    host.want(lan(machine(1, 5), elected=False))
    host.settle()
    host.faults.chances([True] * 100)
    host.want(lan(machine(1, 5), bare_metal(6)))
    host.turn()
    assert not is_open(host)


def test_a_machine_is_down_while_the_uplink_is_away(host: LoopHost) -> None:
    host.kernel.unplug("eth1")
    host.settle()
    assert host.reports[port_id(1, 6)] is False
    host.kernel.add_uplink("eth1")
    host.settle()
    assert host.reports[port_id(1, 6)] is True


def test_a_network_that_is_deleted_leaves_nothing_open(host: LoopHost) -> None:
    host.want()
    host.settle()
    assert DHCP_TAP not in host.kernel.host
    assert fence(host) == set()
