"""The agent's loop waits: what ends the wait, and what is told of it."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator

import pytest

from ipam.agent.outside import Running
from ipam.agent.waiting import Waiting
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    with contextlib.closing(Waiting()) as made:
        made.wait(0, nothing)
        yield made


def nothing() -> bool:
    return False


def test_nothing_is_told_when_nothing_happens(waiting: Waiting) -> None:
    assert waiting.wait(0, nothing) == (False, set())


def test_a_thread_ends_the_wait_and_however_often_it_is_once(waiting: Waiting) -> None:
    threads = [threading.Thread(target=waiting.wake) for _ in range(3)]
    for thread in threads:
        thread.start()
    heard = waiting.wait(PATIENCE_SECONDS, nothing)
    for thread in threads:
        thread.join()
    assert heard == (True, set())
    waiting.wait(0, nothing)
    assert waiting.wait(0, nothing) == (False, set())


def test_lease_events_end_the_wait_together(waiting: Waiting) -> None:
    for _ in range(3):
        waiting.wake_for_lease()
    assert waiting.wait(PATIENCE_SECONDS, nothing) == (True, set())
    assert waiting.wait(0, nothing) == (False, set())


def test_what_a_look_finds_ends_the_wait() -> None:
    with contextlib.closing(Waiting()) as waiting:
        assert waiting.wait(PATIENCE_SECONDS, lambda: True) == (True, set())


def test_it_looks_again_and_again_while_it_waits() -> None:
    looks = iter([False, True])
    with contextlib.closing(Waiting()) as waiting:
        assert waiting.wait(PATIENCE_SECONDS, lambda: next(looks)) == (True, set())


def test_a_source_is_heard_until_it_is_read(waiting: Waiting) -> None:
    reading, writing = os.pipe()
    try:
        waiting.listen_to(reading)
        os.write(writing, b"x")
        assert waiting.wait(PATIENCE_SECONDS, nothing) == (True, set())
        assert waiting.wait(PATIENCE_SECONDS, nothing) == (True, set())
        os.read(reading, 1)
        assert waiting.wait(0, nothing) == (False, set())
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("ends", ["server", "helper"])
def test_the_end_of_a_dnsmasq_or_its_helper_names_the_network(waiting: Waiting, ends: str) -> None:
    processes = {name: subprocess.Popen(["sleep", "infinity"]) for name in ("server", "helper")}
    descriptors = {name: os.pidfd_open(one.pid) for name, one in processes.items()}
    running = Running(
        processes["server"].pid, descriptors["server"], descriptors["helper"], stats=(), hooks=-1
    )
    try:
        waiting.watch("n", running)
        assert waiting.wait(0, nothing) == (False, set())
        processes[ends].kill()
        assert waiting.wait(PATIENCE_SECONDS, nothing) == (True, {"n"})
        waiting.unwatch(running)
        assert waiting.wait(0, nothing) == (False, set())
    finally:
        for one in processes.values():
            one.kill()
            one.wait()
        for descriptor in descriptors.values():
            os.close(descriptor)
