"""The real hook against the real inbox, without dnsmasq."""

import contextlib
import json
import logging
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ipam
from ipam import dnsmasq_hook
from ipam.agent.host.peer_namespace import NamespaceId
from ipam.agent.leases import inbox, rejected
from ipam.agent.leases.inbox import LeaseInbox, Spool
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.table import LeaseTable
from ipam.agent.leases.unrecorded import UnrecordedLeases
from ipam.protocol.lease_events import LeaseEventCreate
from tests.waiting import PATIENCE_SECONDS, eventually

HOOK = Path(ipam.__file__).parent / "dnsmasq_hook.py"
NETWORK = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
ME = pwd.getpwuid(os.getuid()).pw_name


class Desk:
    """An inbox with its files, started and stopped at will."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = InboxFile(directory / "inbox")
        unrecorded = UnrecordedLeases(directory / "unrecorded")
        self.table = LeaseTable(directory / "leases", unrecorded=unrecorded)
        self.spool = Spool(directory / "spool", ME)
        self.spool.prepare(NETWORK)
        self.inbox: LeaseInbox | None = None
        self.reasons: dict[tuple[str, str, str], str] = {}
        """Why leases end, by network and address."""
        self.is_open = True
        self.namespaces = {NETWORK: NamespaceId(4, 1), OTHER: NamespaceId(4, 2)}
        self.sender = self.namespaces[NETWORK]
        """The namespace of whoever connects."""

    def open(self) -> None:
        self.inbox = LeaseInbox(
            self.directory / "inbox.sock",
            host="h",
            file=self.file,
            table=self.table,
            spool=self.spool,
            on_event=lambda: None,
            reason_of=lambda *what: self.reasons.get(what, ""),
            peer_namespace=lambda _connection: self.sender,
            network_namespace=self.namespaces.get,
        )
        self.inbox.start()

    def close(self) -> None:
        if self.inbox is not None:
            self.inbox.stop()
            self.inbox = None

    def end(self) -> None:
        """Close it for good; more than once does no harm."""
        self.close()
        if self.is_open:
            self.is_open = False
            self.file.close()

    def hook(self, *arguments: str, speaks_for: str = NETWORK) -> subprocess.Popen[bytes]:
        environment = {
            "IPAM_NETWORK": speaks_for,
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
    one.end()


def call(desk: Desk, action: str, address: str) -> None:
    assert desk.hook(action, "fa:16:3e:00:00:01", address).wait(PATIENCE_SECONDS) == 0


def tell(desk: Desk, line: bytes) -> bytes:
    """What the inbox answers to a line; nothing if it hangs up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(str(desk.directory / "inbox.sock"))
        connection.send(line)
        return connection.recv(16)


def test_an_end_without_the_begin_that_dnsmasq_was_heard_to_give_has_it_found(desk: Desk) -> None:
    """The hook of the begin was killed."""
    for address in ("10.0.0.1", "10.0.0.2"):
        desk.table.note_given(NETWORK, address, "fa:16:3e:00:00:01")
    for action, address in (
        ("del", "10.0.0.1"),
        ("add", "10.0.0.2"),
        ("del", "10.0.0.2"),
        ("del", "10.0.0.3"),
    ):
        call(desk, action, address)
    desk.open()
    assert desk.events() == [
        ("add", "10.0.0.1"),
        ("del", "10.0.0.1"),
        ("add", "10.0.0.2"),
        ("del", "10.0.0.2"),
        ("del", "10.0.0.3"),
    ]
    sources = [one.source for one in desk.file.peek(9)[0]]
    assert sources == ["reconciled", "hook", "hook", "hook", "hook"]
    assert desk.table.count() == 0


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


def test_a_begin_or_end_whose_reason_is_known_has_it(desk: Desk) -> None:
    desk.reasons["del", NETWORK, "10.0.0.1"] = "declined"
    desk.reasons["add", NETWORK, "10.0.0.2"] = "restored"
    desk.open()
    for address in ("10.0.0.1", "10.0.0.2"):
        for action in ("add", "del"):
            call(desk, action, address)
    found = [(one.action, one.details.get("reason")) for one in desk.file.waiting()]
    assert found == [("add", None), ("del", "declined"), ("add", "restored"), ("del", None)]


