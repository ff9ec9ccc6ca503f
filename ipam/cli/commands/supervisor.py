"""Starts child processes, prefixes their lines, restarts them, and stops them in order.

It is one thread with one selector: pidfds report the end of children, a wake-up pipe reports
signals. Nothing here depends on what the children do. The kernel sends them SIGTERM when the
supervisor itself is killed.
"""

import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Self

from ipam.backoff import Backoff
from ipam.cli.commands.child_process import ChildProcess
from ipam.cli.commands.service_user import ServiceUser

RESTARTS = Backoff(first_seconds=1.0, longest_seconds=30.0)
HEALTHY_SECONDS = 60.0
"""A child that ran so long is restarted at once, as if it had never failed."""
REPEATED_SIGNAL_SECONDS = 1.0
"""timeout(1) and a terminal below sudo send a signal twice. Within this time it counts once."""


class ChildFailedError(Exception):
    """A child ended during the start."""


class Supervisor:
    """A context manager: at its end no child is left, whatever happens."""

    def __init__(self, write_line: Callable[[str, str], None]) -> None:
        """`write_line(name, line)` gets each line of a child, and the supervisor's as `up`."""
        self.signals = 0
        self.restarts = False
        self._last_signal = 0.0
        self._write_line = write_line
        self._children: dict[str, ChildProcess] = {}
        self._selector = selectors.DefaultSelector()
        self._old_handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._drain_wakeups)
        self._old_wakeup = signal.set_wakeup_fd(
            self._wake_writer.fileno(), warn_on_full_buffer=False
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._old_handlers[number] = signal.signal(number, self._count_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._children.values():
            self._kill(child)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave us
        signal.set_wakeup_fd(self._old_wakeup)
        self._wake_reader.close()
        self._wake_writer.close()
        self._selector.close()

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        user: ServiceUser | None = None,
    ) -> None:
        """Start a child of that name, as this user."""
        child = self._children[name] = ChildProcess(
            name, command, environment, self._write_line, user
        )
        self._spawn(child)

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        user: ServiceUser | None = None,
    ) -> None:
        """Run a child to its end. Raises ChildFailedError unless its status is 0."""
        self.start(name, command, environment, user)
        child = self._children[name]
        while child.process is not None and not self.signals:
            self._turn(None)
        self._kill(child)
        del self._children[name]
        if child.status and not self.signals:
            raise ChildFailedError(name)

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, pause: float) -> bool:
        """Whether the condition became true in time. It is checked every `pause` seconds.

        Raises ChildFailedError when a child ends meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not self.signals:
            if condition():
                return True
            if time.monotonic() >= deadline:
                return False
            self._turn(pause)
            for child in self._children.values():
                if child.process is None:
                    raise ChildFailedError(child.name)
        return False

    def run_until_signal(self) -> None:
        """Keep every child running until SIGINT, SIGTERM or SIGHUP."""
        self.restarts = True
        while not self.signals:
            self._turn(self._seconds_to_restart())
            self._restart_due()

    def stop(self, *names: str, seconds: float) -> None:
        """Send SIGTERM to these children, and SIGKILL to those that still run after `seconds`.

        Another signal from the user ends the wait.
        """
        self.restarts = False
        asked = self.signals
        children = [self._children[name] for name in names if name in self._children]
        running = [child for child in children if child.process is not None]
        for child in running:
            assert child.process is not None  # filtered above
            child.process.terminate()
        deadline = time.monotonic() + seconds
        while any(child.process is not None for child in running):
            left = deadline - time.monotonic()
            if left <= 0 or self.signals > asked:
                break
            self._turn(left)
        for child in running:
            if child.process is not None:
                self._write_line("up", f"{child.name} does not end; killing it")
            self._kill(child)

    def _spawn(self, child: ChildProcess) -> None:
        child.start()
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda: self._on_death(child))
        self._selector.register(
            child.output, selectors.EVENT_READ, lambda: self._read_lines(child)
        )

    def _turn(self, seconds: float | None) -> None:
        """Wait for the next event, and handle it."""
        for key, _ in self._selector.select(seconds):
            # An earlier event may have closed the file, so it is looked up by its number.
            if self._selector.get_map().get(key.fd) == key:
                key.data()

    def _on_death(self, child: ChildProcess) -> None:
        process = child.process
        assert process is not None  # its pidfd was registered
        child.status = process.wait()
        self._read_lines(child)
        self._forget(child)
        if not self.restarts:
            return
        child.failures = 1 if child.lived_seconds >= HEALTHY_SECONDS else child.failures + 1
        delay = RESTARTS.seconds(child.failures)
        child.restart_at = time.monotonic() + delay
        how = _how(child.status)
        self._write_line("up", f"{child.name} {how}; starting it again in {delay:g} s")

    def _restart_due(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.process is None and child.restart_at is not None and child.restart_at <= now:
                self._spawn(child)

    def _seconds_to_restart(self) -> float | None:
        due = [
            child.restart_at for child in self._children.values() if child.restart_at is not None
        ]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _read_lines(self, child: ChildProcess) -> None:
        more_may_come = child.read_lines()
        if not more_may_come and child.output in self._selector.get_map():
            self._selector.unregister(child.output)  # it would always be ready

    def _kill(self, child: ChildProcess) -> None:
        if child.process is not None:
            child.process.kill()
            child.process.wait()
            self._read_lines(child)
            self._forget(child)

    def _forget(self, child: ChildProcess) -> None:
        """Stop watching the ended process."""
        if child.output in self._selector.get_map():
            self._selector.unregister(child.output)
        self._selector.unregister(child.pidfd)
        child.close()

    def _drain_wakeups(self) -> None:
        self._wake_reader.recv(4096)

    def _count_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # signal()'s
        now = time.monotonic()
        if not self.signals or now - self._last_signal >= REPEATED_SIGNAL_SECONDS:
            self.signals += 1
        self._last_signal = now


def ipam_command(*words: str) -> list[str]:
    """The command line of `ipam` with these words, for the same interpreter, in any directory."""
    return [sys.executable, "-P", "-m", "ipam", *words]


def _how(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
