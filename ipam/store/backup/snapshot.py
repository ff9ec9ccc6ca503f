"""Reads one state of a database into a backup while the service runs."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

import msgspec
from sqlalchemy import JSON, Boolean, Column, Integer, LargeBinary, MetaData, Table, func, select

from ipam import clock
from ipam.errors import BackupUnfit
from ipam.store import schema
from ipam.store.backup.backup_file import FORMAT, VERSION, EndLine, Header, Kind, Writer
from ipam.store.engine import bulk
from ipam.store.engine.database import Database, Transaction
from ipam.store.tables import metadata

LEFT_OUT: Final = frozenset(
    {
        "address_check",
        "compute_event",
        "dns_change",
        "elected_agent",
        "ip_candidates",
        "ip_cursor",
        "lease_release",
        "port_probe",
        "recovery",
        "recovery_report",
    }
)
"""What only makes sense in the hour that it is written: questions and events on their way, who is
elected, and where the allocator looks next, which is made anew."""

LEFT_OUT_COLUMNS: Final = {"agent": frozenset({"wake_ip", "wake_port", "wake_key"})}
"""Agents tell them again with each start, and the key is a secret."""

ROWS_AT_ONCE: Final = 2000

Progress = Callable[[int], object]
"""Is told of rows that are done."""


def kept_tables(tables: MetaData = metadata) -> list[Table]:
    """The tables of a backup, each after those that it refers to."""
    return [one for one in tables.sorted_tables if one.name not in LEFT_OUT]


def count_rows(database: Database) -> int:
    """How many rows a backup has now, about."""

    def count(tx: Transaction) -> int:
        each = (select(func.count()).select_from(table) for table in kept_tables())
        return sum(tx.execute(query).scalar_one() for query in each)

    return database.read(count)


def write_backup(
    database: Database, file: BinaryIO, program: str, progress: Progress = lambda _rows: None
) -> EndLine:
    """Write a backup of the database as it is at one moment. `program` is ipam's version.

    Raises BackupUnfit if the schema is not the one of this program.
    """
    has = schema.current(database)
    if has != schema.HEAD:
        raise BackupUnfit(
            f"The schema is at {has or 'none'}, this version backs up {schema.HEAD}:"
            " `ipam db upgrade`, or take the backup with the version that runs."
        )
    header = Header(
        format=FORMAT,
        version=VERSION,
        schema=schema.HEAD,
        program=program,
        made_at=clock.now_seconds(),
        database=database.url.get_backend_name(),
    )

    def write(tx: Transaction) -> EndLine:
        writer = Writer(file, header)
        for table in kept_tables():
            writer.begin_table(str(table.name), kinds(table))
            for rows in _rows(tx, table):
                writer.add(rows)
                progress(len(rows))
        return writer.end()

    return database.read_one_state(write)


def kinds(table: Table) -> dict[str, Kind]:
    """The kinds of a table's columns."""
    return {str(column.name): kind_of(column) for column in _columns(table)}


def _columns(table: Table) -> list[Column[Any]]:
    left_out = LEFT_OUT_COLUMNS.get(table.name, frozenset())
    return [column for column in table.columns if column.name not in left_out]


def kind_of(column: Column[Any]) -> Kind:
    """What a backup has of the column."""
    match column.type:
        case Boolean():
            return "boolean"
        case Integer():
            return "integer"
        case LargeBinary():
            return "bytes"
        case JSON():
            return "json"
        case _:
            return "text"


def _rows(tx: Transaction, table: Table) -> Iterator[Sequence[Sequence[Any]]]:
    query = select(*_columns(table)).execution_options(yield_per=ROWS_AT_ONCE)
    with tx.execute(query) as found:
        for rows in found.partitions():
            yield [tuple(row) for row in rows]


def insert(
    tx: Transaction, table: Table, columns: Mapping[str, Kind], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows as a backup has them."""
    to_driver = [_to_driver(kind, table.columns[name]) for name, kind in columns.items()]
    given = [
        tuple(
            value if change is None else change(value)
            for change, value in zip(to_driver, row, strict=True)
        )
        for row in rows
    ]
    bulk.insert_all(tx, table, tuple(columns), given)


def _to_driver(kind: Kind, column: Column[Any]) -> Callable[[Any], Any] | None:
    """What makes of a value of a backup one that drivers take; None if it is one already."""
    match kind:
        case "bytes":
            return lambda value: None if value is None else base64.b64decode(value)
        case "json":
            nothing = None if column.nullable else "null"
            return lambda value: nothing if value is None else msgspec.json.encode(value).decode()
        case _:
            return None
