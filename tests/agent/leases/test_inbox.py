"""The real hook against the real inbox, without dnsmasq."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import ipam
from ipam.agent.leases.inbox import LeaseInbox, Spool
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.table import LeaseTable

HOOK = Path(ipam.__file__).parent / "dnsmasq_hook.py"
NETWORK = "11111111-1111-4111-8111-111111111111"
ME = pwd.getpwuid(os.getuid()).pw_name


class Desk:
    """An inbox with its files, started and stopped at will."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = InboxFile(directory / "inbox")
        self.table = LeaseTable(directory / "leases")
        self.spool = Spool(directory / "spool", ME)
        self.spool.prepare(NETWORK)
        self.inbox: LeaseInbox | None = None

    def open(self) -> None:
        self.inbox = LeaseInbox(
            self.directory / "inbox.sock",
            host="h",
            file=self.file,
            table=self.table,
            spool=self.spool,
            on_event=lambda: None,
        )
        self.inbox.start()

    def close(self) -> None:
        if self.inbox is not None:
            self.inbox.stop()
            self.inbox = None

    def hook(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            "IPAM_NETWORK": NETWORK,
            "IPAM_INBOX": str(self.directory / "inbox.sock"),
            "IPAM_SPOOL": str(self.directory / "spool" / NETWORK),
        }
        return subprocess.Popen(
            ["/usr/bin/python3", "-IS", str(HOOK), *arguments], env=environment
        )

    def events(self) -> list[tuple[str, str]]:
        return [(e.action, e.ip_address) for e in self.file.peek(10_000)[0]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.close()
    one.file.close()


def call(desk: Desk, action: str, address: str) -> None:
    assert desk.hook(action, "fa:16:3e:00:00:01", address).wait(20) == 0


def test_what_was_spooled_comes_before_what_is_sent_later(desk: Desk) -> None:
    call(desk, "add", "10.0.0.1")
    call(desk, "del", "10.0.0.1")
    desk.open()
    call(desk, "add", "10.0.0.2")
    desk.close()
    call(desk, "old", "10.0.0.3")
    desk.open()
    assert desk.events() == [
        ("add", "10.0.0.1"),
        ("del", "10.0.0.1"),
        ("add", "10.0.0.2"),
        ("old", "10.0.0.3"),
    ]
    assert desk.spool.waiting() == []
    assert sorted(lease.ip_address for lease in desk.table.leases(NETWORK)) == [
        "10.0.0.2",
        "10.0.0.3",
    ]


def test_many_hooks_at_once_are_each_taken_once(desk: Desk) -> None:
    desk.open()
    addresses = [f"10.0.0.{number}" for number in range(1, 21)]
    hooks = [desk.hook("add", "fa:16:3e:00:00:01", address) for address in addresses]
    assert [hook.wait(30) for hook in hooks] == [0] * 20
    assert sorted(desk.events()) == sorted(("add", address) for address in addresses)
    assert desk.spool.waiting() == []


def test_a_full_disk_is_not_acknowledged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_events: object) -> None:
        raise OSError(28, "No space left on device")

    desk.open()
    monkeypatch.setattr(desk.file, "append", refuse)
    call(desk, "add", "10.0.0.1")
    assert desk.spool.waiting() == [NETWORK]
    monkeypatch.undo()
    call(desk, "add", "10.0.0.2")
    assert desk.events() == [("add", "10.0.0.1"), ("add", "10.0.0.2")]


def test_a_spool_is_no_way_to_write_elsewhere(desk: Desk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / "spool" / NETWORK
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        desk.spool.drain(NETWORK, lambda _lines: None)
    assert victim.read_text() == "precious"


def test_a_spool_that_cannot_be_taken_is_kept(desk: Desk) -> None:
    call(desk, "add", "10.0.0.1")

    def refuse(_lines: list[bytes]) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        desk.spool.drain(NETWORK, refuse)
    desk.open()
    assert desk.events() == [("add", "10.0.0.1")]
