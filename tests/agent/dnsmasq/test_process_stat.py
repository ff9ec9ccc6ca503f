"""What is read of a process is what the kernel says of it now."""

import os
import signal
import subprocess
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from ipam.agent.dnsmasq import process_stat
from ipam.agent.dnsmasq.process_stat import ProcessStat
from tests.waiting import eventually


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def stat(sleeper: subprocess.Popen[bytes]) -> Iterator[ProcessStat]:
    stat = ProcessStat(sleeper.pid)
    yield stat
    stat.close()


def test_a_process_that_was_seen_asleep_is_seen_to_be_stopped_and_to_go_on(
    sleeper: subprocess.Popen[bytes], stat: ProcessStat
) -> None:
    for _ in range(3):
        eventually(lambda: stat.read()[0] == b"S", "it sleeps")
        assert stat.read()[0] == b"S"
        assert not stat.has_run()
        sleeper.send_signal(signal.SIGSTOP)
        eventually(stat.has_run, "it has run to be stopped")
        eventually(lambda: stat.read()[0] == b"T", "it is stopped")
        assert stat.read()[0] == b"T"
        assert stat.has_run()
        sleeper.send_signal(signal.SIGCONT)


def test_the_state_of_a_process_that_sleeps_on_is_not_read_again(
    stat: ProcessStat, monkeypatch: pytest.MonkeyPatch
) -> None:
    pread = Mock(wraps=os.pread)
    monkeypatch.setattr(os, "pread", pread)

    def looks_twice_in_vain() -> bool:
        stat.read()
        pread.reset_mock()  # it may still have been on its way to sleep
        return stat.read() == stat.read() and pread.call_count == 2

    eventually(looks_twice_in_vain, "of a process that sleeps only the runs are read")


def test_cpu_time_is_read_while_a_process_runs() -> None:
    busy = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    stat = ProcessStat(busy.pid)
    try:
        eventually(lambda: stat.read()[1] > 0.05, "it has used CPU time")
    finally:
        busy.kill()
        busy.wait()
        assert stat.read() == (b"X", 0.0)
        stat.close()


def test_a_kernel_without_schedstat_is_read_in_full_each_time(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = process_stat.open_proc

    def without(pid: int, name: str) -> int:
        if name == "schedstat":
            raise FileNotFoundError(name)
        return opened(pid, name)

    monkeypatch.setattr(process_stat, "open_proc", without)
    stat = ProcessStat(sleeper.pid)
    try:
        eventually(lambda: stat.read()[0] == b"S", "it sleeps")
        sleeper.send_signal(signal.SIGSTOP)
        eventually(lambda: stat.read()[0] == b"T", "it is stopped")
    finally:
        stat.close()
