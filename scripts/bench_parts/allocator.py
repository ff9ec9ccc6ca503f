"""Compares an allocation with a bare INSERT + COMMIT into an equal table, and with what peers do.

Each round measures both, one after the other, at the same concurrency, so that other work of the
machine affects both. A ratio is the median of the rounds' ratios. Commits wait for the disk.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text

from ipam.allocator.allocator import Allocator
from ipam.store import schema
from ipam.store.engine.database import Database
from scripts.bench_parts import allocator_subnets, progress
from scripts.bench_parts.allocator_subnets import Filling, percent
from scripts.bench_parts.allocator_worker import Cost, Workers
from scripts.bench_parts.api_statements import counter
from tests.allocator.subnets import Ground
from tests.servers.galera_cluster import GaleraCluster
from tests.servers.mariadb_server import MariadbServer
from tests.servers.postgresql_server import PostgresqlServer

SIXTEEN: Final = ("10.0.0.1", "10.0.255.254")
VIRGIN: Final = Filling(*SIXTEEN)
RECYCLED: Final = Filling(*SIXTEEN, used=32_767, released=32_767)
CROWDED: Final = Filling(*SIXTEEN, used=60_000)
BATCH: Final = 1_000

SMALL: Final = ("10.0.0.1", "10.0.0.254")
TWELVE: Final = ("10.0.0.1", "10.15.255.254")
EIGHT: Final = ("10.0.0.1", "10.255.255.254")
SIXTY_FOUR: Final = ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff")
SIZES: Final = {
    "/24, 0 % full": percent(*SMALL, 0),
    "/24, 50 % full": percent(*SMALL, 50),
    "/24, 99 % full": percent(*SMALL, 99),
    "/16, 0 % full": percent(*SIXTEEN, 0),
    "/16, 50 % full": percent(*SIXTEEN, 50),
    "/16, 99 % full": percent(*SIXTEEN, 99),
    "/16, 99.99 % full": percent(*SIXTEEN, 99.99),
    "/12, 0 % full": percent(*TWELVE, 0),
    "/12, 99.99 % full": percent(*TWELVE, 99.99),
    "/8, 0 % full": percent(*EIGHT, 0),
    "/8, 6 % full": percent(*EIGHT, 6),
    "/64, 0 % full": percent(*SIXTY_FOUR, 0),
    "/64, 100,000 used": Filling(*SIXTY_FOUR, used=100_000),
}
LARGEST_WHEN_QUICK: Final = 70_000
CALLS_OF_A_SIZE: Final = 150


@dataclass
class Served:
    """A database of one server or of several."""

    urls: list[str]
    pids: Sequence[int] = ()
    cluster: GaleraCluster | None = None


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in the figures of each database that can be started here."""
    rounds = 3 if quick else 9
    for name, served in _servers():
        progress.say(f"{name}: measuring")
        found = figures.setdefault(name, {})
        if served.cluster is not None:
            _galera(found, served, rounds)
            continue
        for state, filling in (("virgin", VIRGIN), ("recycled", RECYCLED)):
            for count, calls in ((1, 300), (16, 60)) if name != "sqlite" else ((1, 300),):
                case = f"{count} worker{'s' * (count > 1)}, {state} /16"
                found[case] = _against_floor(served, filling, count, calls, rounds)
                progress.say(f"{name}, {case}: {found[case]}")
        found[f"batch of {BATCH:,}"] = _batches(served, rounds)
        found["60,000 used of a /16"] = _peers(served, rounds)
        found["sizes"] = _sizes(served, quick=quick or name != "postgresql")
        if name == "postgresql":
            found["bytes per address"] = _bytes_per_address(served)
        progress.say(f"{name}: measured")


def _against_floor(
    served: Served, filling: Filling, count: int, calls: int, rounds: int
) -> dict[str, Any]:
    """An allocation in multiples of the floor."""
    with _workers(served, filling, count, floor=True) as workers:
        workers.do("allocate", 70)  # a list of candidates and more
        workers.do("floor", 70)
        wall, cpu, rates = [], [], []
        for _ in range(rounds):
            floor, ours = workers.do("floor", calls), workers.do("allocate", calls)
            wall.append(ours.wall / floor.wall)
            cpu.append(ours.cpu / floor.cpu)
            rates.append(count * calls / floor.wall)
    return {**_spread("wall", wall), **_spread("cpu", cpu), "floor/s": round(_median(rates))}


def _batches(served: Served, rounds: int) -> dict[str, Any]:
    """Batches against one INSERT of as many rows."""
    with _workers(served, Filling(*TWELVE), 1) as workers:
        workers.do("many", BATCH)
        workers.do("many_floor", BATCH)
        pairs = [
            (workers.do("many", BATCH), workers.do("many_floor", BATCH)) for _ in range(rounds)
        ]
    return {
        **_spread("wall", [ours.wall / floor.wall for ours, floor in pairs]),
        **_spread("cpu", [ours.cpu / floor.cpu for ours, floor in pairs]),
        "µs of CPU an address": round(_median([ours.cpu for ours, _ in pairs]) / BATCH * 1e6, 1),
    }


