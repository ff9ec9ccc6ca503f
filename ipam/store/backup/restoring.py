"""Makes a database of a backup, in one transaction: all of it, or nothing."""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Final

from sqlalchemy import MetaData, Table, case, func, literal, select, text, update

from ipam import clock, model
from ipam.errors import BackupUnfit
from ipam.store import recovery, schema, tables
from ipam.store.audit import events
from ipam.store.backup import snapshot
from ipam.store.backup.backup_file import Columns, Header, Reader
from ipam.store.backup.snapshot import Progress, kept_tables
from ipam.store.engine.database import Database, Transaction

ROWS_AT_ONCE: Final = 1000
_REVISION: Final = re.compile("[0-9]{4}")

_VALUED: Final = (
    tables.network,
    tables.subnetpool,
    tables.address_scope,
    tables.allocation_event,
    tables.lease_event,
    tables.quota,
    tables.rbac_policy,
    tables.import_run,
)
"""A database without rows of these has nothing to lose: agents and their heartbeats come again."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file has."""

    header: Header
    counts: dict[str, int]


def check_file(file: BinaryIO, name: str, progress: Progress = lambda _rows: None) -> Content:
    """Read a whole backup. Raises BackupUnfit if it is cut, altered, or of a newer schema."""
    reader = Reader(file, name)
    revision = reader.header.schema
    if not _REVISION.fullmatch(revision) or revision > schema.HEAD:
        raise BackupUnfit(
            f"{name} has the schema {revision[:32]}, and this version knows up to {schema.HEAD}:"
            f" restore it with {reader.header.program[:32]!r} or newer."
        )
    counts = {}
    for table, _columns, rows in reader.tables():
        counts[table] = 0
        for _row in rows:
            counts[table] += 1
            if counts[table] % ROWS_AT_ONCE == 0:
                progress(ROWS_AT_ONCE)
    return Content(reader.header, counts)


def restore(
    database: Database,
    opened: Callable[[], BinaryIO],
    name: str,
    *,
    replace: bool,
    cooling_seconds: int,
    restorer: str,
    progress: Progress = lambda _rows: None,
) -> recovery.Recovery:
    """Put the rows of a backup in the place of what the database has. `check_file` it before.

    `opened` opens the file, each time from its start. Released addresses cool from now on for so
    many seconds at least: `dhcp_lease_duration` or the cooldown. `restorer` is who does it, for
    the audit log. Raises BackupUnfit if the database has something, unless `replace` is set.
    """
    _prepare(database, replace=replace)
    with opened() as file:
        header = Reader(file, name).header
    fill = partial(
        _fill,
        database,
        header,
        replace=replace,
        cooling_seconds=cooling_seconds,
        restorer=restorer,
        progress=progress,
    )
    if header.schema == schema.HEAD:
        return fill(lambda: _tables_of_file(opened, name, tables.metadata))
    with tempfile.TemporaryDirectory(prefix="ipam-restore-") as directory:
        older = Database(f"sqlite:///{directory}/older.sqlite", pool_size=2)
        try:
            _migrate(older, opened, name, header.schema)
            return fill(lambda: _rows_of_database(older))
        finally:
            older.dispose()


_Source = Iterator[tuple[Table, Columns, Iterator[Sequence[Sequence[Any]]]]]


def _prepare(database: Database, *, replace: bool) -> None:
    """Have the database the schema. What is in it stays for now."""
    has = schema.current(database)
    if has is not None and has != schema.HEAD:
        raise BackupUnfit(
            f"The database's schema is at {has}, this version restores into {schema.HEAD}:"
            " `ipam db upgrade` first."
        )
    if has is None:
        schema.upgrade(database)
    elif not replace:
        database.read(_refuse_if_valued)


def _refuse_if_valued(tx: Transaction) -> None:
    has = []
    for table in _VALUED:
        count = tx.execute(select(func.count()).select_from(table)).scalar_one()
        if count:
            has.append(f"{count} in {table.name}")
    if has:
        raise BackupUnfit(
            f"The database is not empty: {', '.join(has)}. --replace deletes all of it and has"
            " the backup instead."
        )


