"""Declined addresses: who has them, and when they are given again."""

from pathlib import Path

import pytest

from ipam.agent.conflicts import MOST_AT_ONCE, RELOAD_AGAIN_SECONDS
from ipam.agent.dnsmasq.verdicts import Kind, Verdict
from tests.agent.loop_host import LoopHost, mac, network_id, port, port_id, row

SQUATTER = "52:54:00:00:00:01"


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.want(row(1, *(port(1, number) for number in range(5, 10))))
    host.settle()
    return host


def decline(host: LoopHost, *addresses: str) -> None:
    host.logs.said[network_id(1)] = [
        Verdict(Kind.ADDRESS_DECLINED, "was previously declined", address=one) for one in addresses
    ]


def look(host: LoopHost) -> int:
    """The reloads that one look brings about."""
    before = host.faults.tried["reload dnsmasq"]
    host.now += 1
    host.reconciler.tidy(api_has_answered=True)
    return host.faults.tried["reload dnsmasq"] - before


def test_who_answers_for_a_declined_address_is_a_trouble_of_its_port(host: LoopHost) -> None:
    host.neighbours.holders["10.0.0.5"] = SQUATTER
    decline(host, "10.0.0.5")
    assert look(host) == 0
    assert f"{SQUATTER} answers for 10.0.0.5." in host.reconciler.troubles[port_id(1, 5)]
    host.neighbours.holders.clear()
    assert look(host) == 1
    assert host.reconciler.troubles == {}


def test_an_address_that_nobody_has_is_given_again_at_once_but_not_all_the_time(
    host: LoopHost,
) -> None:
    decline(host, "10.0.0.5")
    assert look(host) == 1
    decline(host, "10.0.0.5")
    assert look(host) == 0
    host.now += RELOAD_AGAIN_SECONDS
    assert look(host) == 1


def test_the_ports_own_machine_is_no_conflict(host: LoopHost) -> None:
    host.neighbours.holders["10.0.0.5"] = mac(5)
    decline(host, "10.0.0.5")
    assert look(host) == 1


def test_only_addresses_of_ports_beside_the_server_are_asked_about(host: LoopHost) -> None:
    decline(host, "10.0.0.77", "192.0.2.5", "2001:db8::5")
    assert look(host) == 0
    assert host.neighbours.asked == []


def test_one_look_asks_about_few(host: LoopHost) -> None:
    every = [f"10.0.0.{number}" for number in range(5, 10)]
    host.neighbours.holders = dict.fromkeys(every, SQUATTER)
    decline(host, *every)
    look(host)
    assert host.neighbours.asked == every[:MOST_AT_ONCE]


def test_who_was_learned_for_a_ports_address_is_asked_about_and_told_of(host: LoopHost) -> None:
    host.neighbours.learned = {"10.0.0.5": SQUATTER, "10.0.0.6": mac(6), "10.0.0.77": SQUATTER}
    look(host)
    assert host.neighbours.asked == ["10.0.0.5"]
    assert host.reconciler.conflicts == [], "its own machine has it again"
    host.neighbours.holders["10.0.0.5"] = SQUATTER
    look(host)
    (told,) = host.reconciler.conflicts
    assert (told.network_id, told.ip_address) == (network_id(1), "10.0.0.5")
    assert (told.mac_address, told.declined) == (SQUATTER, False)
    host.neighbours.learned.clear()
    look(host)
    assert host.reconciler.conflicts == [told], "it is asked about until nobody answers"
    host.neighbours.holders.clear()
    look(host)
    assert host.reconciler.conflicts == []


def test_a_declined_address_is_told_of_as_long_as_it_is_kept_back(host: LoopHost) -> None:
    decline(host, "10.0.0.5")
    look(host)
    (told,) = host.reconciler.conflicts
    assert (told.ip_address, told.mac_address, told.declined) == ("10.0.0.5", "", True)
    host.logs.said.clear()
    look(host)
    assert host.reconciler.conflicts == []


def test_nothing_is_concluded_where_nobody_can_be_asked(host: LoopHost) -> None:
    host.neighbours.is_gone = True
    decline(host, "10.0.0.5")
    assert look(host) == 0
