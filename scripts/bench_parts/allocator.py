"""Compares an allocation with a bare INSERT + COMMIT into an equal table, round by round.

Each round measures both, so that other work of the machine affects both. The ratio is the median
of the rounds' ratios. Commits wait for the disk.
"""

import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import MetaData, Table, insert

from ipam.allocator.allocator import Allocator
from ipam.model import pack
from ipam.store import schema, tables
from ipam.store.engine.database import Database, Transaction
from tests.allocator.subnets import Ground, make_ground, write_pools
from tests.servers.mariadb_server import MariadbServer
from tests.servers.postgresql_server import PostgresqlServer

FIRST, LAST = pack("10.0.0.1"), pack("10.0.255.254")
ROUNDS = 7
WORKERS = (1, 4)
FRESH_BATCH = 300
FULL_BATCH = 100
FREE_FRACTION = 0.01


def run() -> dict[str, Any]:
    """Figures of each database that can be started here."""
    return {name: _database(url) for name, url in _databases()}


def _databases() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as directory:
        yield "sqlite", f"sqlite:///{directory}/bench.sqlite"
    for kind in (PostgresqlServer, MariadbServer):
        if kind.missing():
            continue
        server = kind(durable=True)
        server.launch()
        try:
            yield server.name, server.fresh_url()
        finally:
            server.remove()


def _database(url: str) -> dict[str, Any]:
    database = Database(url)
    schema.upgrade(database)
    floor_table().create(database.engine)
    figures: dict[str, Any] = {}
    for fullness, make, batch in (
        ("fresh", _fresh, FRESH_BATCH),
        ("99 % full", _nearly_full, FULL_BATCH),
    ):
        ground = make(database)
        for count in WORKERS:
            figures.setdefault(fullness, {})[f"{count} workers"] = _measure(
                url, ground, count, batch
            )
    database.dispose()
    return figures


def floor_table() -> Table:
    """A table like that of the addresses, for the bare insert."""
    copies = MetaData()
    for table in tables.metadata.sorted_tables:
        table.to_metadata(copies)
    floor = tables.ip_address.to_metadata(copies, name="bench_floor")
    for item in (*floor.indexes, *floor.constraints):
        item.name = f"bench_{item.name}"  # names of indexes are shared by all tables
    return floor


def _fresh(database: Database) -> Ground:
    return make_ground(database, ["10.0.0.1-10.0.255.254"])


def _nearly_full(database: Database) -> Ground:
    """Every address was given once, and one in a hundred has been released."""
    ground = make_ground(database, [])
    low, high = (int.from_bytes(each, "big") for each in (FIRST, LAST))
    free = set(random.sample(range(low, high + 1), int((high - low) * FREE_FRACTION)))

    def fill(tx: Transaction) -> None:
        write_pools(tx, ground.subnet, [(FIRST, LAST)])
        rows = [
            {
                "subnet_pk": ground.subnet,
                "ip": number.to_bytes(4, "big"),
                "owner_pk": None if number in free else ground.ports[0],
                "free_at": 0 if number in free else None,
            }
            for number in range(low, high + 1)
        ]
        tx.execute(insert(tables.ip_address), rows)
        tx.execute(insert(floor_table()), rows)

    database.write(fill)
    return ground


def _measure(url: str, ground: Ground, count: int, batch: int) -> dict[str, float]:
    ratios: list[float] = []
    floors: list[float] = []
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_worker(url, ground.subnet, ground.ports[0])) for _ in range(count)
        ]
        for _ in range(ROUNDS):
            floor = _together(workers, "floor", batch)
            ratios.append(_together(workers, "allocate", batch) / floor)
            floors.append(count * batch / floor)
            if batch == FULL_BATCH:
                _together(workers, "release", batch)
    return {
        "floor_per_second": round(statistics.median(floors)),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_lowest": round(min(ratios), 2),
        "ratio_highest": round(max(ratios), 2),
    }


def _together(workers: list[Connection], what: str, batch: int) -> float:
    """Seconds until every worker has done it."""
    start = time.perf_counter()
    for worker in workers:
        worker.send((what, batch))
    for worker in workers:
        worker.recv()
    return time.perf_counter() - start


@contextmanager
def _worker(url: str, subnet: int, port: int) -> Iterator[Connection]:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=work, args=(theirs, url, subnet, port), daemon=True)
    process.start()
    ours.recv()
    try:
        yield ours
    finally:
        ours.send(("stop", 0))
        process.join()
        ours.close()


def work(orders: Connection, url: str, subnet: int, port: int) -> None:
    """A process that does what it is told: so many inserts, allocations or releases."""
    database = Database(url)
    allocator = Allocator(database, cooldown_seconds=0, worker="bench")
    floor = insert(floor_table())
    number = random.randrange(2**27, 2**31)  # far from the subnet, and from the other workers'
    mine: list[bytes] = []

    def bare(tx: Transaction) -> None:
        ip = number.to_bytes(4, "big")
        tx.execute(floor, {"subnet_pk": subnet, "ip": ip, "owner_pk": port})

    orders.send("ready")
    while (order := orders.recv())[0] != "stop":
        for _ in range(order[1]):
            match order[0]:
                case "floor":
                    number += 1
                    database.write(bare)
                case "allocate":
                    mine.append(database.write(lambda tx: allocator.allocate(tx, subnet, port)))
                case "release":
                    ip = mine.pop()
                    database.write(lambda tx, ip=ip: allocator.release(tx, subnet, ip, port))
        orders.send("done")
    database.dispose()
