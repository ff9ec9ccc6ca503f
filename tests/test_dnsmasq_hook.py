"""The hook, run like dnsmasq runs it: the system's Python, `-IS`, without this package."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ipam
from ipam.agent.leases.record import parse_record
from tests.waiting import PATIENCE_SECONDS

HOOK = Path(ipam.__file__).parent / "dnsmasq_hook.py"
PYTHON = Path("/usr/bin/python3")
NETWORK = "11111111-1111-4111-8111-111111111111"

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs the system's /usr/bin/python3")

Hook = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    path.touch()
    return path


@pytest.fixture
def hook(tmp_path: Path, spool: Path) -> Hook:
    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        base = {
            "IPAM_NETWORK": NETWORK,
            "IPAM_INBOX": str(tmp_path / "inbox"),
            "IPAM_SPOOL": str(spool),
            "HOSTNAME": "ambient",
        }
        return subprocess.run(
            [str(PYTHON), "-IS", str(HOOK), *arguments],
            env=base | environment,
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    return call


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Callable[[bytes], list[bytes]]]:
    """Start an agent that answers so; the list fills with what it was told."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(tmp_path / "inbox"))
    listener.listen()
    threads = []

    def answer(text: bytes) -> list[bytes]:
        told: list[bytes] = []

        def serve() -> None:
            connection, _address = listener.accept()
            with connection:
                told.append(connection.recv(1 << 18))
                if text:
                    connection.send(text)

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append(thread)
        return told

    yield answer
    for thread in threads:
        thread.join()
    listener.close()


ADD = ("add", "fa:16:3e:00:00:01", "10.0.0.5", "web")


def test_an_event_is_told_to_the_agent(
    hook: Hook, inbox: Callable[[bytes], list[bytes]], spool: Path
) -> None:
    told = inbox(b"written")
    done = hook(*ADD, DNSMASQ_LEASE_EXPIRES="1795373479", DNSMASQ_CLIENT_ID="01:02")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    event = parse_record(told[0], "compute-1", 0)
    assert event.action == "add"
    assert event.network_id == NETWORK
    assert event.hostname == "web"
    assert event.expires_at == 1795373479
    assert event.client_id == "01:02"
    assert b"ambient" not in told[0]
    assert spool.read_bytes() == b""


@pytest.mark.parametrize("answer", [b"", b"no"], ids=["hangs up", "refuses"])
def test_an_event_that_was_not_acknowledged_is_spooled(
    hook: Hook, inbox: Callable[[bytes], list[bytes]], spool: Path, answer: bytes
) -> None:
    told = inbox(answer)
    assert hook(*ADD).returncode == 0
    assert spool.read_bytes().strip() == told[0].strip(), "the same record, with the same id"


def test_without_an_agent_events_are_spooled_in_order(hook: Hook, spool: Path) -> None:
    hook(*ADD)
    with spool.open("ab") as file:
        file.write(b"half a li")
    hook("del", *ADD[1:])
    lines = [line for line in spool.read_bytes().split(b"\n") if line]
    assert [parse_record(line, "h", 0).action for line in (lines[0], lines[2])] == ["add", "del"]
    assert lines[1] == b"half a li"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("tftp", "1", "10.0.0.1", "/file"),
        ("arp-add", "fa:16:3e:00:00:01", "10.0.0.5"),
        ("relay-snoop", "eth0", "fe80::1", "2001:db8::/64"),
        ("add",),
        ("add", "fa:16:3e:00:00:01"),
        ("frobnicate", "a", "b"),
    ],
)
def test_unknown_calls_do_nothing(hook: Hook, spool: Path, arguments: tuple[str, ...]) -> None:
    done = hook(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert spool.read_bytes() == b""


def test_a_failure_of_everything_is_no_failure_of_dnsmasq(hook: Hook, tmp_path: Path) -> None:
    done = hook(*ADD, IPAM_SPOOL=str(tmp_path / "no" / "such"))
    assert done.returncode == 0
    assert b"ipam hook:" in done.stderr


def test_client_bytes_cannot_end_a_field_or_a_line(hook: Hook, spool: Path) -> None:
    evil = "a\tid=0\nb%0A=\x01é"
    hook(*ADD, DNSMASQ_VENDOR_CLASS=evil, DNSMASQ_TAGS="x" * 5000)
    (line,) = [line for line in spool.read_bytes().split(b"\n") if line]
    assert line.replace(b"\t", b"").decode("ascii").isprintable()
    event = parse_record(line, "h", 0)
    assert event.details["vendor_class"] == "a\\x09id=0\\x0ab%0A=\\x01é"
    assert len(event.details["tags"]) == 1024


def test_the_hook_imports_only_what_the_interpreter_has_built_in() -> None:
    lines = HOOK.read_text().splitlines()
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    done = subprocess.run(
        [str(PYTHON), "-IS", "-c", "import sys; print(*sys.builtin_module_names)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert imported <= set(done.stdout.split())


def test_while_the_spool_has_records_the_next_one_joins_them(
    hook: Hook, inbox: Callable[[bytes], list[bytes]], spool: Path
) -> None:
    """Otherwise it would overtake them, or wait for an agent that hangs."""
    told = inbox(b"written")
    spool.write_bytes(b"before\n")
    hook(*ADD)
    assert told == []
    assert spool.read_bytes().startswith(b"before\n\nid=")
    spool.write_bytes(b"")
    hook(*ADD)
    assert len(told) == 1


def test_a_lock_that_nobody_gives_back_holds_no_hook_for_ever(hook: Hook, spool: Path) -> None:
    descriptor = os.open(spool, os.O_RDWR)
    os.lockf(descriptor, os.F_LOCK, 0)
    hook(*ADD)
    assert spool.read_bytes() != b""
    os.close(descriptor)


def test_the_spool_is_locked_while_it_is_written(hook: Hook, spool: Path) -> None:
    descriptor = os.open(spool, os.O_RDWR)
    os.lockf(descriptor, os.F_LOCK, 0)
    writer = threading.Thread(target=lambda: hook(*ADD))
    writer.start()
    writer.join(0.5)
    assert writer.is_alive()
    assert spool.read_bytes() == b""
    os.close(descriptor)
    writer.join()
    assert spool.read_bytes() != b""


def test_a_hook_that_hangs_ends_by_itself_though_the_helper_ignores_alarms(
    tmp_path: Path,
) -> None:
    """Its spool is a pipe that nobody reads: to open that takes for ever."""
    os.mkfifo(tmp_path / "pipe")
    short = tmp_path / "hook.py"
    short.write_text(HOOK.read_text().replace("LONGEST_SECONDS = 10", "LONGEST_SECONDS = 1"))
    environment = {
        "IPAM_NETWORK": NETWORK,
        "IPAM_INBOX": str(tmp_path / "nobody"),
        "IPAM_SPOOL": str(tmp_path / "pipe"),
    }
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        process = subprocess.Popen([str(PYTHON), "-IS", str(short), *ADD], env=environment)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert process.wait(PATIENCE_SECONDS) == -signal.SIGALRM
