"""A backup holds all, goes into each of the databases, and is refused when it is not whole."""

import functools
import gzip
import hashlib
import io
import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import insert, select

from ipam.errors import BackupUnfit
from ipam.store import recovery, schema, tables
from ipam.store.audit import events, seals
from ipam.store.backup import backup_file, restoring, snapshot
from ipam.store.engine.database import Database

KEY = b"k" * 32
AFTER: dict[str, Any] = {
    "replace": False,
    "cooling_seconds": 3600,
    "restorer": "root",
}
HOUR = 3600
ENDS = (0, 2**40)


def written(database: Database) -> bytes:
    file = io.BytesIO()
    snapshot.write_backup(database, file, "ipam 1")
    return file.getvalue()


def restored(content: bytes, into: Database, **more: Any) -> recovery.Recovery:
    return restoring.restore(into, lambda: io.BytesIO(content), "it", **AFTER | more)


def rows(database: Database, table: sqlalchemy.Table) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    return database.read(lambda tx: [dict(row._mapping) for row in tx.execute(query)])


def content_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All rows that a backup has, without what a restore changes."""
    found = {table.name: rows(database, table) for table in snapshot.kept_tables()}
    for some in found.values():
        for row in some:
            row.pop("revision_number", None)
            row.pop("recovery_id", None)
            for name in snapshot.LEFT_OUT_COLUMNS["agent"]:
                row.pop(name, None)
    found["audit_event"] = [
        row for row in found["audit_event"] if row["operation"] != "restore_backup"
    ]
    for row in found["ip_address"]:
        row["free_at"] = row["free_at"] is not None
    return found


def fill(database: Database) -> None:
    """A row in each table, with values that databases keep in different ways."""

    def work(tx: Any) -> None:
        for table in snapshot.kept_tables():
            if table.name not in ("audit_event", "audit_seal"):
                tx.execute(insert(table).values(row_of(table)))
        made = {
            column.name: "" for column in tables.audit_event.c if column.name not in ("pk", "id")
        }
        more = {"occurred_at_us": 1, "status": 200, "times": 1, "changes": {"name": [None, "ä"]}}
        events.add(tx, [made | more])

    database.write(work)
    database.write(lambda tx: seals.seal(tx, KEY, limit=1))


def row_of(table: sqlalchemy.Table) -> dict[str, Any]:
    given = {
        "mac_address": "52:54:00:00:00:01",
        "cidr": "10.0.0.0/24",
        "free_at": None,
        "owner_pk": 7,
        "details": {"text": "ä\\n\u202e🦊", "number": 2**53 + 1, "nothing": None},
        "default_for": None,
        "tags": None,
    }
    return {
        column.name: given.get(column.name, value_of(column))
        for column in table.columns
        if column.name != "provider_segmentation_id"
    }


def value_of(column: sqlalchemy.Column[Any]) -> Any:
    match snapshot.kind_of(column):
        case "integer":
            return 7
        case "boolean":
            return True
        case "bytes":
            return bytes([10, 0, 0, 255])
        case "json":
            return [1, "zwei", {"drei": None}]
        case _:
            return f"{column.table.name[:10]} ä"[: column.type.length]  # type: ignore[attr-defined]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    """An SQLite file that is not there yet."""
    opened = Database(f"sqlite:///{tmp_path}/new.sqlite")
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/other.sqlite")
    schema.upgrade(opened)
    yield opened
    opened.dispose()


def test_each_database_moves_into_another_and_back(
    database: Database, sqlite: Database, other: Database
) -> None:
    fill(sqlite)
    before = content_of(sqlite)
    assert b"wake_key" not in gzip.decompress(written(sqlite))
    restored(written(sqlite), database)
    assert content_of(database) == before
    restored(written(database), other)
    assert content_of(other) == before
    assert [each.faults for each in seals.verify(other, KEY, retention_days=365)] == [[]]
    assert schema.check(other) == []
    row = row_of(tables.network) | {"id": "b" * 36, "segment": "b"}
    del row["pk"]
    new = database.write(lambda tx: tx.execute(insert(tables.network).values(row)))
    assert new.inserted_primary_key is not None
    assert new.inserted_primary_key[0] > 7


def test_restored_service_goes_forward(sqlite: Database) -> None:
    fill(sqlite)
    released = {"subnet_pk": 7, "ip": b"\x0a\x00\x00\x01", "owner_pk": None}
    free = [released | {"ip": bytes([10, 0, 0, n]), "free_at": at} for n, at in enumerate(ENDS)]
    sqlite.write(lambda tx: tx.execute(insert(tables.ip_address), free))
    found = restored(written(sqlite), sqlite, replace=True)
    assert found.finished_at_us is None
    assert {row["revision_number"] for row in rows(sqlite, tables.port)} == {7 + found.restored_at}
    assert [row["free_at"] for row in rows(sqlite, tables.ip_address)] == [
        found.restored_at + HOUR,
        2**40,
        None,
    ]
    assert rows(sqlite, tables.ip_cursor) == []
    assert rows(sqlite, tables.agent)[0]["recovery_id"] is None
    assert rows(sqlite, tables.audit_event)[-1]["user_name"] == "root"


def test_database_that_has_something_is_not_touched(sqlite: Database, database: Database) -> None:
    fill(sqlite)
    fill(database)
    before = content_of(database)
    with pytest.raises(BackupUnfit, match=r"not empty: 1 in network.*--replace"):
        restored(written(sqlite), database)
    assert content_of(database) == before
    assert restored(written(sqlite), database, replace=True).findings == {}


def test_restore_that_fails_in_between_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    before, content = content_of(database), written(database)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(events, "add", die)
    with pytest.raises(KeyboardInterrupt):
        restored(content, database, replace=True)
    assert content_of(database) == before


RESTORE = """
import sys, time
from ipam.store.audit import events
from ipam.store.backup import restoring
from ipam.store.engine.database import Database

