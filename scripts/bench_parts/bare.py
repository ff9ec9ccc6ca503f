"""What a port create needs at least: its INSERTs, SELECTs and a COMMIT, by the driver alone."""

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import JSON, Select, Table, bindparam, insert, select

from ipam import clock, model
from ipam.store import tables
from ipam.store.allocation_history import ALLOCATED
from ipam.store.allocation_ledger import HOLDER, Row
from ipam.store.engine.database import Database
from scripts.bench_parts import api_place
from scripts.bench_parts.api_load import cpu_seconds

CALLS = 600
WARM_UP = 50


def measure_creates(database: Database, server_pid: int, subnet_id: str) -> dict[str, float]:
    """CPU of each, of this process and of the database."""
    creates = _Creates(database, subnet_id)
    try:
        for _ in range(WARM_UP):
            creates.one()
        before, own = cpu_seconds(server_pid), time.thread_time()
        for _ in range(CALLS):
            creates.one()
        own, server = time.thread_time() - own, cpu_seconds(server_pid) - before
    finally:
        creates.close()
    return {
        "cpu_ms": round((own + server) / CALLS * 1000, 3),
        "cpu_ms_client": round(own / CALLS * 1000, 3),
        "cpu_ms_database": round(server / CALLS * 1000, 3),
        "statements": 6,
    }


class _Creates:
    """Ports in one subnet, whose last addresses they get: nobody else is there yet."""

    def __init__(self, database: Database, subnet_id: str) -> None:
        self._dialect = database.engine.dialect
        self._connection = database.engine.raw_connection()
        self._numbers = itertools.count(1)
        self._texts: dict[Any, tuple[str, Sequence[str] | None]] = {}
        self._place = {"subnet_id": subnet_id}
        subnet, network = tables.subnet.c, tables.network.c
        self._find = (
            select(network.pk, network.id, subnet.pk, subnet.id, subnet.cidr)
            .join_from(tables.subnet, tables.network, network.pk == subnet.network_pk)
            .where(subnet.id == bindparam("subnet_id"))
        )
        self._show = select(tables.port).where(tables.port.c.pk == bindparam("port_pk"))

    def one(self) -> None:
        number = next(self._numbers)
        network_pk, network_id, subnet_pk, subnet_id, cidr = self._run(self._find, self._place)
        port = api_place.port_row(network_pk, 2**24 - number)
        pk = self._insert(tables.port, port, returning=True)
        first = int.from_bytes(model.pack(cidr.partition("/")[0]), "big")
        ip = (first + 2**16 - 2 - number).to_bytes(4, "big")
        self._insert(tables.ip_address, {"subnet_pk": subnet_pk, "ip": ip, "owner_pk": pk})
        self._run(self._show, {"port_pk": pk})
        self._insert(tables.allocation_event, _history(port, ip, network_id, subnet_id, subnet_pk))
        self._insert(tables.audit_event, _audit(port))
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def _insert(self, table: Table, row: Mapping[str, Any], *, returning: bool = False) -> Any:
        values = {
            name: msgspec.json.encode(value).decode()
            if isinstance(table.c[name].type, JSON) and value is not None
            else value
            for name, value in row.items()
        }
        found = self._run(table, values, returning=returning)
        return found[0] if returning else None

    def _run(
        self, what: Table | Select[Any], values: Mapping[str, Any], *, returning: bool = False
    ) -> Any:
        if what not in self._texts:
            self._texts[what] = self._text(what, values, returning=returning)
        text, order = self._texts[what]
        cursor = self._connection.cursor()
        cursor.execute(text, [values[name] for name in order] if order else values)
        return cursor.fetchone() if returning or not isinstance(what, Table) else None

    def _text(
        self, what: Table | Select[Any], values: Mapping[str, Any], *, returning: bool
    ) -> tuple[str, Sequence[str] | None]:
        statement: Any = insert(what).inline() if isinstance(what, Table) else what
        if returning:
            statement = statement.returning(tables.port.c.pk)
        keys = list(values) if isinstance(what, Table) else None
        compiled: Any = statement.compile(dialect=self._dialect, column_keys=keys)
        return str(compiled), compiled.positiontup


def _history(port: Row, ip: bytes, network_id: str, subnet_id: str, subnet_pk: int) -> Row:
    return {
        "id": model.new_id(),
        "action": ALLOCATED,
        "ip_address": ip,
        "network_id": network_id,
        "subnet_id": subnet_id,
        "port_id": port["id"],
        "occurred_at_us": clock.now_microseconds(),
        **{name: port[name] for name in HOLDER[1:]},
        "uncounted_in": subnet_pk,
        "held_change": 0,
        "dynamic_change": 0,
    }


def _audit(port: Row) -> Row:
    texts = ("roles", "authentication", "address", "operation", "path", "object_type", "reason")
    changes = {name: (None, port[name]) for name in ("device_id", "mac_address", "status")}
    return {
        **dict.fromkeys(texts, "as in a create"),
        **dict.fromkeys(("user_id", "user_name", "user_project_id", "project_id"), "bench"),
        "id": model.new_id(),
        "occurred_at_us": clock.now_microseconds(),
        "request_id": f"req-{model.new_id()}",
        "status": 201,
        "object_id": port["id"],
        "object_name": port["name"],
        "changes": changes,
        "times": 1,
    }
