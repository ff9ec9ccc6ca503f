"""A private database server: on loopback, on a free port. It ends with its parent."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from tests.waiting import PATIENCE_SECONDS, until_it_serves

PORTS: Final = range(20_000, 32_000)


class PrivateServer(ABC):
    """A server process that this one starts, stops and outlives."""

    name = "server"
    package = "package"
    user = "nobody"
    stop_signal = signal.SIGTERM

    def __init__(self, *, durable: bool = False) -> None:
        """With `durable`, commits wait for the disk: for measuring, tests need it not."""
        self.durable = durable
        self.port = 0
        self.directory = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """The sentence to skip with when the server cannot run here."""

    @abstractmethod
    def create_database(self, name: str) -> str:
        """The URL of a new, empty database."""

    @abstractmethod
    def drop_database(self, name: str) -> None:
        """Forget a database, whoever is still connected."""

    @abstractmethod
    def _initialise(self, data: Path) -> None: ...

    @abstractmethod
    def _command(self, data: Path) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def fresh_url(self) -> str:
        """The URL of a new, empty database with a name of its own."""
        return self.create_database(f"test_{next(self._numbers)}")

    def launch(self) -> None:
        """Make the data directory and start."""
        self.directory = Path(tempfile.mkdtemp(prefix=f"ipam-{self.name}-"))
        if os.geteuid() == 0:
            shutil.chown(self.directory, self.user)
        self.port = free_port()
        try:
            self._initialise(self.directory / "data")
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self) -> None:
        """Start, and wait until it answers."""
        log_path = self.directory / "log"
        with log_path.open("ab") as log:
            command = self._as_user(self._command(self.directory / "data"))
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        until_it_serves(self._process, self._answers, log_path)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The server's process; those it starts are its children."""
        assert self._process is not None, "not started"
        return self._process.pid

    def stop(self, number: signal.Signals | None = None) -> None:
        """Stop; the data stays for the next start."""
        if self._process is None:
            return
        self._process.send_signal(number or self.stop_signal)
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Stop, and delete everything."""
        self.stop()
        if self.directory.name:  # else it was never launched, and this is where the tests run
            shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, command: Sequence[str], stdin: str = "") -> None:
        """Run a program as the server's user, to its end."""
        done = subprocess.run(
            self._as_user(list(command)),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")

    def _as_user(self, command: list[str]) -> list[str]:
        """The command, ended by the kernel when its parent ends in whatever way."""
        prefix = ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            prefix += [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        return [*prefix, *command]


def is_listening(port: int) -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port() -> int:
    """A TCP port that nobody listens on just now.

    It is none that the kernel gives to connections. A client that tries such a port again and
    again while its server is away is connected to itself at last, and then the server cannot
    start.
    """
    while True:
        port = random.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
