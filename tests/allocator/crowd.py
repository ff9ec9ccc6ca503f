"""Worker processes on common subnets, and what each said."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import select

from ipam.allocator.ranges import size
from ipam.clock import now_seconds
from ipam.model import unpack
from ipam.store import tables
from ipam.store.engine.database import Database
from tests.allocator import acknowledgements
from tests.allocator.acknowledgements import Record
from tests.allocator.subnets import make_ground, parse
from tests.waiting import PATIENCE_SECONDS, eventually

WORKER: Final = Path(__file__).with_name("worker_process.py")
COOLDOWN_SECONDS: Final = 2
POOLS: Final = ("10.1.0.2-10.1.0.30", "10.2.0.1-10.2.3.254")
"""One that is full all the time, and one that becomes full."""


class Crowd:
    """Workers that take and release addresses of the same pools, each by a port of its own."""

    def __init__(
        self, urls: Sequence[str], directory: Path, *, ports: int, pools: Sequence[str] = POOLS
    ) -> None:
        """`urls` are of one database; worker by worker they take turns.

        `ports` is how many workers there are at most, with those that replace killed ones.
        """
        self._urls = urls
        self._directory = directory
        self._database = Database(urls[0])
        self.grounds = [make_ground(self._database, [pool], ports) for pool in pools]
        self._subnets = [
            f"{ground.subnet}={pool}" for ground, pool in zip(self.grounds, pools, strict=True)
        ]
        self._size = sum(size(one) for one in parse(pools))
        self._numbers = count()
        self._stop = directory / "stop"
        self._log = directory / "log"
        self._workers: dict[int, subprocess.Popen[bytes]] = {}

    def add(self, seed: int) -> int:
        """Start one more worker; its number."""
        number = next(self._numbers)
        file = self._file(number)
        file.touch()
        arguments = [
            self._urls[number % len(self._urls)],
            self.grounds[0].ports[number],
            file,
            self._stop,
            COOLDOWN_SECONDS,
            seed,
        ]
        command = [sys.executable, str(WORKER), *map(str, arguments), *self._subnets]
        with self._log.open("ab") as log:
            self._workers[number] = subprocess.Popen(command, stderr=log)
        return number

    def wait_until_all_own(self) -> None:
        """Return when each worker has taken an address. Fails if one has ended."""
        without = set(self._workers)

        def none_is_without() -> bool:
            for number in tuple(without):
                assert self._workers[number].poll() is None, self._said(number)
                if " own " in self._file(number).read_text():
                    without.remove(number)
            return not without

        def told() -> str:
            lines = {n: self._file(n).read_text().splitlines()[-3:] for n in without}
            return f"all own an address; the last words of those without one: {lines}"

        eventually(none_is_without, told)

    def kill(self, number: int) -> None:
        """End a worker with SIGKILL."""
        worker = self._workers.pop(number)
        worker.kill()
        assert worker.wait() == -signal.SIGKILL, self._said(number)

    def stop(self) -> None:
        """Let the workers end what they do."""
        self._stop.touch()
        for number, worker in self._workers.items():
            assert worker.wait(PATIENCE_SECONDS) == 0, self._said(number)
        self._workers.clear()

    def close(self) -> None:
        """Kill those that are left."""
        for worker in self._workers.values():
            worker.kill()
            worker.wait()
        self._database.dispose()

    def records(self) -> list[Record]:
        """What all workers said, the killed ones too."""
        ports = self.grounds[0].ports
        files = [(ports[number], self._file(number)) for number in range(len(ports))]
        return [
            acknowledgements.read(port, file.read_text().splitlines())
            for port, file in files
            if file.exists()
        ]

    def faults(self) -> list[str]:
        """What is wrong between the workers and the database at each of the URLs."""
        records = self.records()
        found = []
        for url in self._urls:
            owners = _owners(url, [ground.subnet for ground in self.grounds])
            found += acknowledgements.faults(records, owners, COOLDOWN_SECONDS)
        return found

    def unfilled(self) -> int:
        """How many addresses of the pools two processes together do not get: none, if right."""
        owned = 0
        for ground in self.grounds:
            ground.clock.seconds = now_seconds() + COOLDOWN_SECONDS
            for process in (None, ground.another_process()):
                ground.fill(by=process)
            owned += len(ground.owned())
        return self._size - owned

    def _said(self, number: int) -> str:
        return f"worker {number} ended by itself: {self._log.read_text()[-3000:]}"

    def _file(self, number: int) -> Path:
        return self._directory / f"worker-{number}"


def _owners(url: str, subnets: Sequence[int]) -> Mapping[str, int]:
    """Each address that has an owner, and its port."""
    database = Database(url)
    table = tables.ip_address.c
    query = select(table.ip, table.owner_pk).where(
        table.subnet_pk.in_(subnets), table.owner_pk.is_not(None)
    )
    rows = database.read(lambda tx: tx.execute(query).all())
    database.dispose()
    return {unpack(bytes(ip)): port for ip, port in rows}
