"""Processes that allocate, each told over a pipe how much of what."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import insert

from ipam.allocator.allocator import Allocator
from ipam.store.engine.database import Database, Transaction
from scripts.bench_parts import allocator_peers
from scripts.bench_parts.allocator_subnets import floor_table
from scripts.bench_parts.api_load import cpu_seconds

PAUSE_SECONDS = 0.02
"""Servers account for a commit's CPU a little after it."""


@dataclass(frozen=True)
class Cost:
    """What some operations took, all together."""

    wall: float
    cpu: float
    """Of the workers and the servers."""


class Workers:
    """Processes that do the same at the same time."""

    def __init__(
        self,
        urls: Sequence[str],
        subnet: int,
        ports: Sequence[int],
        *,
        count: int,
        pids: Sequence[int],
    ) -> None:
        """`urls` take turns. `pids` are the servers' processes, whose CPU counts."""
        self._stack = ExitStack()
        self._pids = pids
        self._workers = [
            self._stack.enter_context(_process(urls[one % len(urls)], subnet, ports[one], one))
            for one in range(count)
        ]

    def close(self) -> None:
        self._stack.close()

    def do(self, what: str, count: int) -> Cost:
        """Have each worker do this so often."""
        servers = sum(map(cpu_seconds, self._pids))
        start = time.perf_counter()
        for worker in self._workers:
            worker.send((what, count))
        own = sum(worker.recv() for worker in self._workers)
        wall = time.perf_counter() - start
        time.sleep(PAUSE_SECONDS)
        return Cost(wall, own + sum(map(cpu_seconds, self._pids)) - servers)


@contextmanager
def _process(url: str, subnet: int, port: int, number: int) -> Iterator[Connection]:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=work, args=(theirs, url, subnet, port, number), daemon=True)
    process.start()
    ours.recv()
    try:
        yield ours
    finally:
        ours.send(("stop", 0))
        process.join()
        ours.close()


def work(orders: Connection, url: str, subnet: int, port: int, number: int) -> None:
    """Do what is ordered until "stop"; answer with the seconds of CPU."""
    one = _Worker(Database(url), subnet, port, number)
    orders.send("ready")
    while (order := orders.recv())[0] != "stop":
        what, count = order
        before = time.process_time()
        getattr(one, what)(count)
        orders.send(time.process_time() - before)
    one.database.dispose()


class _Worker:
    """The orders."""

    def __init__(self, database: Database, subnet: int, port: int, number: int) -> None:
        self.database = database
        self._subnet = subnet
        self._port = port
        self._allocator = Allocator(database, cooldown_seconds=0, worker=f"bench-{number}")
        self._insert = insert(floor_table())
        self._next = 2**29 + number * 2**24  # in no subnet, and no other worker's
        self._mine: list[bytes] = []

    def floor(self, count: int) -> None:
        for _ in range(count):
            self.database.write(self._bare)

    def allocate(self, count: int) -> None:
        for _ in range(count):
            self._mine.append(
                self.database.write(
                    lambda tx: self._allocator.allocate(tx, self._subnet, self._port)
                )
            )

    def release(self, count: int) -> None:
        for _ in range(count):
            self.database.write(partial(self._release, ip=self._mine.pop()))

    def many_floor(self, count: int) -> None:
        """One statement for all."""
        mark = "?" if self.database.has_one_writer else "%s"
        row = f"({mark}, {mark}, {mark})"
        text = "INSERT INTO bench_floor (subnet_pk, ip, owner_pk) VALUES "
        text += ", ".join([row] * count)
        values = tuple(value for _ in range(count) for value in self._row().values())
        self.database.write(lambda tx: tx.connection.exec_driver_sql(text, values))

    def many(self, count: int) -> None:
        owners = [self._port] * count
        self._mine += self.database.write(
            lambda tx: self._allocator.allocate_many(tx, self._subnet, owners)
        )

    def neutron(self, count: int) -> None:
        self._like(allocator_peers.neutron, count)

    def netbox(self, count: int) -> None:
        self._like(allocator_peers.netbox, count)

    def _like(self, peer: Callable[[Transaction, int, int], bytes], count: int) -> None:
        for _ in range(count):
            self._mine.append(self.database.write(lambda tx: peer(tx, self._subnet, self._port)))

    def _bare(self, tx: Transaction) -> None:
        tx.execute(self._insert, self._row())

    def _row(self) -> dict[str, Any]:
        self._next += 1
        return {
            "subnet_pk": self._subnet,
            "ip": self._next.to_bytes(4, "big"),
            "owner_pk": self._port,
        }

    def _release(self, tx: Transaction, *, ip: bytes) -> None:
        self._allocator.release(tx, self._subnet, ip, self._port)
