"""Leases given back in their machines' names: which are restored, how, and at what cost."""

from pathlib import Path

import pytest

from ipam import clock
from ipam.agent.rogue_releases import (
    ASK_AFTER_SECONDS,
    ATTEMPTS,
    MOST_WAITING,
    NETWORKS_AT_ONCE,
    REASON,
    REMEMBERED_SECONDS,
)
from ipam.rules.dhcp_option_values import INFINITE_SECONDS
from tests.agent.loop_host import LoopHost, mac, network_id, port, row

ADDRESS, MACHINE = "10.0.0.5", mac(5)
HOUR = 3600


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.want(row(1, *(port(1, number) for number in range(5, 9))))
    host.settle()
    host.processes.give(network_id(1), MACHINE, ADDRESS)
    host.settle()
    return host


def give_back(host: LoopHost, address: str = ADDRESS, network: int = 1) -> None:
    """A release that dnsmasq takes for the machine's own."""
    server = host.processes.servers[network_id(network)]
    _expires, owner = server.leases.pop(address)
    server.write_leases()
    host._hook(network_id(network), "del", owner, address)


def later(host: LoopHost, seconds: float = ASK_AFTER_SECONDS) -> None:
    host.turn()
    host.now += seconds
    host.settle()


def leased(host: LoopHost, network: int = 1) -> set[str]:
    return {one.ip_address for one in host.leases.of(network_id(network))}


def test_a_machine_that_still_answers_has_its_lease_again(
    host: LoopHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.neighbours.holders[ADDRESS] = MACHINE
    give_back(host)
    host.turn()
    host.now += ASK_AFTER_SECONDS / 2
    host.turn()
    assert host.neighbours.asked == [], "one that gives its lease back needs a moment"
    later(host)
    assert leased(host) == {ADDRESS}
    assert host.processes.restored == [(ADDRESS, INFINITE_SECONDS)]
    assert [one.action for one in host.inbox.events][-2:] == ["del", "add"]
    assert host.reconciler.reason_of_begin(network_id(1), ADDRESS) == REASON
    assert host.reconciler.reason_of_begin(network_id(1), "10.0.0.6") == ""
    assert caplog.text.count(REASON) == 1
    later(host, REMEMBERED_SECONDS)
    assert host.reconciler.reason_of_begin(network_id(1), ADDRESS) == ""
    assert host.processes.restored == [(ADDRESS, INFINITE_SECONDS)], "once"


def test_it_is_asked_for_the_rest_of_its_time_alone(host: LoopHost) -> None:
    until = clock.now_seconds() + HOUR
    host.processes.give(network_id(1), mac(6), "10.0.0.6", expires_at=until)
    host.neighbours.holders["10.0.0.6"] = mac(6)
    give_back(host, "10.0.0.6")
    later(host)
    ((address, seconds),) = host.processes.restored
    assert address == "10.0.0.6"
    assert 0 < seconds <= HOUR


@pytest.mark.parametrize("holder", [None, mac(99)])
def test_a_machine_that_has_left_its_address_has_no_lease(
    host: LoopHost, holder: str | None
) -> None:
    if holder:
        host.neighbours.holders[ADDRESS] = holder
    give_back(host)
    later(host)
    assert host.neighbours.asked == [ADDRESS]
    assert host.processes.restored == []


def test_a_lease_that_has_run_out_is_over(host: LoopHost) -> None:
    past = clock.now_seconds() - 1
    host.processes.give(network_id(1), MACHINE, ADDRESS, expires_at=past)
    host.neighbours.holders[ADDRESS] = MACHINE
    give_back(host)
    later(host)
    assert host.neighbours.asked == []


def test_a_machine_that_has_asked_again_is_left_alone(host: LoopHost) -> None:
    give_back(host)
    host.processes.give(network_id(1), MACHINE, ADDRESS)
    later(host)
    assert host.neighbours.asked == []


def test_what_the_agent_itself_ends_stays_ended(host: LoopHost) -> None:
    host.neighbours.holders[ADDRESS] = MACHINE
    ending = {"ip_address": ADDRESS, "mac_address": MACHINE, "duid": None, "iaid": None}
    host.want(row(1, port(1, 5), ending_leases=[ending]))
    later(host)
    assert leased(host) == set()
    assert host.neighbours.asked == []


def test_a_lease_of_another_port_by_now_is_over(host: LoopHost) -> None:
    give_back(host)
    host.turn()
    host.neighbours.holders[ADDRESS] = MACHINE
    host.want(row(1, port(1, 5) | {"mac_address": mac(77)}))
    host.settle()
    later(host)
    assert host.processes.restored == []


def test_a_machine_of_a_dynamic_range_has_its_lease_again(host: LoopHost) -> None:
    parts = [{"start": "10.0.0.100", "end": "10.0.0.120"}]
    subnet = row(1)["subnets"][0] | {"dynamic_ranges": parts, "dynamic_part": parts}
    host.want(row(1, subnets=[subnet]))
    host.settle()
    host.processes.give(network_id(1), mac(50), "10.0.0.110")
    host.neighbours.holders["10.0.0.110"] = mac(50)
    give_back(host, "10.0.0.110")
    later(host)
    assert "10.0.0.110" in leased(host)


def test_a_server_that_does_not_listen_is_asked_a_few_times(host: LoopHost) -> None:
    host.neighbours.holders[ADDRESS] = MACHINE
    host.processes.is_deaf = True
    give_back(host)
    later(host, ASK_AFTER_SECONDS * (ATTEMPTS + 2))
    later(host)
    assert len(host.processes.restored) == ATTEMPTS
    assert host.neighbours.asked == [ADDRESS] * ATTEMPTS


def test_nobody_is_asked_in_a_network_that_is_being_taken_down(host: LoopHost) -> None:
    host.neighbours.is_gone = True
    give_back(host)
    later(host)
    assert host.processes.restored == []


def test_a_lease_that_cannot_be_asked_for_is_said(
    host: LoopHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.neighbours.holders[ADDRESS] = MACHINE
    host.faults.fail("restore lease", 1)
    give_back(host)
    later(host)
    assert "cannot be asked for" in caplog.text


def test_a_storm_of_ends_asks_a_few_networks_at_a_time(host: LoopHost) -> None:
    numbers = range(2, 2 + NETWORKS_AT_ONCE + 2)
    host.want(*(row(number, port(number, 5)) for number in numbers))
    host.settle()
    for number in numbers:
        host.processes.give(network_id(number), MACHINE, ADDRESS)
        give_back(host, network=number)
    host.turn()
    host.now += ASK_AFTER_SECONDS
    host.turn()
    assert host.neighbours.asked == [ADDRESS] * NETWORKS_AT_ONCE
    host.settle()
    assert host.neighbours.asked == [ADDRESS] * len(numbers)


def test_of_too_many_ends_some_are_not_asked_about(host: LoopHost) -> None:
    for number in range(MOST_WAITING):
        for action in ("add", "del"):
            host._hook(network_id(1), action, mac(9), f"10.9.{number // 250}.{number % 250}")
    host.turn()
    give_back(host)
    later(host)
    assert host.neighbours.asked == []
