"""A port is ready when dnsmasq answers it as promised. Otherwise there is a reason."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam.agent import port_reports
from ipam.agent.dnsmasq.verdicts import Kind, Verdict
from ipam.agent.port_reports import LEAST_NETWORKS
from ipam.agent.proofs import LASTING_SECONDS, LONGEST_RETRY_SECONDS, LONGEST_TURN_SECONDS
from ipam.agent.readiness import news
from ipam.agent.reconciler import IDLE_SECONDS
from ipam.agent.served import ServedNetwork
from tests.agent.loop_host import LoopHost, mac, machine, network_id, port, port_id, row
from tests.agent.network_rows import SUBNET4, SUBNET6, Json, subnet4, subnet6

PORT = port_id(1, 5)


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    return LoopHost(tmp_path)


def until(host: LoopHost, is_so: Callable[[], bool]) -> None:
    """Turn after turn with the waits that the loop asks for."""
    for _ in range(50):
        if is_so():
            return
        host.now += host.turn()
    raise AssertionError("it never came about")


def with_option(code: str, **more: object) -> Json:
    option = {"opt_name": code, "opt_value": "10.0.0.9", "ip_version": 4}
    return port(1, 5, **more) | {"extra_dhcp_opts": [option]}


def test_a_port_that_dnsmasq_does_not_answer_is_not_ready_and_says_so(host: LoopHost) -> None:
    host.prober.silent.add(mac(5))
    host.want(row(1, port(1, 5), port(1, 6)))
    until(host, lambda: PORT in host.reconciler.troubles)
    assert host.reports == {port_id(1, 6): True}, "its neighbour does not wait for it"
    assert host.reconciler.troubles[PORT] == f"dnsmasq does not offer 10.0.0.5 to {mac(5)}"
    host.prober.silent.clear()
    until(host, lambda: bool(host.reports.get(PORT)))
    assert host.reconciler.troubles == {}
    host.settle()


def test_what_goes_within_a_moment_is_not_spoken_of(host: LoopHost) -> None:
    host.prober.silent.add(mac(5))
    host.want(row(1, port(1, 5)))
    begun = host.now
    while host.now < begun + LASTING_SECONDS / 2:
        host.now += host.turn()
        assert host.reconciler.troubles == {}


def test_a_silent_port_is_asked_ever_more_rarely(host: LoopHost) -> None:
    host.prober.silent.add(mac(5))
    host.want(row(1, port(1, 5)))
    for _ in range(20):
        host.now += host.turn()
    assert 0 < host.turn() <= LONGEST_RETRY_SECONDS
    asked = len(host.prober.asked)
    host.turn()
    assert len(host.prober.asked) == asked


def test_an_option_that_the_answer_lacks_holds_the_port_up(host: LoopHost) -> None:
    host.prober.lacking.add(42)
    host.want(row(1, with_option("42")))
    until(host, lambda: PORT in host.reconciler.troubles)
    assert host.reports == {}
    assert host.reconciler.troubles[PORT] == (
        "dnsmasq's answer has no DHCP option 42 (ntp-server)"
    )
    host.prober.lacking.clear()
    until(host, lambda: host.reports == {PORT: True})


def test_a_line_that_dnsmasq_dropped_holds_the_port_up_with_the_fix(host: LoopHost) -> None:
    dropped = Verdict(Kind.OPTION_DROPPED, "bad dhcp-option", file=f"options/{PORT}", line=1)
    host.logs.said[network_id(1)] = [dropped]
    host.want(row(1, with_option("42")))
    until(host, lambda: PORT in host.reconciler.troubles)
    assert host.reports == {}
    assert host.reconciler.troubles[PORT] == (
        "dnsmasq dropped DHCP option 1 of its list: bad dhcp-option (42,10.0.0.9)."
        " Correct or remove the option."
    )
    host.logs.said.clear()
    until(host, lambda: host.reports == {PORT: True})


def test_a_port_is_proved_once_until_it_changes(host: LoopHost) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    asked = len(host.prober.asked)
    assert asked == 1
    host.now += IDLE_SECONDS
    host.settle()
    assert len(host.prober.asked) == asked
    host.want(row(1, port(1, 5, revision_number=4, status="ACTIVE")))
    host.settle()
    assert len(host.prober.asked) == asked + 1


def test_a_changed_port_that_is_answered_no_more_stays_as_it_is_but_not_quietly(
    host: LoopHost,
) -> None:
    host.want(row(1, port(1, 5)))
    host.settle()
    host.reports.clear()
    host.prober.lacking.add(42)
    host.want(row(1, with_option("42", revision_number=4, status="ACTIVE")))
    until(host, lambda: PORT in host.reconciler.troubles)
    assert host.reports == {}


def test_an_option_of_the_subnet_that_is_lacking_is_the_subnets_trouble(host: LoopHost) -> None:
    host.prober.lacking.add(3)
    host.want(row(1, port(1, 5), port(1, 6)))
    until(host, lambda: SUBNET4 in host.reconciler.troubles)
    assert host.reports == {}, "no port is quietly ready"
    assert list(host.reconciler.troubles) == [SUBNET4], "one sentence, however many ports"
    assert "has no DHCP option 3 (router)" in host.reconciler.troubles[SUBNET4]
    host.prober.lacking.clear()
    until(host, lambda: len(host.reports) == 2)


def test_a_change_of_the_subnet_has_its_ports_proved_anew(host: LoopHost) -> None:
    host.want(row(1, port(1, 5, status="ACTIVE")))
    host.settle()
    asked = len(host.prober.asked)
    host.want(row(1, port(1, 5, status="ACTIVE")))
    host.settle()
    assert len(host.prober.asked) == asked, "nothing has changed"
    host.prober.lacking.add(6)
    changed = subnet4(dns_nameservers=["192.0.2.99"])
    host.want(row(1, port(1, 5, status="ACTIVE"), subnets=[changed]))
    until(host, lambda: SUBNET4 in host.reconciler.troubles)
    assert host.reports == {}, "its machine is served"


def test_an_active_port_whose_machine_gets_no_address_any_more_is_down_until_it_does(
    host: LoopHost,
) -> None:
    host.want(row(1, port(1, 5, status="ACTIVE"), port(1, 6, status="ACTIVE")))
    host.settle()
    host.prober.silent.add(mac(5))
    changed = port(1, 5, status="ACTIVE", revision_number=4)
    host.want(row(1, changed, port(1, 6, status="ACTIVE")))
    until(host, lambda: bool(host.reports))
    assert host.reports == {PORT: False}
    assert host.reconciler.troubles[PORT] == f"dnsmasq does not offer 10.0.0.5 to {mac(5)}"
    host.want(row(1, changed | {"status": "DOWN"}, port(1, 6, status="ACTIVE")))
    host.prober.silent.clear()
    until(host, lambda: host.reports == {PORT: True})
    assert host.reconciler.troubles == {}
    host.settle()


def test_what_goes_within_seconds_makes_no_active_port_down(host: LoopHost) -> None:
    host.want(row(1, port(1, 5, status="ACTIVE")))
    host.settle()
    host.prober.silent.add(mac(5))
    host.want(row(1, port(1, 5, status="ACTIVE", revision_number=4)))
    until(host, lambda: PORT in host.reconciler.troubles)
    assert host.reports == {}
    host.prober.silent.clear()
    host.settle()
    assert host.reports == {}


def test_a_port_whose_address_dnsmasq_keeps_back_is_proved_anew(host: LoopHost) -> None:
    host.want(row(1, port(1, 5, status="ACTIVE")))
    host.settle()
    said = Verdict(Kind.ADDRESS_DECLINED, "it was previously declined", address="10.0.0.5")
    host.logs.said[network_id(1)] = [said]
    host.neighbours.holders["10.0.0.5"] = mac(9)
    host.prober.silent.add(mac(5))
    host.reconciler.tidy(api_has_answered=True)
    until(host, lambda: host.reports == {PORT: False})


def advertised(mode: str, *ports: Json) -> Json:
    return row(1, *ports, subnets=[subnet4(), subnet6(mode)])


def own(number: int, **more: object) -> Json:
    """A port whose machine makes its address by itself."""
    address = {"subnet_id": SUBNET6, "ip_address": f"2001:db8::{number}"}
    return port(1, number, **more) | {"fixed_ips": [address]}


def test_a_machine_that_makes_its_address_is_ready_when_the_prefix_is_advertised(
    host: LoopHost,
) -> None:
    host.prober.advertises = False
    host.want(advertised("slaac", own(5), own(6), port(1, 7)))
    until(host, lambda: network_id(1) in host.reconciler.troubles)
    assert host.reports == {port_id(1, 7): True}, "it has no address there"
    said = "dnsmasq sends no router advertisement"
    assert host.reconciler.troubles == {network_id(1): said}
    host.prober.advertises = True
    until(host, lambda: len(host.reports) == 3)
    asked = len(host.prober.solicited)
    host.want(advertised("slaac", own(5), own(6), own(8), port(1, 7)))
    until(host, lambda: len(host.reports) == 4)
    assert len(host.prober.solicited) == asked, "once for all ports of a network"


def test_information_without_an_address_is_proved_too(host: LoopHost) -> None:
    host.prober.lacking.add(23)
    host.want(advertised("dhcpv6-stateless", own(5)))
    until(host, lambda: network_id(1) in host.reconciler.troubles)
    assert "requests for information has no option 23" in host.reconciler.troubles[network_id(1)]
    assert host.reports == {}


def test_active_ports_are_down_when_nothing_is_advertised_after_a_change(host: LoopHost) -> None:
    host.want(advertised("slaac", own(5, status="ACTIVE"), port(1, 6, status="ACTIVE")))
    host.settle()
    host.prober.advertises = False
    host.want(
        advertised("slaac", own(5, status="ACTIVE"), port(1, 6, status="ACTIVE")) | {"mtu": 1400}
    )
    until(host, lambda: bool(host.reports))
    assert host.reports == {PORT: False}


def test_a_restarted_agent_proves_what_it_takes_over(host: LoopHost) -> None:
    host.want(row(1, port(1, 5, status="ACTIVE")))
    host.settle()
    host.prober.asked.clear()
    host.start_agent()
    host.settle()
    assert [one.mac for one in host.prober.asked] == [mac(5)]
    assert host.reports == {}


def test_a_port_without_tap_is_not_asked_about_and_in_no_trouble(host: LoopHost) -> None:
    host.want(row(1, machine(1, 5)))
    host.settle()
    assert host.prober.asked == []
    host.kernel.plug("tap" + PORT[:11])
    host.prober.silent.add(mac(5))
    until(host, lambda: PORT in host.reconciler.troubles)
    host.kernel.unplug("tap" + PORT[:11])
    host.settle()
    assert host.reconciler.troubles == {}


def test_a_slow_look_at_many_networks_is_spread_over_turns(host: LoopHost) -> None:
    host.want(*(row(number, port(number, 5)) for number in range(1, 9)))
    host.step_seconds = LONGEST_TURN_SECONDS
    for _ in range(200):
        host.turn()
    assert len(host.reports) == 8


def test_what_there_is_no_time_for_in_a_turn_is_not_even_looked_at(
    host: LoopHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def noted(served: ServedNetwork, *more: Any, **others: Any) -> Iterator[tuple[Any, bool]]:
        looked_at.append(served.state.id)
        return news(served, *more, **others)

    monkeypatch.setattr(port_reports, "news", noted)
    host.want(*(row(number, port(number, 5)) for number in range(1, 9)))
    host.turn()
    looked_at.clear()
    host.step_seconds = LONGEST_TURN_SECONDS
    turns = 0
    while len(host.reports) < 8:
        host.turn()
        turns += 1
    assert len(looked_at) <= LEAST_NETWORKS * turns


def test_a_change_does_not_wait_for_all_that_starts(host: LoopHost) -> None:
    starting = [row(number, port(number, 5)) for number in range(1, 21)]
    host.want(row(21, port(21, 5)))
    host.settle()
    host.want(*starting, row(21, port(21, 5)))
    host.turn()
    host.step_seconds = LONGEST_TURN_SECONDS
    host.turn()
    host.want(*starting, row(21, port(21, 5), port(21, 6)))
    for _ in range(3):
        host.turn()
    assert host.reports.get(port_id(21, 6))
    assert len(host.reports) < 12


def test_many_ports_of_a_network_are_all_proved(host: LoopHost) -> None:
    ports = [
        port(1, number) | {"mac_address": f"fa:16:3e:00:01:{number:02x}"}
        for number in range(5, 250)
    ]
    host.want(row(1, *ports))
    host.settle()
    assert len(host.reports) == 245
