"""Reads and writes the lease files of dnsmasqs."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ipam import files
from ipam.agent.dnsmasq import lease_file
from ipam.agent.dnsmasq.config import server_duid
from ipam.agent.state import Lease

MODE = 0o600
CLOCK_TICK_NS = 50_000_000
"""Within so short a time two changes may have one time in the file system."""


class LeaseFiles:
    """The lease file of each network in its directory below this one. Not thread-safe."""

    def __init__(self, directory: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._monotonic = monotonic
        self._paths: dict[str, Path] = {}
        self._whole: dict[str, tuple[float, Sequence[Lease]]] = {}
        self._read: dict[str, tuple[tuple[int, int, int], Sequence[Lease] | None]] = {}

    def locate(self, network_id: str, path: str) -> Path:
        """The network's dnsmasq has its file there; where it was before."""
        before = self._path(network_id)
        self._paths[network_id] = Path(path)
        return before

    def is_durable(self, network_id: str) -> bool:
        """Whether the file may be older than this boot."""
        path = self._path(network_id)
        return path.parent != self._directory / network_id

    def held(self, network_id: str) -> Sequence[Lease] | None:
        """The leases, the same object while the file is the same; None if it does not say."""
        # Asked twice of each network in each turn: pathlib takes five times as long.
        located = self._paths.get(network_id)
        file = str(located) if located else f"{self._directory}/{network_id}/{lease_file.NAME}"
        try:
            status = os.stat(file)  # noqa: PTH116
            age_ns = time.time_ns() - status.st_mtime_ns
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            known = self._read.get(network_id)
            if known is None or known[0] != stamp or age_ns < CLOCK_TICK_NS:
                leases = lease_file.parsed(_text(Path(file)))
                known = self._read[network_id] = (stamp, leases)
        except OSError:
            return None
        if known[1]:
            self._whole[network_id] = (self._monotonic(), known[1])
        return known[1]

    def part(self, network_id: str) -> Sequence[Lease]:
        """The leases in a file that is not whole; none if there is no file."""
        try:
            return lease_file.leases_in(_text(self._path(network_id)))
        except OSError:
            return ()

    def last_whole(self, network_id: str) -> tuple[float, Sequence[Lease]] | None:
        """When the file was last seen whole and had leases, and which; None for never."""
        return self._whole.get(network_id)

    def write(self, network_id: str, leases: Iterable[Lease]) -> None:
        """Have a dnsmasq that is started next hold these leases, if its directory is there."""
        text = lease_file.text_of(leases, server_duid(network_id))
        durable = self.is_durable(network_id)
        with contextlib.suppress(FileNotFoundError):
            files.put(self._path(network_id), text.encode(), mode=MODE, durable=durable)

    def forget(self, network_id: str) -> None:
        """Nothing of the network is left."""
        if self.is_durable(network_id):
            self._path(network_id).unlink(missing_ok=True)
        self._paths.pop(network_id, None)
        self._read.pop(network_id, None)
        self._whole.pop(network_id, None)

    def _path(self, network_id: str) -> Path:
        return self._paths.get(network_id, self._directory / network_id / lease_file.NAME)


def _text(path: Path) -> str:
    return path.read_text("ascii", "replace")