def _peers(served: Served, rounds: int) -> dict[str, Any]:
    """How many times as long the algorithms of peers take, written anew."""
    with _workers(served, CROWDED, 1) as workers:
        workers.do("allocate", 70)
        costs: dict[str, list[Cost]] = {"allocate": [], "neutron": [], "netbox": []}
        for _ in range(max(3, rounds // 3)):
            for name, calls in (("allocate", 50), ("neutron", 1), ("netbox", 2)):
                cost = workers.do(name, calls)
                costs[name].append(Cost(cost.wall / calls, cost.cpu / calls))
    ours, *peers = costs
    found = {"ours, ms of CPU": round(_median([cost.cpu for cost in costs[ours]]) * 1000, 2)}
    for name in peers:
        for what in ("cpu", "wall"):
            times = [getattr(cost, what) for cost in costs[name]]
            own = [getattr(cost, what) for cost in costs[ours]]
            found[f"as {name}, {what}"] = round(_median(times) / _median(own))
    return found


def _sizes(served: Served, *, quick: bool) -> dict[str, Any]:
    """Milliseconds and statements of an allocation, once warm, beside those of the first size."""
    database = Database(served.urls[0])
    found = {}
    try:
        for name, filling in SIZES.items():
            if not quick or filling.used <= LARGEST_WHEN_QUICK:
                found[name] = _size(database, filling)
                progress.say(f"{name}: {found[name]}")
    finally:
        database.dispose()
    return found


def _size(database: Database, filling: Filling) -> dict[str, float]:
    ground = allocator_subnets.make(database, filling)
    allocator = Allocator(database, cooldown_seconds=0, worker="bench")
    at_once = max(1, min(50, filling.free // 2))
    seconds: list[float] = []
    statements: list[int] = []
    with counter(database) as seen:
        while len(seconds) < 2 * CALLS_OF_A_SIZE:
            mine = []
            for _ in range(at_once):
                seen.clear()
                start = time.perf_counter()
                mine.append(_allocate(database, allocator, ground))
                seconds.append(time.perf_counter() - start)
                statements.append(len(seen))
            for ip in mine:
                _release(database, allocator, ground, ip)
    warm = slice(CALLS_OF_A_SIZE, None)
    return {
        "ms": round(_median(seconds[warm]) * 1000, 3),
        "ms, mean": round(statistics.mean(seconds[warm]) * 1000, 3),
        "statements": _median(statements[warm]),
        "statements, mean": round(statistics.mean(statements[warm]), 2),
    }


def _allocate(database: Database, allocator: Allocator, ground: Ground) -> bytes:
    return database.write(lambda tx: allocator.allocate(tx, ground.subnet, ground.ports[0]))


def _release(database: Database, allocator: Allocator, ground: Ground, ip: bytes) -> None:
    database.write(lambda tx: allocator.release(tx, ground.subnet, ip, ground.ports[0]))


def _bytes_per_address(served: Served) -> dict[str, float]:
    """Of the table of addresses and each of its indexes."""
    database = Database(served.urls[0])
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("VACUUM FULL ip_address"))
        rows = connection.execute(text("SELECT count(*) FROM ip_address")).scalar_one()
        query = (
            "SELECT 'table', pg_relation_size('ip_address') UNION ALL SELECT indexrelname,"
            " pg_relation_size(indexrelid) FROM pg_stat_user_indexes WHERE relname = 'ip_address'"
        )
        sizes = {name: size / rows for name, size in connection.execute(text(query))}
    database.dispose()
    parts = {name: round(size, 1) for name, size in sizes.items()}
    return {"all": round(sum(sizes.values()), 1), **parts}


def _galera(found: dict[str, Any], served: Served, rounds: int) -> None:
    """Writers on all nodes, and how many of their transactions met another's."""
    assert served.cluster is not None, "a cluster"
    nodes = served.cluster.nodes
    for state, filling in (("virgin", VIRGIN), ("recycled", RECYCLED)):
        before = sum(node.conflicts for node in nodes)
        case = f"12 workers on 3 nodes, {state} /16"
        found[case] = _against_floor(served, filling, 12, 60, rounds)
        retries = sum(node.conflicts for node in nodes) - before
        found[case]["retries, %"] = round(100 * retries / (12 * (60 * rounds + 70)), 1)
        progress.say(f"galera, {case}: {found[case]}")


@contextmanager
def _workers(
    served: Served, filling: Filling, count: int, *, floor: bool = False
) -> Iterator[Workers]:
    database = Database(served.urls[0])
    ground = allocator_subnets.make(database, filling, floor=floor)
    database.dispose()
    if served.cluster is not None:
        served.cluster.settle()
    made = Workers(served.urls, ground.subnet, ground.ports, count=count, pids=served.pids)
    with closing(made):
        yield made


def _servers() -> Iterator[tuple[str, Served]]:
    """Each database, with the schema and the floor's table."""
    with tempfile.TemporaryDirectory() as directory:
        served = Served([f"sqlite:///{directory}/bench.sqlite"])
        _make_schema(served)
        yield "sqlite", served
    for kind in (PostgresqlServer, MariadbServer, GaleraCluster):
        if kind.missing():
            continue
        server = kind(durable=True)
        server.launch()
        try:
            url = server.fresh_url()
            if isinstance(server, GaleraCluster):
                pids = [node.pid for node in server.nodes]
                served = Served(server.urls(url), pids, server)
            else:
                served = Served([url], [server.pid])
            _make_schema(served)
            yield server.name, served
        finally:
            server.remove()


def _make_schema(served: Served) -> None:
    database = Database(served.urls[0])
    schema.upgrade(database)
    allocator_subnets.floor_table().create(database.engine)
    database.dispose()


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    return {
        name: round(_median(values), 2),
        f"{name}, lowest": round(min(values), 2),
        f"{name}, highest": round(max(values), 2),
    }


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)
