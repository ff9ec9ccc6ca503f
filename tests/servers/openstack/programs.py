"""Starts the programs of a lab, each with a log, waits for them, and ends them by their pids.

Every process, and every process that it starts, has the lab's mark in its environment. By that
mark processes that a program leaves behind (such as Erlang's name daemon) are found and ended,
too.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from tests.waiting import eventually

MARK: Final = "IPAM_LAB"
STOP_SECONDS: Final = 60


class LabError(RuntimeError):
    """A step failed; the message names the file that says why."""


class Programs:
    """The processes of one lab, by name. They end with the process that started them."""

    def __init__(self, directory: Path) -> None:
        self.logs = directory / "log"
        self.logs.mkdir(parents=True, exist_ok=True)
        self._mark = str(directory)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Ours without OS_*, which oslo.config would read, and with the mark."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return {**kept, MARK: self._mark, **(more or {})}

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a program; what it prints goes to log/NAME.out."""
        self._commands[name] = (command, environment or {})
        with self.log(name).open("ab") as output:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=self.environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
            )

    def start_again(self, name: str) -> None:
        """Start a program that was stopped, as it was started before."""
        self.start(name, *self._commands[name])

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal to the program and wait; a program that stays is killed."""
        process = self._running.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _end_group(process.pid)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send the signal to the program itself."""
        self._running[name].send_signal(number)

    def stop_all(self) -> None:
        """Kill every program and what they left behind: of a lab nothing is to be saved."""
        for name in reversed(list(self._running)):
            self.stop(name, signal.SIGKILL)
        end_marked(self._mark)

    def is_running(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def log(self, name: str) -> Path:
        """The file with what the program printed."""
        return self.logs / f"{name}.out"

    def wait(
        self,
        condition: Callable[[], object],
        what: str,
        *names: str,
    ) -> None:
        """Until it holds. Raises LabError when a named program ends first, or nothing comes."""

        def holds() -> bool:
            for name in names:
                if not self.is_running(name):
                    raise LabError(f"{name} ended at once; see {self.logs}/{name}*")
            return bool(condition())

        files = ", ".join(f"{self.logs}/{name}*" for name in names)
        try:
            eventually(holds, f"{what}; see {files}", every=0.1)
        except AssertionError as error:
            raise LabError(str(error)) from None

    def run(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> str:
        """What a program prints that ends by itself. Raises LabError if it fails."""
        done = subprocess.run(
            command,
            env=self.environment(environment),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        with self.log(name).open("a") as output:
            output.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n")
        if done.returncode:
            raise LabError(f"{name} failed with status {done.returncode}; see {self.log(name)}")
        return done.stdout


def end_marked(mark: str) -> int:
    """Kill the processes of the lab in this directory; how many there were."""
    ended = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                process.kill()
                ended += 1
    return ended


def _end_group(pid: int) -> None:
    """What the program started and left: it led a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