def test_many_hooks_at_once_are_each_taken_once(desk: Desk) -> None:
    desk.open()
    addresses = [f"10.0.0.{number}" for number in range(1, 21)]
    hooks = [desk.hook("add", "fa:16:3e:00:00:01", address) for address in addresses]
    assert [hook.wait(PATIENCE_SECONDS) for hook in hooks] == [0] * 20
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
    both = [("add", "10.0.0.1"), ("add", "10.0.0.2")]
    eventually(lambda: desk.events() == both, "the spool is read")


def test_a_spool_that_a_hook_has_locked_is_taken_and_emptied_later(desk: Desk) -> None:
    """A hook that was stopped there must not stop every network's events."""
    call(desk, "add", "10.0.0.1")
    path = desk.directory / "spool" / NETWORK
    code = "import os,sys; f = os.open(sys.argv[1], os.O_RDWR); os.lockf(f, os.F_LOCK, 0);"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code} print('locked', flush=True); input()", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        taken: list[bytes] = []
        desk.spool.drain([NETWORK], lambda lines: taken.extend(lines[NETWORK]))
        call(desk, "add", "10.0.0.2")
        desk.spool.drain([NETWORK], lambda lines: taken.extend(lines[NETWORK]))
        assert [line.split(b"ip=")[1][:8] for line in taken] == [b"10.0.0.1", b"10.0.0.2"]
        assert path.stat().st_size > 0
        holder.communicate(b"\n")
    desk.spool.drain([NETWORK], lambda lines: taken.extend(lines[NETWORK]))
    assert len(taken) == 2
    assert path.stat().st_size == 0


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_a_spool_beyond_its_bound_is_emptied(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(inbox, "LONGEST_SPOOL_BYTES", 50)
    path = desk.directory / "spool" / NETWORK
    path.write_bytes(b"x" * size)
    desk.spool.drain([NETWORK], lambda _lines: None)
    assert path.stat().st_size == 0


def test_a_spool_is_no_way_to_write_elsewhere(desk: Desk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / "spool" / NETWORK
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        desk.spool.drain([NETWORK], lambda _lines: None)
    assert victim.read_text() == "precious"


def test_a_spool_that_cannot_be_opened_stops_no_other(desk: Desk, tmp_path: Path) -> None:
    call(desk, "add", "10.0.0.1")
    (tmp_path / "spool" / "0-is-before-the-other").symlink_to(tmp_path / "spool" / NETWORK)
    desk.open()
    eventually(lambda: desk.events() == [("add", "10.0.0.1")], "the other spool is read")


def test_a_spool_that_cannot_be_taken_is_kept(desk: Desk) -> None:
    call(desk, "add", "10.0.0.1")

    def refuse(_lines: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        desk.spool.drain([NETWORK], refuse)
    desk.open()
    assert desk.events() == [("add", "10.0.0.1")]


def test_a_hook_of_another_networks_namespace_is_not_believed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.open()
    for number in range(1, 6):
        who = [b"del", b"fa:16:3e:00:00:01", b"10.0.0.%d" % number]
        forged = dnsmasq_hook.record(who, {b"IPAM_NETWORK": OTHER.encode()})
        assert tell(desk, forged) == b"", "it is not acknowledged"
    call(desk, "add", "10.0.0.9")
    assert ("add", "10.0.0.9") in desk.events(), "its own network it speaks for"
    assert desk.table.leases(OTHER) == []
    refused = [one for one in caplog.records if "refused an event for" in one.getMessage()]
    assert len(refused) == 3, "the first, the second and the fourth: a forger fills no log"


def test_a_spool_speaks_for_no_other_network(desk: Desk) -> None:
    forged = desk.hook("add", "fa:16:3e:00:00:01", "10.0.0.1", speaks_for=OTHER)
    assert forged.wait(PATIENCE_SECONDS) == 0
    call(desk, "add", "10.0.0.2")
    desk.open()
    assert desk.events() == [("add", "10.0.0.2")]
    assert desk.table.leases(OTHER) == []
    (rejected,) = (desk.directory / "inbox" / "inbox.rejected").read_text().splitlines()
    assert json.loads(rejected)["reason"] == f"it is in the spool of network {NETWORK}"


def test_a_hook_whose_namespace_is_gone_spools_for_its_network(desk: Desk) -> None:
    """Its dnsmasq is being replaced, and what it said last counts."""
    desk.open()
    del desk.namespaces[NETWORK]
    call(desk, "add", "10.0.0.1")
    eventually(lambda: desk.events() == [("add", "10.0.0.1")], "it is taken from the spool")
    desk.namespaces[NETWORK] = NamespaceId(4, 3)
    desk.close()
    desk.open()
    assert desk.events() == [("add", "10.0.0.1")]


def test_one_namespace_cannot_take_every_connection(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "NAMESPACE_CONNECTION_LIMIT", 1)
    desk.open()
    path = str(desk.directory / "inbox.sock")
    with contextlib.ExitStack() as idle:
        for _ in range(2):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            idle.enter_context(one).connect(path)
        assert one.recv(16) == b"", "the second is hung up on"
        desk.sender = desk.namespaces[OTHER]
        other = desk.hook("add", "fa:16:3e:00:00:01", "10.0.0.1", speaks_for=OTHER)
        assert other.wait(PATIENCE_SECONDS) == 0
    assert desk.events() == [("add", "10.0.0.1")]


def test_what_is_refused_fills_neither_disk_nor_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rejected, "REJECTED_BYTES", 1000)
    for _ in range(1000):
        desk.file.set_aside({"line": "x" * 100}, "refused")
    assert (desk.directory / "inbox" / "inbox.rejected").stat().st_size < 1200
    assert len(caplog.records) < 12


@pytest.mark.parametrize(
    "line", [b"nonsense", b"id=0\tus=1", b"\xff\x00", b"action=frobnicate\tid=" + b"0" * 32]
)
def test_what_no_hook_says_is_acknowledged_and_set_aside(desk: Desk, line: bytes) -> None:
    desk.open()
    assert tell(desk, line) == b"written", "or it would be spooled and come again for ever"
    call(desk, "add", "10.0.0.2")
    assert desk.events() == [("add", "10.0.0.2")]
    (rejected,) = (desk.directory / "inbox" / "inbox.rejected").read_text().splitlines()
    assert json.loads(rejected)["event"] == {"line": repr(line)}


def test_a_spooled_line_that_is_torn_costs_only_itself(desk: Desk) -> None:
    call(desk, "add", "10.0.0.1")
    with (desk.directory / "spool" / NETWORK).open("ab") as file:
        file.write(b"id=half a li")
    call(desk, "del", "10.0.0.1")
    desk.open()
    assert desk.events() == [("add", "10.0.0.1"), ("del", "10.0.0.1")]


def test_one_connection_too_many_is_hung_up_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "IDLE_CONNECTION_LIMIT", 3)
    desk.open()
    with contextlib.ExitStack() as idle:
        for _ in range(2):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            idle.enter_context(one).connect(str(desk.directory / "inbox.sock"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as third:
            third.connect(str(desk.directory / "inbox.sock"))
            assert third.recv(16) == b""


def test_only_events_that_tell_something_new_are_logged_for_an_operator(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk.open()
    call(desk, "add", "10.0.0.1")
    call(desk, "old", "10.0.0.1")
    call(desk, "del", "10.0.0.1")
    desk.close()
    assert desk.events() == [("add", "10.0.0.1"), ("del", "10.0.0.1")], "the old is an echo"
    assert [record.getMessage() for record in caplog.records] == [
        "lease add: 10.0.0.1, fa:16:3e:00:00:01, no name",
        "lease del: 10.0.0.1, fa:16:3e:00:00:01, no name",
    ]


def killed(desk: Desk) -> Desk:
    """The next agent on the same files, after a `kill -9` of this one."""
    desk.end()
    return Desk(desk.directory)


def test_what_was_acknowledged_is_a_lease_after_a_kill(desk: Desk) -> None:
    """The lease table is saved only now and then, and no dnsmasq tells it again soon."""
    desk.open()
    call(desk, "add", "10.0.0.1")
    desk.table.save()
    call(desk, "del", "10.0.0.1")
    call(desk, "add", "10.0.0.2")
    after = killed(desk)
    after.open()
    assert [lease.ip_address for lease in after.table.leases(NETWORK)] == ["10.0.0.2"]
    assert after.events() == [("add", "10.0.0.1"), ("del", "10.0.0.1"), ("add", "10.0.0.2")]
    after.end()


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["add", "old", "del", "missed"]), st.integers(1, 3)),
            st.tuples(st.sampled_from(["ship", "save", "kill"]), st.just(0)),
        ),
        max_size=25,
    )
)
def test_over_any_kills_the_table_has_the_leases_that_were_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, int]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.open()
    leased: dict[str, int] = {}
    for number, (step, host) in enumerate([*steps, ("kill", 0)], start=1):
        address = f"10.0.0.{host}"
        if step == "kill":
            desk = killed(desk)
            desk.open()
            found = {one.ip_address: one.expires_at for one in desk.table.leases(NETWORK)}
            assert found == leased
        elif step == "save":
            desk.table.save()
        elif step == "ship":
            position = desk.file.peek(2)[1]
            desk.table.save()
            desk.file.forget(position)
        else:
            assert desk.inbox is not None
            event = LeaseEventCreate(
                f"{number:032x}", NETWORK, "h", step, address, number, expires_at=number
            )
            desk.inbox.record([event])
            leased.pop(address, None)
            if step in ("add", "old"):
                leased[address] = number
    desk.end()