def _migrate(older: Database, opened: Callable[[], BinaryIO], name: str, revision: str) -> None:
    """Make an SQLite database of the backup, and bring its schema to the newest revision."""
    schema.upgrade(older, revision)
    known = MetaData()
    known.reflect(older.engine)

    def fill(tx: Transaction) -> None:
        for table, columns, rows in _tables_of_file(opened, name, known):
            for some in rows:
                snapshot.insert(tx, table, columns, some)

    older.write(fill)
    schema.upgrade(older)


def _tables_of_file(opened: Callable[[], BinaryIO], name: str, known: MetaData) -> _Source:
    with opened() as file:
        for table, columns, rows in Reader(file, name).tables():
            here = known.tables.get(table)
            if here is None or not columns.keys() <= set(here.columns.keys()):
                raise BackupUnfit(f"{name} has a table {table[:64]!r} that its schema has not.")
            yield here, columns, _at_once(rows)


def _at_once(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    waiting: list[list[Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) >= ROWS_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _rows_of_database(older: Database) -> _Source:
    """The rows of a database in the form of a backup."""
    with tempfile.TemporaryFile() as file:
        snapshot.write_backup(older, file, program="")
        file.seek(0)
        for table, columns, rows in Reader(file, "The migrated backup").tables():
            yield tables.metadata.tables[table], columns, _at_once(rows)


def _fill(
    database: Database,
    header: Header,
    source: Callable[[], _Source],
    *,
    replace: bool,
    cooling_seconds: int,
    restorer: str,
    progress: Progress,
) -> recovery.Recovery:
    now = clock.now_seconds()

    def fill(tx: Transaction) -> recovery.Recovery:
        if not replace:
            _refuse_if_valued(tx)
        _delete_all(tx)
        for table, columns, rows in source():
            for some in rows:
                snapshot.insert(tx, table, columns, some)
                progress(len(some))
        _number_from_here(tx)
        _go_forward(tx, now, cooling_seconds)
        events.add(tx, [_audit_event(header, restorer, now)])
        return recovery.begin(tx, made_at=header.made_at, restored_at=now)

    return database.write(fill)


def _delete_all(tx: Transaction) -> None:
    names = tables.metadata.sorted_tables
    if tx.dialect == "postgresql":
        joined = ", ".join(table.name for table in names)
        tx.execute(text(f"TRUNCATE {joined}"))
    else:
        for table in reversed(names):
            tx.execute(table.delete())


def _number_from_here(tx: Transaction) -> None:
    """Have new rows numbers after those of the restored ones. Only PostgreSQL needs it said."""
    if tx.dialect != "postgresql":
        return
    for table in kept_tables():
        if "pk" in table.columns and table.columns["pk"].autoincrement is True:
            last = select(func.coalesce(func.max(table.c.pk), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, "pk")
            tx.execute(select(func.setval(sequence, last, literal(value=False))))


def _go_forward(tx: Transaction, now: int, cooling_seconds: int) -> None:
    """Make of what was then what may be used now.

    Revisions grow by more than there can have been changes since the backup: an agent or a client
    that knows a later revision than the backup's takes no other content for it. A released
    address may have been given again since, so its cooldown begins now.
    """
    for table in tables.metadata.sorted_tables:
        if "revision_number" in table.columns:
            newer = table.c.revision_number + now
            tx.execute(update(table).values(revision_number=newer))
    cools = tables.ip_address.c.free_at
    until = now + cooling_seconds
    later = case((cools > until, cools), else_=until)
    released = tables.ip_address.c.owner_pk.is_(None)
    tx.execute(update(tables.ip_address).where(released).values(free_at=later))
    tx.execute(update(tables.agent).values(recovery_id=None))


def _audit_event(header: Header, restorer: str, now: int) -> dict[str, Any]:
    made = model.iso_time(header.made_at)
    return {
        "occurred_at_us": now * 1_000_000,
        "request_id": f"req-{model.new_id()}",
        "user_id": restorer[:255],
        "user_name": restorer[:255],
        "user_project_id": "",
        "roles": "",
        "authentication": "command",
        "address": "",
        "operation": "restore_backup",
        "path": "",
        "status": 200,
        "object_type": "database",
        "object_id": "",
        "object_name": "",
        "project_id": "",
        "changes": {"made_at": [None, made], "schema": [None, header.schema]},
        "reason": "",
        "times": 1,
    }


__all__ = ["Content", "check_file", "restore"]
