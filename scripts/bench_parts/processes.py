"""Starting the service's processes for a benchmark, on a private state, and measuring them."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from ipam.client import Client
from ipam.errors import IpamError
from tests.changed_settings import NO_QUOTAS
from tests.guard_tables import remove_guard

IPAM = str(Path(sys.executable).with_name("ipam"))


@dataclass(frozen=True)
class Place:
    """Where one benchmark's service keeps its files."""

    directory: Path
    host: str

    @property
    def config(self) -> str:
        return str(self.directory / "ipam.conf")

    @property
    def socket(self) -> str:
        return str(self.directory / "api.sock")

    def client(self) -> Client:
        return Client(socket_path=self.socket)


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A fresh state with its settings, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="ipam-bench-"))
    directory.chmod(0o755)
    made = Place(directory, f"bench-{os.getpid()}")
    Path(made.config).write_text(
        f"[DEFAULT]\nhost = {made.host}\nstate_path = {directory}\nrun_path = {directory}\n"
        f"log_level = WARNING\n[api]\nbind_port = 0\n[quotas]\n{NO_QUOTAS}"
        "[network]\naddress_cooldown_seconds = 0\n"
    )
    try:
        yield made
    finally:
        remove_guard(directory)
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def process(made: Place, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """One `ipam` process, stopped by SIGTERM at the end."""
    command = [IPAM, *words, "--config-file", made.config]
    started = subprocess.Popen(command, stdout=sys.stderr)  # standard output is the result's
    try:
        yield started
    finally:
        started.terminate()
        started.wait(60)


def wait(condition: Callable[[], object], seconds: float = 60, every: float = 0.005) -> None:
    """Return once the condition holds; a service that is not there yet counts as no."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(IpamError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} did not come true within {seconds} s")
        time.sleep(every)


def pss_mb(pid: int) -> float:
    """The memory a process and its children hold, shared pages counted by share, in MB."""
    root = psutil.Process(pid)
    family = [root, *root.children(recursive=True)]
    return sum(member.memory_full_info().pss for member in family) / 1e6


def quantile(values: list[float], fraction: float) -> float:
    """The value below which this fraction of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * fraction), len(ordered) - 1)]