WITHOUT_LOCK = """
import sys
path, start, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(start, start + count):
    fields = {
        "id": f"{number:032x}", "s": "1700000000", "network": sys.argv[4], "action": "add",
        "who": "fa:16:3e:00:00:01", "ip": f"10.0.{number // 256}.{number % 256}",
    }
    line = "\\t".join(f"{name}={value}" for name, value in fields.items())
    with open(path, "ab") as file:
        file.write(f"\\n{line}\\n".encode())
"""
"""Appends as the hook in Lua does: it opens the file for each record, and knows no lock."""


def test_no_record_of_a_writer_without_locks_is_lost_or_taken_twice(desk: Desk) -> None:
    desk.open()
    path = desk.directory / "spool" / NETWORK
    command = [sys.executable, "-IS", "-c", WITHOUT_LOCK, str(path)]
    for start in range(0, 3000, 1000):
        with subprocess.Popen([*command, str(start), "1000", NETWORK]) as writer:
            if start == 1000:
                desk.close()  # the agent is away meanwhile
            assert writer.wait(PATIENCE_SECONDS) == 0
        if start == 1000:
            desk.open()
    eventually(lambda: path.stat().st_size == 0, "an empty spool")
    wanted = [f"10.0.{number // 256}.{number % 256}" for number in range(3000)]
    assert [address for _action, address in desk.events()] == wanted


