"""A dnsmasq, helper or hook that hangs is seen, and the server starts again with its leases."""

import signal
from pathlib import Path

import pytest

from ipam.agent.leases.comparisons import QUIET_SECONDS
from ipam.agent.liveness import BUSY_CPU_SECONDS, HELPER_LOOKS, HOOK_LOOKS, UNHEARD_QUESTIONS
from ipam.agent.server_liveness import WAITING_WARNED
from tests.agent.loop_host import LoopHost, mac, network_id, port, row


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    one = LoopHost(tmp_path)
    one.want(row(1, port(1, 5), port(1, 6)), row(2, port(2, 5)))
    one.settle()
    one.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=9_000)
    return one


def looks(host: LoopHost, count: int) -> list[bool]:
    return [host.reconciler.look_after_servers() for _ in range(count)]


def has_started_again(host: LoopHost, before: int) -> bool:
    """Whether another server of the first network serves, with the lease of the one before."""
    host.settle()
    server = host.processes.servers[network_id(1)]
    return server.pid != before and "10.0.0.5" in server.leases and host.serves(1, 2)


def test_a_server_that_only_computes_is_started_again_with_its_leases(host: LoopHost) -> None:
    server, other = host.processes.servers[network_id(1)], host.pid(2)
    assert looks(host, 1) == [False]
    server.is_busy = True
    server.cpu_seconds += BUSY_CPU_SECONDS
    assert looks(host, 1) == [True]
    assert has_started_again(host, server.pid)
    assert looks(host, 2) == [False, False]
    assert host.pid(2) == other


def test_a_server_that_hears_no_question_is_started_again_with_its_leases(
    host: LoopHost,
) -> None:
    before = host.pid(1)
    looks(host, 1)
    host.prober.silent |= {mac(5), mac(6)}
    host.want(row(1, port(1, 5), port(1, 6)))
    assert looks(host, UNHEARD_QUESTIONS + 1) == [False] * UNHEARD_QUESTIONS + [True]
    host.prober.silent.clear()
    host.settle()
    assert host.pid(1) not in (0, before)
    assert "10.0.0.5" in host.processes.servers[network_id(1)].leases


def test_a_server_that_can_soon_log_no_more_is_started_again_with_its_leases(
    host: LoopHost,
) -> None:
    before, other = host.pid(1), host.pid(2)
    host.logs.worn.add(network_id(1))
    assert looks(host, 1) == [True]
    assert has_started_again(host, before)
    assert looks(host, 1) == [False]
    assert host.pid(2) == other


def test_a_hook_that_hangs_is_ended_before_its_server(host: LoopHost) -> None:
    before = host.pid(1)
    looks(host, 1)
    host.processes.servers[network_id(1)].hook = 77
    assert looks(host, HOOK_LOOKS) == [False] * HOOK_LOOKS
    expected = [(77, signal.SIGCONT)] * (HOOK_LOOKS - 2) + [(77, signal.SIGKILL)]
    assert host.processes.hook_signals == expected
    assert looks(host, HELPER_LOOKS) == [False] * HELPER_LOOKS
    assert host.pid(1) == before


def test_a_helper_that_waits_for_a_hook_that_cannot_be_ended_is_replaced(host: LoopHost) -> None:
    server = host.processes.servers[network_id(1)]
    looks(host, 1)
    server.hook, server.is_busy = 77, True
    assert looks(host, HELPER_LOOKS) == [False] * (HELPER_LOOKS - 1) + [True]
    assert has_started_again(host, server.pid)


def test_a_server_on_hold_is_left_as_it_is(host: LoopHost) -> None:
    before = host.pid(1)
    host.held = {network_id(1)}
    host.turn()
    host.processes.servers[network_id(1)].hook = 77
    assert looks(host, HELPER_LOOKS + 2) == [False] * (HELPER_LOOKS + 2)
    assert host.pid(1) == before
    assert host.processes.hook_signals == []


def changes_unreported(host: LoopHost, number: int) -> None:
    """A lease that no hook reports, until it is recorded."""
    host.processes.give_unreported(network_id(1), mac(6), "10.0.0.6", expires_at=9_000 + number)
    host.turn()
    host.now += QUIET_SECONDS
    host.turn()


def test_a_helper_that_reports_nothing_any_more_is_replaced_with_its_server(
    host: LoopHost,
) -> None:
    before = host.pid(1)
    changes_unreported(host, 1)
    assert host.pid(1) == before, "it may have been one hook"
    changes_unreported(host, 2)
    assert has_started_again(host, before)
    assert [event.source for event in host.inbox.events] == ["hook", "reconciled", "reconciled"]


def test_that_is_not_repeated_where_another_cause_keeps_the_hooks_from_reporting(
    host: LoopHost,
) -> None:
    changes_unreported(host, 1)
    changes_unreported(host, 2)
    host.settle()
    before = host.pid(1)
    for number in range(3, 8):
        changes_unreported(host, number)
    assert host.pid(1) == before


def test_hooks_of_which_some_are_killed_keep_their_server(host: LoopHost) -> None:
    before = host.pid(1)
    for number in range(5):
        changes_unreported(host, 2 * number)
        host.processes.give(network_id(1), mac(5), "10.0.0.5", expires_at=9_001 + number)
    assert host.pid(1) == before


def test_events_that_wait_for_their_hook_are_told_before_dnsmasq_drops_any(
    host: LoopHost, caplog: pytest.LogCaptureFixture
) -> None:
    server = host.processes.servers[network_id(1)]
    server.events_waiting = WAITING_WARNED
    looks(host, 2)
    assert "187 DHCP events wait" in host.reconciler.troubles[network_id(1)]
    assert caplog.text.count("DHCP events wait for their hook") == 1
    server.events_waiting = 3
    looks(host, 1)
    assert network_id(1) not in host.reconciler.troubles
    assert [host.reconciler.most_waiting() for _ in range(2)] == [WAITING_WARNED, 0]
