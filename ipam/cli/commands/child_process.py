"""A child process of a supervisor, and the lines that it writes."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from ipam.cli.commands.service_user import ServiceUser

LONGEST_LINE_BYTES = 65536
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


class ChildProcess:
    """A child that runs or waits for its restart. The kernel ends it with its parent."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        write_line: Callable[[str, str], None],
        user: ServiceUser | None = None,
    ) -> None:
        """It runs as this user, without a way back to privileges; None: as its parent."""
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self.pidfd = -1
        self.status: int | None = None
        self.failures = 0
        self.restart_at: float | None = None
        self._command = command
        self._environment = environment
        self._write_line = write_line
        self._user = user
        self._started = 0.0
        self._unfinished = bytearray()

    def start(self) -> None:
        """Run the command. `pidfd` becomes readable when it has ended."""
        parent, user = os.getpid(), self._user

        def die_with_parent() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if user is not None:
                _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(self._environment),
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            process_group=0,  # Ctrl-C at the terminal reaches only the supervisor
            preexec_fn=die_with_parent,  # noqa: PLW1509  # this process has one thread
        )
        self._started, self.restart_at = time.monotonic(), None
        self.pidfd = os.pidfd_open(self.process.pid)
        os.set_blocking(self.output.fileno(), False)

    @property
    def output(self) -> IO[bytes]:
        """Where the running child writes."""
        assert self.process is not None  # it runs, or has just ended
        assert self.process.stdout is not None  # it is a pipe
        return self.process.stdout

    @property
    def lived_seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self._started

    def read_lines(self) -> bool:
        """Pass on the lines that are there; whether more may follow."""
        try:
            while chunk := os.read(self.output.fileno(), LONGEST_LINE_BYTES):
                self._unfinished += chunk
                self._pass_on_lines()
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        """Pass on the last lines of the ended process, and close its descriptors."""
        if self._unfinished:
            self._pass_on(self._unfinished)
        self._unfinished = bytearray()
        self.output.close()
        os.close(self.pidfd)
        self.process = None

    def _pass_on_lines(self) -> None:
        *lines, rest = self._unfinished.split(b"\n")
        if len(rest) >= LONGEST_LINE_BYTES:
            lines.append(rest)
            rest = bytearray()
        for line in lines:
            self._pass_on(line)
        self._unfinished = rest

    def _pass_on(self, line: bytearray) -> None:
        self._write_line(self.name, line.decode(errors="backslashreplace"))
