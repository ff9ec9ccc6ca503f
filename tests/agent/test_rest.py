"""A host that is as wanted is not looked at whole while nothing is heard of it."""

from pathlib import Path

import pytest

from ipam.agent.leases.comparisons import QUIET_SECONDS
from ipam.agent.reconciler import IDLE_SECONDS, LOOK_AGAIN_SECONDS, REST_SECONDS
from ipam.agent.wires import Reach
from tests.agent.loop_host import LoopHost, mac, machine, network_id, port, port_id, row
from tests.agent.network_rows import HOST


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.want(row(1, port(1, 5), port(1, 6)), row(2, port(2, 6)))
    host.settle()
    host.reconciler.tidy(api_has_answered=True)
    host.settle()
    return host


def test_it_is_looked_at_whole_from_time_to_time(host: LoopHost) -> None:
    assert host.reconciler.rest() == IDLE_SECONDS
    host.now += REST_SECONDS - 1
    host.reconciler.tidy(api_has_answered=True)
    assert host.reconciler.rest() == IDLE_SECONDS
    host.now += 1
    assert host.reconciler.rest() is None
    host.turn()
    assert host.reconciler.rest() == IDLE_SECONDS


def test_a_host_that_is_not_as_wanted_does_not_rest(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), port(1, 6)), row(2, port(2, 6)), row(3, port(3, 7)))
    assert host.turn() == 0.0
    assert host.reconciler.rest() is None
    host.settle()
    assert host.reconciler.rest() == IDLE_SECONDS


def test_a_hold_is_seen_when_it_begins_and_when_it_ends(host: LoopHost) -> None:
    host.held = {network_id(1)}
    assert host.reconciler.rest() is None
    host.turn()
    host.held = set()
    assert host.reconciler.rest() is None
    host.turn()
    assert host.reconciler.rest() == IDLE_SECONDS


@pytest.mark.parametrize("elected", [75, None])
def test_a_host_with_a_wire_does_not_rest(tmp_path: Path, elected: int | None) -> None:
    """Nobody tells of addresses that are set on an uplink, nor that the API is not heard."""
    host = LoopHost(tmp_path, reach=Reach({"physnet1": "eth1"}, host=HOST))
    host.kernel.add_uplink("eth1")
    lan = {"network_type": "flat", "physical_network": "physnet1", "elected_seconds": elected}
    host.want(row(1, machine(1, 5), **lan))
    host.settle()
    assert host.reconciler.rest() is None
    assert host.reconciler.depends_on_hearing() == (elected is not None)


def test_what_only_a_look_at_the_files_finds_ends_the_rest(host: LoopHost) -> None:
    host.file_watch.watched.clear()
    (host.directory / "dhcp" / network_id(1) / f"hosts/{port_id(1, 5)}").write_text("x\n")
    assert host.reconciler.rest() == IDLE_SECONDS
    for _ in range(2):
        host.reconciler.tidy(api_has_answered=True)
    assert host.reconciler.rest() is None
    host.settle()
    assert host.serves(1, 2)


def test_the_kernel_is_looked_at_after_all_of_it_was_read(host: LoopHost) -> None:
    host.now += LOOK_AGAIN_SECONDS
    host.turn()
    assert host.reconciler.rest() == IDLE_SECONDS
    host.reconciler.tidy(api_has_answered=True)
    assert host.reconciler.rest() is None


def test_a_lease_that_no_hook_reports_is_recorded_at_rest(host: LoopHost) -> None:
    host.processes.give_unreported(network_id(1), mac(6), "10.0.0.6", expires_at=9_000)
    wait = host.reconciler.rest()
    assert wait is not None
    assert wait <= QUIET_SECONDS
    host.now += QUIET_SECONDS
    assert host.reconciler.rest() is not None
    assert [event.source for event in host.inbox.events] == ["reconciled"]
