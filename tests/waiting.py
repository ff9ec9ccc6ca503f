"""Waits of tests: for a fact, never for a time.

`PATIENCE_SECONDS` is the only bound. It is not an expected time: even on a slow or loaded machine
only a hanging test reaches it. It is less than pytest's `timeout`, so that a failure names the
fact that was waited for.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

PATIENCE_SECONDS: Final = 240.0
LOOK_AGAIN_SECONDS: Final = 0.05

Found = TypeVar("Found")


def eventually(
    probe: Callable[[], Found],
    what: str | Callable[[], str] = "it never came true",
    *,
    every: float = LOOK_AGAIN_SECONDS,
) -> Found:
    """The first true answer of the probe.

    Fails with `what` was waited for; a function says it with what is known by then.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := probe()):
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {PATIENCE_SECONDS:g} s: {told}")
        time.sleep(every)
    return found


def until_it_serves(
    process: "subprocess.Popen[str] | subprocess.Popen[bytes]",
    serves: Callable[[], object],
    log: Path,
) -> None:
    """Wait for a program that was just started.

    Raises RuntimeError with its log when it ends instead.
    """

    def told() -> str:
        return f"{process.args!r}:\n{log.read_text()[-3000:]}"

    def serves_or_has_ended() -> bool:
        return bool(serves()) or process.poll() is not None

    eventually(serves_or_has_ended, told)
    if process.poll() is not None:
        raise RuntimeError(f"ended at once: {told()}")


@contextlib.contextmanager
def ready_process(
    command: Sequence[str], directory: Path, log: Path
) -> "Iterator[subprocess.Popen[str]]":
    """A program that has said READY=1, as systemd hears it; killed at the end if still there."""
    address = directory / f"{log.stem}.notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, log.open("w") as output:
        notified.bind(str(address))
        notified.setblocking(False)
        process = subprocess.Popen(
            command,
            env={**os.environ, "NOTIFY_SOCKET": str(address)},
            stderr=output,
            text=True,
        )
        try:
            until_it_serves(process, lambda: _heard(notified) == b"READY=1", log)
            yield process
        finally:
            process.kill()
            process.wait()
            address.unlink()


def _heard(notified: socket.socket) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return notified.recv(100)
    return b""
