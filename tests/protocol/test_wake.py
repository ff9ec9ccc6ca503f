"""Which of several processes of a host is woken, and the socket of a killed one."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipam.protocol.wake import WORKER_SOCKET, Waker, WakeSocket, Woken
from tests.waiting import PATIENCE_SECONDS

HOLDER = """
import sys
from pathlib import Path
from ipam.protocol.wake import WakeSocket
held = WakeSocket(Path(sys.argv[1]) / "worker-wake.sock")
held.bind()
print(held.is_bound(), flush=True)
sys.stdin.read()
"""

Open = Callable[[], WakeSocket]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[WakeSocket] = []

    def make() -> WakeSocket:
        made.append(WakeSocket(tmp_path / WORKER_SOCKET))
        made[-1].bind()
        return made[-1]

    yield make
    for each in made:
        if each._inside >= 0:
            each.close()


def is_woken(wakes: WakeSocket, wake: Callable[[], None]) -> bool:
    """Whether this ends a wait."""
    threading.Timer(0.05, wake).start()
    started = time.monotonic()
    wakes.wait(PATIENCE_SECONDS)
    return time.monotonic() - started < PATIENCE_SECONDS


def test_a_wait_ends_with_the_apis_datagram(opened: Open, tmp_path: Path) -> None:
    wakes = opened()
    waker = Waker(str(tmp_path / "worker-wake.sock"))
    assert is_woken(wakes, waker.wake)
    for _ in range(1000):
        waker.wake()
    wakes.wait(PATIENCE_SECONDS)
    assert is_woken(wakes, waker.wake)


def test_a_wake_before_the_wait_is_not_lost(opened: Open, tmp_path: Path) -> None:
    wakes = opened()
    Waker(str(tmp_path / "worker-wake.sock")).wake()
    wakes.wait(PATIENCE_SECONDS)


def test_another_thread_ends_a_wait(opened: Open) -> None:
    first, second = opened(), opened()
    assert is_woken(first, first.interrupt)
    assert not second.is_bound()
    assert is_woken(second, second.interrupt)


def test_one_worker_has_the_socket_and_another_takes_over(opened: Open, tmp_path: Path) -> None:
    first, second = opened(), opened()
    assert (first.is_bound(), second.is_bound()) == (True, False)
    second.wait(0.01)
    assert not second.is_bound()
    first.close()
    first._inside = -1
    second.wait(0.01)
    assert second.is_bound()
    assert is_woken(second, Waker(str(tmp_path / "worker-wake.sock")).wake)


def test_the_socket_of_a_killed_worker_is_taken_over(opened: Open, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "True\n"
        assert not opened().is_bound()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert (tmp_path / "worker-wake.sock").is_socket()
    wakes = opened()
    assert wakes.is_bound()
    assert is_woken(wakes, Waker(str(tmp_path / "worker-wake.sock")).wake)


def test_without_a_directory_time_passes_all_the_same(tmp_path: Path) -> None:
    wakes = WakeSocket(tmp_path / "not-there" / WORKER_SOCKET)
    wakes.wait(0.01)
    assert not wakes.is_bound()
    (tmp_path / "not-there").mkdir()
    wakes.wait(0.01)
    assert wakes.is_bound()
    wakes.close()
    left = [path.name for path in (tmp_path / "not-there").iterdir()]
    assert left == ["worker-wake.sock.lock"]


def test_the_socket_is_for_the_services_user_alone(opened: Open, tmp_path: Path) -> None:
    opened()
    assert (tmp_path / "worker-wake.sock").stat().st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", str(tmp_path / "worker-wake.sock"))


def test_a_wait_says_who_ended_it(opened: Open, tmp_path: Path) -> None:
    wakes = opened()
    waker = Waker(str(tmp_path / WORKER_SOCKET))
    assert wakes.wait(0) is Woken.BY_TIME
    wakes.interrupt()
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_INSIDE
    waker.wake()
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE
    wakes.interrupt()
    waker.wake()
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE, "from both sides: the outer one"
    assert wakes.wait(0) is Woken.BY_TIME


def test_a_wait_says_which_networks_all_wakes_before_it_name(opened: Open, tmp_path: Path) -> None:
    wakes = opened()
    waker = Waker(str(tmp_path / WORKER_SOCKET))
    waker.wake([1, 2])
    waker.wake([2, 3])
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE
    assert wakes.changed_networks == {1, 2, 3}
    waker.wake([1])
    waker.wake()
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE
    assert wakes.changed_networks == frozenset(), "one of them is about everything"


def test_root_gives_the_socket_to_whom_the_directory_belongs(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 4711, 4712)
    wakes = WakeSocket(tmp_path / WORKER_SOCKET)
    wakes.bind()
    socket_of, directory = (tmp_path / WORKER_SOCKET).stat(), tmp_path.stat()
    wakes.close()
    assert (socket_of.st_uid, socket_of.st_gid) == (directory.st_uid, directory.st_gid)


def test_a_socket_that_somebody_removed_is_there_at_the_next_wait(
    opened: Open, tmp_path: Path
) -> None:
    holder = opened()
    (tmp_path / WORKER_SOCKET).unlink()
    assert holder.wait(0) is Woken.BY_TIME
    Waker(str(tmp_path / WORKER_SOCKET)).wake()
    assert holder.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE


def test_one_whose_socket_another_has_taken_leaves_it_to_it(opened: Open, tmp_path: Path) -> None:
    first = opened()
    for path in tmp_path.iterdir():
        path.unlink()
    second = opened()
    assert second.is_bound()
    assert first.wait(0) is Woken.BY_TIME
    assert not first.is_bound()
