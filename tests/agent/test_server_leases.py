"""Whose the leases are that dnsmasq's file has."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ipam import clock
from ipam.agent.dnsmasq import lease_file, log_file
from ipam.agent.dnsmasq.logs import ServerLogs
from ipam.agent.leases.comparisons import QUIET_SECONDS
from ipam.agent.leases.record import found_event
from ipam.agent.leases.table import LeaseTable
from ipam.agent.leases.unrecorded import UnrecordedLeases
from ipam.agent.outside import Logs
from ipam.agent.server_leases import ServerLeases
from ipam.agent.state import Lease
from tests.agent.logs_double import LogsDouble
from tests.agent.loop_host import Inbox
from tests.agent.network_rows import NETWORK

FOUR = Lease("10.0.0.5", "fa:16:3e:00:00:05", 100)
HEIR, GONE = replace(FOUR, mac_address="fa:16:3e:00:00:55"), replace(FOUR, ip_address="10.0.0.9")
SIX = Lease("2001:db8::5", None, 100, None, None, "00:03:00:01:fa:16:3e:00:00:05", "7")
STAYS, NEWER = (replace(FOUR, ip_address=f"10.0.0.{n}", expires_at=0) for n in (7, 8))
WHOLE_SIX = replace(SIX, mac_address=FOUR.mac_address)


def write(directory: Path, *leases: Lease) -> None:
    text = lease_file.text_of(leases, "00:04")
    directory.joinpath(NETWORK).mkdir(exist_ok=True)
    directory.joinpath(NETWORK, lease_file.NAME).write_text(text)


def test_a_lease_of_dhcpv6_counts_with_its_mac_address_once_the_hook_has_told_it(
    tmp_path: Path,
) -> None:
    table = LeaseTable(tmp_path / "table")
    nothing: Any = SimpleNamespace()
    leases = ServerLeases(tmp_path, host="host", table=table, inbox=nothing, logs=nothing)
    write(tmp_path, FOUR, SIX)
    assert leases.of(NETWORK) == [FOUR]
    table.apply(found_event(NETWORK, "host", "add", WHOLE_SIX, 1))
    assert leases.of(NETWORK) == [FOUR, WHOLE_SIX]
    table.apply(found_event(NETWORK, "host", "del", WHOLE_SIX, 2))
    assert leases.of(NETWORK) == [FOUR]


def said(directory: Path, *lines: str) -> None:
    """What a dnsmasq has logged, and no agent has read."""
    text = "".join(f"dnsmasq-dhcp[7]: {line}\n" for line in lines)
    directory.joinpath(NETWORK).mkdir(exist_ok=True)
    directory.joinpath(NETWORK, log_file.NAME).write_text(text)


def prepared(directory: Path, left: str) -> list[Lease]:
    """What the next dnsmasq holds, after one that has left this of its file."""
    path = directory / NETWORK / lease_file.NAME
    path.parent.mkdir(exist_ok=True)
    path.write_text(left)
    logs = ServerLogs(lambda: None)
    logs.open(NETWORK, path.parent)
    Life(directory, logs).leases.prepare(NETWORK, str(path), 3600)
    logs.stop()
    return lease_file.parsed(path.read_text()) or []


class Life:
    """A life of the agent, which may be killed at any moment."""

    def __init__(self, directory: Path, logs: Logs | None = None) -> None:
        self.now = 100.0
        unrecorded = UnrecordedLeases(directory / "unrecorded")
        self.table = LeaseTable(directory / "table", lambda: self.now, unrecorded)
        self.inbox = Inbox(directory, self.table)
        self.leases = ServerLeases(
            directory,
            host="host",
            table=self.table,
            inbox=self.inbox,
            logs=logs or LogsDouble(),
            monotonic=lambda: self.now,
        )

    def compare(self) -> list[tuple[str, str]]:
        """What is found once it has lasted."""
        for _ in range(3):
            self.leases.compare(NETWORK)
            self.now += QUIET_SECONDS
        return [(one.action, one.ip_address) for one in self.inbox.events]


def killed_with_all(directory: Path, *given: Lease) -> None:
    """An agent that has heard dnsmasq give these leases, but no hook."""
    life = Life(directory)
    for one in given:
        life.table.note_given(NETWORK, one.ip_address, str(one.mac_address))


def test_a_lease_of_which_an_earlier_life_heard_and_nobody_knows_began_and_ended(
    tmp_path: Path,
) -> None:
    killed_with_all(tmp_path, GONE, FOUR)
    write(tmp_path, FOUR)
    life = Life(tmp_path)
    found = [("add", GONE.ip_address), ("missed", GONE.ip_address), ("add", FOUR.ip_address)]
    assert life.compare() == found
    assert life.table.leases(NETWORK) == [FOUR]
    assert Life(tmp_path).table.given_before(NETWORK) == []


def test_a_hook_may_still_tell_it(tmp_path: Path) -> None:
    killed_with_all(tmp_path, GONE)
    write(tmp_path)
    life = Life(tmp_path)
    life.leases.compare(NETWORK)
    life.inbox.record([found_event(NETWORK, "host", "add", GONE, 1)])
    life.inbox.record([found_event(NETWORK, "host", "del", GONE, 2)])
    assert life.compare() == [("add", GONE.ip_address), ("del", GONE.ip_address)]


def test_a_file_that_was_being_written_is_made_of_what_was_heard(tmp_path: Path) -> None:
    killed_with_all(tmp_path, FOUR)
    assert [(one.ip_address, one.mac_address) for one in prepared(tmp_path, "")] == [
        (FOUR.ip_address, FOUR.mac_address)
    ]


def test_what_nobody_heard_before_all_were_killed_is_read_in_the_log(tmp_path: Path) -> None:
    """The agent was killed first. dnsmasq gave leases and took some back, and wrote its file."""
    life = Life(tmp_path)
    for one in (FOUR, GONE, STAYS):
        life.table.apply(found_event(NETWORK, "host", "add", one, 1))
    life.table.save()
    said(
        tmp_path,
        f"DHCPRELEASE(ns-1) {GONE.ip_address} {GONE.mac_address}",
        f"DHCPRELEASE(ns-1) {FOUR.ip_address} {FOUR.mac_address}",
        f"DHCPACK(ns-1) {HEIR.ip_address} {HEIR.mac_address} heir",
        f"DHCPACK(ns-1) {NEWER.ip_address} {NEWER.mac_address}",
    )
    whole = lease_file.text_of([replace(NEWER, client_id="01:02")], "00:04")
    now = clock.now_seconds()
    held = prepared(tmp_path, whole[: whole.index("duid")])
    assert all(one is held[-1] or one.expires_at >= now + 3600 for one in held[1:])
    assert [(one.ip_address, one.mac_address, one.hostname, one.client_id) for one in held] == [
        (STAYS.ip_address, STAYS.mac_address, None, None),
        (HEIR.ip_address, HEIR.mac_address, "heir", None),
        (NEWER.ip_address, NEWER.mac_address, None, "01:02"),
    ]


def test_an_end_that_the_log_tells_is_found_once(tmp_path: Path) -> None:
    killed_with_all(tmp_path, GONE)
    said(tmp_path, f"DHCPRELEASE(ns-1) {GONE.ip_address} {GONE.mac_address}")
    write(tmp_path)
    logs = ServerLogs(lambda: None)
    logs.open(NETWORK, tmp_path / NETWORK)
    found = Life(tmp_path, logs).compare()
    logs.stop()
    assert found == [("add", GONE.ip_address), ("missed", GONE.ip_address)]


def test_a_whole_file_counts_whatever_the_log_says(tmp_path: Path) -> None:
    """What it does not have was never answered."""
    said(tmp_path, f"DHCPACK(ns-1) {NEWER.ip_address} {NEWER.mac_address}")
    assert prepared(tmp_path, lease_file.text_of([FOUR], "00:04")) == [FOUR]
    assert prepared(tmp_path, lease_file.text_of([], "00:04")) == []


def test_to_end_a_lease_of_a_stopped_server_spares_the_heir_of_its_address(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path)
    write(tmp_path, HEIR)
    life.leases.end_stopped(NETWORK, FOUR)
    assert life.leases.of(NETWORK) == [HEIR]
    life.leases.end_stopped(NETWORK, HEIR)
    assert life.leases.of(NETWORK) == []
