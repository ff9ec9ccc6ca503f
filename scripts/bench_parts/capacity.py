"""Measures how full a /8 is said to be, beside counting it, with many addresses in use.

All of the addresses' rows are there, and the counters know them. Then the API is asked by one
client, as `ipam subnet usage` and Prometheus do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import func, insert, select, text

from ipam.store import subnet_counters, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Database, Transaction
from scripts.bench_parts import api_place, lease_batches, progress
from scripts.bench_parts.api import HEADERS
from scripts.bench_parts.api_load import Load, Wire, measure
from tests.servers.mariadb_server import MariadbServer
from tests.servers.postgresql_server import PostgresqlServer
from tests.servers.private_server import PrivateServer

SIZES: Final = (100_000, 1_000_000)
SHARDS: Final = 16
"""The allocator gives the addresses of a large pool from so many places at once."""
AT_ONCE: Final = 50_000
CALLS: Final = 100
TARGET_MS: Final = 10
METRICS: Final = "[api]\nmetrics_totals = false\nmetrics_per_subnet = true\n"


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in milliseconds and CPU by database and by how many addresses are in use."""
    figures["target_p50_ms"] = TARGET_MS
    for server in (PostgresqlServer(durable=True), MariadbServer(durable=True)):
        server.launch()
        try:
            figures[server.name] = found = {}
            for size in SIZES[:1] if quick else SIZES:
                found[f"{size} in use"] = _of_size(server, size)
                progress.say(f"{server.name}: {size}: {found[f'{size} in use']}")
        finally:
            server.remove()


def _of_size(server: PrivateServer, size: int) -> dict[str, Any]:
    with (
        api_place.served(server.fresh_url(), METRICS) as api,
        closing(Wire(api.port, HEADERS)) as wire,
    ):
        network_id, subnet_id = lease_batches.network(wire, "10.0.0.0/8")
        fill(api.database, network_id, subnet_id, size)
        pids = {"api": api.pid, "database": server.pid}

        def measured(work: Callable[[Wire, Any], object], calls: int = CALLS) -> Any:
            found = measure(Load(work, range), [wire], pids, calls)
            return {name: found[name] for name in ("p50_ms", "p99_ms", "cpu_ms")}

        path = f"/v2.0/subnet-usages/{subnet_id}"
        told = msgspec.json.decode(wire.call("GET", path))["subnet_usage"]
        assert told["used"] == size, told
        counted = measured(lambda _wire, _n: _count(api.database), 5)
        return {
            "usage": measured(lambda wire, _n: wire.call("GET", path)),
            "metrics": measured(lambda wire, _n: wire.call("GET", "/metrics")),
            "counting the addresses alone": counted,
            "largest_free": told["largest_free"],
        }


def _count(database: Database) -> int:
    address = tables.ip_address.c
    query = select(func.count(address.owner_pk)).group_by(address.subnet_pk)
    return int(database.read(lambda tx: tx.execute(query).scalar_one()))


def fill(database: Database, network_id: str, subnet_id: str, size: int) -> None:
    """Give the /8 so many ports, with the rows and counters that the API would have left."""

    def put(tx: Transaction, numbers: Sequence[int]) -> None:
        network_pk, subnet_pk, _cidr = api_place.numbers(tx, network_id, subnet_id)
        made = [api_place.port_row(network_pk, number) for number in numbers]
        pks = rows.insert_many(tx, tables.port, made)
        places = [_address(number, size) for number in numbers]
        owned = [
            {"subnet_pk": subnet_pk, "ip": ip, "owner_pk": pk}
            for ip, pk in zip(places, pks, strict=True)
        ]
        tx.execute(insert(tables.ip_address), owned)

    for numbers in _parts(size):
        database.write(partial(put, numbers=numbers))
        progress.say(f"{numbers[-1] + 1} addresses are there")
    database.write(
        lambda tx: subnet_counters.count_anew(tx, api_place.numbers(tx, network_id, subnet_id)[1])
    )
    words = "ANALYZE TABLE port, ip_address"
    if database.url.get_backend_name() == "postgresql":
        words = "ANALYZE"
    database.write(lambda tx: tx.execute(text(words)))


def _parts(size: int) -> Iterator[range]:
    for start in range(0, size, AT_ONCE):
        yield range(start, min(start + AT_ONCE, size))


def _address(number: int, size: int) -> bytes:
    shard, place = divmod(number, -(-size // SHARDS))
    return (0x0A000010 + shard * (1 << 24) // SHARDS + place).to_bytes(4)
