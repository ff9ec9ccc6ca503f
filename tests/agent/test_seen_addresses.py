"""IPv6 addresses that machines make: which are learned, for how long, and what a flood costs."""

from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from ipam.agent.dnsmasq.nd_frames import Sight
from ipam.agent.seen_addresses import MOST_ASKED, MOST_OF_A_MACHINE
from tests.agent.loop_host import LoopHost, mac, network_id, port, row
from tests.agent.network_rows import HOST, Json, subnet4, subnet6

LEASE_SECONDS = 86400
PRIVATE = IPv6Address("2001:db8::abcd")
MACHINE = mac(5)


def network(*ports: Json, **more: Any) -> Json:
    return row(1, *ports, subnets=[subnet4(), subnet6("slaac")], **more)


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.want(network(port(1, 5), port(1, 6)))
    host.settle()
    return host


def see(host: LoopHost, *sights: Sight, seconds: float = 2.0) -> list[tuple[str, str, str | None]]:
    """The events that one look brings about."""
    before = len(host.inbox.events)
    host.now += seconds
    host.sights.packets[network_id(1)] = [*sights]
    host.reconciler.look_after_servers()
    found = host.inbox.events[before:]
    assert {(one.source, one.host) for one in found} <= {("slaac", HOST)}
    return [(one.action, one.ip_address, one.mac_address) for one in found]


def test_an_address_that_a_machine_made_is_learned_once(host: LoopHost) -> None:
    assert see(host, Sight(MACHINE, PRIVATE)) == [("add", str(PRIVATE), MACHINE)]
    (event,) = host.inbox.events
    assert event.expires_at == event.occurred_at_us // 1_000_000 + LEASE_SECONDS
    assert see(host, Sight(MACHINE, PRIVATE)) == []
    assert host.leases.of(network_id(1)) == [], "it is no lease of dnsmasq's"


def test_a_network_is_listened_to_before_its_ports_are_ready(tmp_path: Path) -> None:
    host = LoopHost(tmp_path)
    host.on_report = lambda _port, _ready: listening.append(network_id(1) in host.sights.heard_of)
    listening: list[bool] = []
    host.want(network(port(1, 5)))
    host.settle()
    assert listening == [True]


@pytest.mark.parametrize(
    "sight",
    [
        Sight(mac(99), PRIVATE),
        Sight(MACHINE, IPv6Address("2001:db8:1::5")),
    ],
    ids=["a stranger", "another prefix"],
)
def test_what_is_no_machines_or_in_no_such_prefix_is_passed_over(
    host: LoopHost, sight: Sight
) -> None:
    assert see(host, sight) == []


def test_a_machine_of_another_host_is_that_hosts_to_tell(host: LoopHost) -> None:
    host.want(network(port(1, 5, binding_host_id="another")))
    host.settle()
    assert see(host, Sight(MACHINE, PRIVATE)) == []


def test_a_network_in_which_dhcp_gives_addresses_is_not_watched(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), subnets=[subnet4(), subnet6("dhcpv6-stateful")]))
    host.settle()
    assert see(host, Sight(MACHINE, PRIVATE)) == []


def test_one_that_is_seen_again_lives_on(host: LoopHost) -> None:
    see(host, Sight(MACHINE, PRIVATE))
    host.now += LEASE_SECONDS / 2
    assert see(host, Sight(MACHINE, PRIVATE)) == [("old", str(PRIVATE), MACHINE)]
    assert see(host, Sight(MACHINE, PRIVATE)) == []


def test_a_silent_one_is_asked_about_and_lives_on_if_it_answers(host: LoopHost) -> None:
    see(host, Sight(MACHINE, PRIVATE))
    host.neighbours.holders[str(PRIVATE)] = MACHINE
    assert see(host) == []
    assert host.neighbours.asked == []
    host.now += LEASE_SECONDS / 2
    assert see(host) == [("old", str(PRIVATE), MACHINE)]
    assert host.neighbours.asked == [str(PRIVATE)]


@pytest.mark.parametrize("holder", [None, mac(6)])
def test_one_that_is_gone_is_asked_about_once_and_then_forgotten(
    host: LoopHost, holder: str | None
) -> None:
    see(host, Sight(MACHINE, PRIVATE))
    if holder:
        host.neighbours.holders[str(PRIVATE)] = holder
    host.now += LEASE_SECONDS / 2
    assert see(host) == []
    assert see(host) == []
    assert host.neighbours.asked == [str(PRIVATE)]
    host.now += LEASE_SECONDS / 2
    assert see(host) == []
    assert see(host, Sight(mac(6), PRIVATE)) == [("add", str(PRIVATE), mac(6))]


def test_an_address_is_its_first_machines_until_it_is_forgotten(host: LoopHost) -> None:
    see(host, Sight(MACHINE, PRIVATE))
    assert see(host, Sight(mac(6), PRIVATE)) == []


def test_a_flood_is_learned_up_to_a_bound_of_each_machine(host: LoopHost) -> None:
    flood = [Sight(MACHINE, IPv6Address(f"2001:db8::f:{number:x}")) for number in range(500)]
    assert len(see(host, *flood)) == MOST_OF_A_MACHINE
    assert see(host, *reversed(flood)) == []
    assert len(see(host, Sight(mac(6), PRIVATE))) == 1, "another machine is learned all the same"


def test_few_are_asked_about_at_once(host: LoopHost) -> None:
    numbers = range(10, 10 + MOST_ASKED // MOST_OF_A_MACHINE + 1)
    host.want(network(*(port(1, number) for number in numbers)))
    host.settle()
    for number in numbers:
        for last in range(MOST_OF_A_MACHINE):
            see(host, Sight(mac(number), IPv6Address(f"2001:db8::{number:x}:{last:x}")))
    host.now += LEASE_SECONDS / 2
    see(host)
    assert len(host.neighbours.asked) == MOST_ASKED
    see(host)
    assert len(host.neighbours.asked) == len(numbers) * MOST_OF_A_MACHINE


def test_nothing_is_learned_of_a_network_that_is_being_taken_down(host: LoopHost) -> None:
    see(host, Sight(MACHINE, PRIVATE))
    host.sights.is_gone = host.neighbours.is_gone = True
    host.now += LEASE_SECONDS / 2
    assert see(host, Sight(mac(6), PRIVATE)) == []


def test_what_found_no_room_is_learned_when_it_is_seen_again(host: LoopHost) -> None:
    host.inbox.is_full = True
    assert see(host, Sight(MACHINE, PRIVATE)) == []
    host.inbox.is_full = False
    assert see(host, Sight(MACHINE, PRIVATE)) == [("add", str(PRIVATE), MACHINE)]


def test_what_was_learned_of_a_network_goes_with_it(host: LoopHost) -> None:
    see(host, Sight(MACHINE, PRIVATE))
    host.want(row(1, port(1, 5)))
    host.settle()
    see(host)
    host.want(network(port(1, 5)))
    host.settle()
    assert see(host, Sight(MACHINE, PRIVATE)) == [("add", str(PRIVATE), MACHINE)]