def wait(*_words, **_named):
    print("filled", flush=True)
    time.sleep(3600)

events.add = wait  # the last that a restore writes
url, path = sys.argv[1:]
restoring.restore(
    Database(url), lambda: open(path, "rb"), path, replace=True, cooling_seconds=1, restorer="root"
)
"""


def test_restore_whose_process_is_killed_leaves_what_was_there(
    database: Database, tmp_path: Path
) -> None:
    fill(database)
    content = written(database)
    tmp_path.joinpath("backup").write_bytes(content)
    change(database)
    before = content_of(database)
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", RESTORE, url, str(tmp_path / "backup")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "filled\n"
        process.send_signal(signal.SIGKILL)
    assert content_of(database) == before
    assert database.read(recovery.read) is None
    # Nothing of it is in the way of the next one, which is all.
    assert restored(content, database, replace=True).findings == {}
    assert len(rows(database, tables.port)) == 1


def test_backup_is_of_one_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(database)
    kinds = snapshot.kinds

    def write_meanwhile(table: sqlalchemy.Table) -> Any:
        if table.name == "port":
            thread = threading.Thread(target=change, args=(database,))
            thread.start()
            thread.join()
        return kinds(table)

    monkeypatch.setattr(snapshot, "kinds", write_meanwhile)
    content = written(database)
    monkeypatch.undo()
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    assert lines[-1]["counts"]["port"] == lines[-1]["counts"]["network"] == 1
    assert len(rows(database, tables.port)) == 2


def change(database: Database) -> None:
    """Make a network with a port, both or none of which a backup has."""
    network = row_of(tables.network) | {"pk": 8, "id": "n" * 36, "segment": "n"}
    port = row_of(tables.port) | {"pk": 8, "id": "p" * 36, "network_pk": 8}

    def work(tx: Any) -> None:
        tx.execute(insert(tables.network).values(network))
        tx.execute(insert(tables.port).values(port))

    database.write(work)


def test_older_schema_is_migrated_and_a_newer_one_refused(
    sqlite: Database, database: Database, tmp_path: Path
) -> None:
    fill(sqlite)
    older = Database(f"sqlite:///{tmp_path}/older.sqlite")
    schema.upgrade(older, "0021")
    known = sqlalchemy.MetaData()
    known.reflect(older.engine)
    older.dispose()
    content = altered(written(sqlite), lambda lines: as_of(known, "0021", lines))
    restored(rewritten(content), database)
    (counted,) = rows(database, tables.subnet_usage)
    assert (counted["subnet_pk"], counted["owned"]) == (7, 1)
    assert len(rows(database, tables.port)) == 1
    assert rows(database, tables.network)[0]["revision_number"] > 7
    newer = altered(written(database), lambda lines: lines[0].update(schema="9999"))
    with pytest.raises(BackupUnfit, match=r"schema 9999, and this version knows up to"):
        restoring.check_file(io.BytesIO(newer), "it")


def as_of(known: sqlalchemy.MetaData, revision: str, lines: list[Any]) -> None:
    """Leave out what the older schema does not know. Each table has one line of rows here."""
    lines[0]["schema"] = revision
    for line, after in itertools.pairwise(list(lines)):
        if line.get("line") != "table":
            continue
        table = known.tables.get(line["name"])
        if table is None:
            del lines[-1]["counts"][line["name"]]
            lines.remove(line)
            lines.remove(after)
            continue
        kept = [name in table.columns for name in line["columns"]]
        line["columns"] = dict(itertools.compress(line["columns"].items(), kept))
        after["rows"] = [list(itertools.compress(row, kept)) for row in after["rows"]]


def altered(content: bytes, change_lines: Callable[[list[Any]], object]) -> bytes:
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    change_lines(lines)
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def rewritten(content: bytes) -> bytes:
    """The same with the digest that it should have."""
    *before, _ = gzip.decompress(content).splitlines(keepends=True)
    digest = hashlib.sha256(b"".join(before)).hexdigest()
    return altered(content, lambda lines: lines[-1].update(sha256=digest))


def changed_lines(change_lines: Callable[[list[Any]], object]) -> Callable[[bytes], bytes]:
    return functools.partial(altered, change_lines=change_lines)


@pytest.mark.parametrize(
    ("change_file", "fault"),
    [
        (lambda it: it[: len(it) // 2], "cut off"),
        (lambda it: it[:-9], "cut off"),
        (lambda it: it[:0], "is no backup"),
        (lambda it: b"PK" + it, "is no backup"),
        (gzip.compress, "is no backup"),
        (changed_lines(lambda it: it[0].update(version=2)), "version 2"),
        (changed_lines(lambda it: it[0].update(schema="x/../")), "schema x"),
        (changed_lines(lambda it: it.pop()), "cut off"),
        (changed_lines(lambda it: it.pop(2)), "altered"),
        (changed_lines(lambda it: it[2]["rows"].append([])), "0 values"),
        (changed_lines(lambda it: it[2]["rows"][0].reverse()), "altered"),
        (lambda it: rewritten(altered(it, lambda lines: lines[2]["rows"].clear())), "altered"),
        (lambda it: gzip.compress(gzip.decompress(it) + b"{}\n"), "goes on"),
    ],
)
def test_file_that_is_not_whole_is_refused(
    sqlite: Database, change_file: Callable[[bytes], bytes], fault: str
) -> None:
    fill(sqlite)
    content = change_file(written(sqlite))
    with pytest.raises(BackupUnfit, match=fault):
        restoring.check_file(io.BytesIO(content), "it")


def test_line_of_any_length_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "LONGEST_LINE", 1000)
    with pytest.raises(BackupUnfit, match="has a line of 1000 bytes"):
        restoring.check_file(io.BytesIO(gzip.compress(b"x" * 5000)), "it")


def test_database_of_another_schema_is_not_backed_up(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.sqlite")
    schema.upgrade(database, "0020")
    with pytest.raises(BackupUnfit, match=r"schema is at 0020.*ipam db upgrade"):
        written(database)
    database.dispose()
