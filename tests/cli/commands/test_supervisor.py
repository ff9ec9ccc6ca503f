"""Real child processes under the supervisor."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipam.backoff import Backoff
from ipam.cli.commands import supervisor
from ipam.cli.commands.supervisor import ChildFailedError, Supervisor
from tests.waiting import PATIENCE_SECONDS, eventually

SLEEPER = "import time; print('ready', flush=True); time.sleep(3600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


class Watched:
    """A supervisor with what it wrote."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.supervisor = Supervisor(lambda name, line: self.lines.append((name, line)))

    def start(self, name: str, program: str, *, ready: bool = True) -> int:
        """Start a Python program; its pid once it has said `ready`."""
        self.supervisor.start(name, [sys.executable, "-c", program], os.environ)
        if ready:
            assert self.supervisor.wait_until(
                lambda: (name, "ready") in self.lines, seconds=PATIENCE_SECONDS, pause=0.01
            )
        process = self.supervisor._children[name].process
        assert process is not None
        return process.pid

    def signal_after(self, seconds: float, times: int = 1) -> None:
        def send() -> None:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGTERM)

        threading.Timer(seconds, send).start()

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Run until it comes true; what is said is looked at from another thread."""

        def stop() -> None:
            eventually(condition)
            os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=stop)
        thread.start()
        self.supervisor.run_until_signal()
        thread.join()


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    with made.supervisor:
        yield made


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_lines_of_a_child_come_whole_and_named(watched: Watched) -> None:
    program = "import sys; print('one'); print('two\\nthr', end=''); sys.stderr.write('ee')"
    watched.supervisor.run("child", [sys.executable, "-uc", program], os.environ)
    assert watched.lines == [("child", "one"), ("child", "two"), ("child", "three")]


def test_run_raises_when_the_child_fails(watched: Watched) -> None:
    with pytest.raises(ChildFailedError, match="child"):
        watched.supervisor.run("child", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)


def test_a_child_that_ends_during_the_start_is_a_failure(watched: Watched) -> None:
    watched.start("child", "raise SystemExit(0)", ready=False)
    with pytest.raises(ChildFailedError, match="child"):
        watched.supervisor.wait_until(lambda: False, seconds=PATIENCE_SECONDS, pause=1)


def test_waiting_ends_at_its_time(watched: Watched) -> None:
    watched.start("child", SLEEPER)
    assert not watched.supervisor.wait_until(lambda: False, seconds=0.05, pause=0.01)


def test_a_signal_ends_waiting_and_running(watched: Watched) -> None:
    watched.start("child", SLEEPER)
    watched.signal_after(0.1)
    assert not watched.supervisor.wait_until(lambda: False, seconds=PATIENCE_SECONDS, pause=60)
    watched.supervisor.run_until_signal()


def test_the_same_signal_sent_twice_counts_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "REPEATED_SIGNAL_SECONDS", PATIENCE_SECONDS)
    watched.start("child", SLEEPER)
    watched.signal_after(0.1, times=3)
    watched.supervisor.run_until_signal()
    assert watched.supervisor.signals == 1


def test_a_child_that_dies_is_started_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RESTARTS", Backoff(0.01, 30.0))
    first = watched.start("child", SLEEPER)
    os.kill(first, signal.SIGKILL)

    watched.run_until(lambda: watched.lines.count(("child", "ready")) == 2)
    assert ("up", "child was killed by SIGKILL; starting it again in 0.01 s") in watched.lines


def test_restarts_back_off(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervisor, "_seconds_to_restart", lambda _: 0.01)
    monkeypatch.setattr(supervisor, "RESTARTS", Backoff(0.01, 30.0))
    watched.start("child", "raise SystemExit(7)", ready=False)
    watched.run_until(lambda: len(watched.lines) >= 3)
    said = [line for name, line in watched.lines if name == "up"]
    assert said[:3] == [
        f"child ended with status 7; starting it again in {seconds:g} s"
        for seconds in (0.01, 0.02, 0.04)
    ]


def test_a_death_and_last_words_that_come_together_are_both_taken(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = watched.start("child", "print('last words')", ready=False)
    eventually(lambda: not alive(pid))
    selector, pidfd = watched.supervisor._selector, watched.supervisor._children["child"].pidfd
    death_first = sorted(selector.select(PATIENCE_SECONDS), key=lambda event: event[0].fd != pidfd)
    assert len(death_first) == 2
    monkeypatch.setattr(selector, "select", lambda _seconds: death_first)
    watched.supervisor._turn(0)
    assert ("child", "last words") in watched.lines


def test_stop_waits_for_children_and_kills_those_that_do_not_end(watched: Watched) -> None:
    pids = [watched.start("polite", SLEEPER), watched.start("deaf", DEAF)]
    watched.supervisor.stop("polite", seconds=PATIENCE_SECONDS)
    assert [alive(pid) for pid in pids] == [False, True]
    watched.supervisor.stop("deaf", seconds=0.1)
    assert not alive(pids[1])
    assert ("up", "deaf does not end; killing it") in watched.lines
    assert not any(line.startswith("polite") for name, line in watched.lines if name == "up")


def test_no_child_outlives_the_block() -> None:
    watched = Watched()
    with pytest.raises(RuntimeError), watched.supervisor:  # noqa: PT012  # the block is the test
        pid = watched.start("deaf", DEAF)
        raise RuntimeError
    assert not alive(pid)


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid())); {SLEEPER}"
    program = (
        "import os, sys; from ipam.cli.commands.supervisor import Supervisor\n"
        "with Supervisor(lambda *_: print('line', flush=True)) as supervisor:\n"
        f"    supervisor.start('child', [sys.executable, '-c', {child!r}], os.environ)\n"
        "    supervisor.run_until_signal()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"line\n"
        pid = int(pid_file.read_text())
        assert alive(pid)
        process.kill()
    eventually(lambda: not alive(pid))


def test_the_supervisor_loads_nothing_heavy() -> None:
    program = "import sys, ipam.cli.commands.up; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"sqlalchemy", "pyroute2", "httpx", "openstack"} & set(done.stdout.split())