def test_a_spool_that_somebody_has_open_is_read_and_emptied_later(desk: Desk) -> None:
    path = desk.directory / "spool" / NETWORK
    call(desk, "add", "10.0.0.1")
    with path.open("ab"):
        desk.open()
        eventually(lambda: desk.events() == [("add", "10.0.0.1")], "the record is read")
        assert path.stat().st_size > 0
    eventually(lambda: path.stat().st_size == 0, "an empty spool")
    assert desk.events() == [("add", "10.0.0.1")]


def test_what_is_done_to_spools_and_socket_is_seen_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after their directory was another for a while."""
    monkeypatch.setattr(inbox, "QUIET_SECONDS", 10 * PATIENCE_SECONDS)
    desk.open()
    spool, socket_file = desk.directory / "spool", desk.directory / "inbox.sock"
    for number in range(2):
        command = [sys.executable, "-IS", "-c", WITHOUT_LOCK, str(spool / NETWORK)]
        subprocess.run([*command, str(number), "1", NETWORK], check=True)
        eventually(partial(has, desk, number + 1), "the record is read")
        socket_file.unlink()
        eventually(socket_file.exists, "the socket is there again")
        spool.rename(desk.directory / f"away-{number}")
        spool.mkdir()


def has(desk: Desk, count: int) -> bool:
    return len(desk.events()) == count
