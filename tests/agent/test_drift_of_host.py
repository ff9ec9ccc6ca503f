"""What others change by hand on a host is put right, and said once; what is on hold is left."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ipam import model
from ipam.agent import holds
from ipam.agent.dnsmasq.files import CONFIG
from tests.agent.loop_host import LoopHost, network_id, port, port_id, row

INSIDE = model.dhcp_interface_name(port_id(1, 0xFFFF))
OUTSIDE = model.tap_name(port_id(1, 0xFFFF))
HOSTS = f"hosts/{port_id(1, 5)}"


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.want(row(1, port(1, 5)), row(2, port(2, 6)))
    host.settle()
    assert host.serves(1, 2)
    return host


def directory(host: LoopHost) -> Path:
    return host.directory / "dhcp" / network_id(1)


def remove_directory(host: LoopHost) -> None:
    shutil.rmtree(directory(host))


CHANGES: dict[str, Callable[[LoopHost], object]] = {
    f"{INSIDE} has lost 10.0.0.2/24": lambda host: host.kernel.flush(network_id(1), INSIDE, 4),
    f"one of {OUTSIDE} and {INSIDE} is gone, renamed": lambda host: host.kernel.rename(
        OUTSIDE, "renamed"
    ),
    "learns from frames to itself": lambda host: host.kernel.change_learning(
        model.bridge_name(network_id(1))
    ),
    "its namespace is gone": lambda host: host.kernel.drop_namespace(network_id(1)),
    f"deleted: {HOSTS}": lambda host: (directory(host) / HOSTS).unlink(),
    f"edited: {HOSTS}": lambda host: (directory(host) / HOSTS).write_text("x\n"),
    "of others: hosts/foreign": lambda host: (directory(host) / "hosts/foreign").write_text("x\n"),
    "its files are gone": remove_directory,
}


@pytest.mark.parametrize("sentence", CHANGES)
def test_what_others_change_is_put_right_and_said_once(
    host: LoopHost, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        CHANGES[sentence](host)
        host.settle()
    assert host.serves(1, 2)
    said = [one for one in caplog.messages if "changed by hand" in one]
    assert len(said) == 1
    assert said[0].startswith(f"network {network_id(1)}: changed by hand")
    assert sentence in said[0]
    assert f"network {network_id(1)}: it is as it should be again" in caplog.messages


@pytest.mark.parametrize("sentence", ["edited: " + HOSTS, "deleted: " + HOSTS])
def test_a_changed_file_stops_no_server(host: LoopHost, sentence: str) -> None:
    pid = host.pid(1)
    CHANGES[sentence](host)
    host.settle()
    assert host.serves(1)
    assert host.pid(1) == pid


@pytest.mark.parametrize("edited", [HOSTS, "hosts/foreign"])
def test_an_address_that_a_file_of_others_names_is_ready_after_the_reload_alone(
    host: LoopHost, edited: str
) -> None:
    host.want(row(1, port(1, 5), port(1, 6)), row(2, port(2, 6)))
    host.turn()
    assert port_id(1, 6) not in host.reports, "its file was just written"
    (directory(host) / edited).write_text("fa:16:3e:00:00:63,mine,10.0.0.6\n")
    host.processes.notice()
    server = host.processes.servers[network_id(1)]
    assert len(server.lines_about("10.0.0.6")) == 2
    known = []
    host.on_report = lambda _port_id, _ready: known.append(server.lines_about("10.0.0.6"))
    host.settle()
    assert host.reports[port_id(1, 6)]
    assert [len(lines) for lines in known] == [1], "only its own is left when it is told"


def test_a_server_reads_nothing_of_a_directory_that_is_gone_and_starts_anew(
    host: LoopHost,
) -> None:
    pid = host.pid(1)
    remove_directory(host)
    host.settle()
    assert host.serves(1)
    assert host.pid(1) not in (0, pid)


@pytest.mark.parametrize("part", ["", "hosts", "log"])
def test_what_went_while_no_agent_ran_makes_the_server_start_anew(
    host: LoopHost, part: str
) -> None:
    pid = host.pid(1)
    gone = directory(host) / part
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    host.start_agent()
    host.settle()
    assert host.serves(1, 2)
    assert host.pid(1) not in (0, pid)


def test_the_startup_file_is_put_back_and_the_server_goes_on(host: LoopHost) -> None:
    pid, before = host.pid(1), (directory(host) / CONFIG).read_text()
    (directory(host) / CONFIG).write_text("port=53\n")
    host.settle()
    assert (directory(host) / CONFIG).read_text() == before
    assert host.pid(1) == pid


def test_a_server_that_a_signal_stopped_goes_on_and_that_is_said(
    host: LoopHost, caplog: pytest.LogCaptureFixture
) -> None:
    server = host.processes.servers[network_id(1)]
    server.is_stopped = True
    for _ in range(2):
        host.reconciler.look_after_servers()
    assert not server.is_stopped
    assert [one for one in caplog.messages if "stopped by a signal" in one] == [
        f"network {network_id(1)}: dnsmasq was stopped by a signal; it goes on"
    ]


@pytest.mark.parametrize("sentence", CHANGES)
def test_what_is_on_hold_is_left_as_it_is_until_that_ends(
    host: LoopHost, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    host.held = {network_id(1)}
    CHANGES[sentence](host)
    for _ in range(3):
        host.turn()
    assert not host.serves(1)
    assert host.serves(2)
    assert host.reconciler.troubles == {network_id(1): holds.TROUBLE}
    assert not [one for one in caplog.messages if "changed by hand" in one]
    host.held = set()
    host.settle()
    assert host.serves(1, 2)
    assert host.reconciler.troubles == {}


def test_a_server_that_is_stopped_on_purpose_stays_stopped(host: LoopHost) -> None:
    host.held = {network_id(1)}
    host.turn()
    host.processes.servers[network_id(1)].is_stopped = True
    host.reconciler.look_after_servers()
    assert host.processes.servers[network_id(1)].is_stopped


def test_a_network_on_hold_that_is_wanted_no_longer_stays(host: LoopHost) -> None:
    host.held = {network_id(1)}
    host.want(row(2, port(2, 6)))
    host.settle()
    assert host.pid(1)
    host.held = set()
    host.settle()
    assert host.traces(1) == []


def test_a_file_that_no_watch_told_of_is_found_by_looking_again(host: LoopHost) -> None:
    host.file_watch.watched.clear()
    (directory(host) / HOSTS).write_text("x\n")
    host.settle()
    assert not host.serves(1)
    for _ in range(3):
        host.reconciler.tidy(api_has_answered=False)
    host.settle()
    assert host.serves(1)
