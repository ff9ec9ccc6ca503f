"""Writes many rows of one table, each time in the way that costs the database and Python least.

Values are given as the drivers take them: JSON is text here. SQLAlchemy would look at each value
of each row, which takes longer than the database needs for it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import JSON, Column, Dialect, Table, bindparam, insert, update
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.exc import DBAPIError

from ipam.chunks import MOST_PARAMETERS, chunks
from ipam.store.engine.database import Transaction

FEWEST_COPIED: Final = 8
"""COPY takes two more round trips than an INSERT, and half as long for each row."""


def insert_all(
    tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of these columns. Raises IntegrityError if a key of one is taken."""
    if not rows:
        return
    if tx.dialect == "postgresql" and len(rows) >= FEWEST_COPIED:
        _copy(tx, table, columns, rows)
    else:
        _to_driver(tx, _insert(tx.connection.dialect, table, tuple(columns)), columns, rows)


def insert_values(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the same columns, by name, with values as Python has them."""
    columns = tuple(rows[0])
    in_json = [isinstance(table.c[name].type, JSON) for name in columns]
    given = [
        tuple(
            [
                _json_text(row[name], table.c[name]) if as_json else row[name]
                for name, as_json in zip(columns, in_json, strict=True)
            ]
        )
        for row in rows
    ]
    insert_all(tx, table, columns, given)


def _json_text(value: Any, column: Column[Any]) -> str | None:
    """As SQLAlchemy writes it: no value is a null of JSON, unless the column says otherwise."""
    if value is None and column.type.none_as_null:  # type: ignore[attr-defined]  # of JSON
        return None
    return msgspec.json.encode(value).decode()


def insert_new(
    tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> list[Any]:
    """Insert those of the rows whose key is not taken; the first columns of these.

    Not for PostgreSQL. MariaDB leaves out rows for other reasons, too, such as a missing row that
    one refers to.
    """
    found: list[Any] = []
    for some in chunks(rows, MOST_PARAMETERS // len(columns)):
        text = _insert_new(tx.dialect, table, tuple(columns), len(some))
        values = tuple(value for row in some for value in row)
        found += tx.connection.exec_driver_sql(text, values).scalars().all()
    return found


def update_all(
    tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Set these columns, of which the first is `pk`, the number of a row that exists.

    Without `takes_parts` each row needs every column that may not be null.
    """
    if not rows:
        return
    dialect, named = tx.connection.dialect, tuple(columns)
    match tx.dialect:
        case "postgresql":
            given = [dict(zip(columns, map(_in_json, row), strict=True)) for row in rows]
            text = _update_from_json(dialect, table, named)
            tx.connection.exec_driver_sql(text, (msgspec.json.encode(given).decode(),))
        case "sqlite":
            _to_driver(tx, _update(dialect, table, named), columns, rows)
        case _:
            _to_driver(tx, _replace(dialect, table, named), columns, rows)


def takes_parts(tx: Transaction) -> bool:
    """Whether `update_all` sets some columns alone. MariaDB takes the rows for new ones first."""
    return tx.dialect in ("postgresql", "sqlite")


def _in_json(value: Any) -> Any:
    return f"\\x{value.hex()}" if type(value) is bytes else value


_Statement = tuple[str, Sequence[str] | None]
"""A text, and its parameters in their order if they have no names in it."""


def _to_driver(
    tx: Transaction,
    statement: _Statement,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    text, order = statement
    given: list[Any]
    if order is None:
        given = [dict(zip(columns, row, strict=True)) for row in rows]
    elif list(order) == list(columns):
        given = list(rows)
    else:
        places = [columns.index(name) for name in order]
        given = [tuple(row[place] for place in places) for row in rows]
    tx.connection.exec_driver_sql(text, given[0] if len(given) == 1 else given)


def _copy(
    tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    connection = tx.connection
    if not connection.in_transaction():
        connection.begin()
    text = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    failure = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(text) as copy:
            for row in rows:
                copy.write_row(row)
    except failure as error:  # as SQLAlchemy wraps those of its own statements
        raise DBAPIError.instance(text, None, error, failure) from error


@lru_cache(maxsize=64)
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> _Statement:
    return _compiled(insert(table).inline(), dialect, columns)


@lru_cache(maxsize=64)
def _insert_new(dialect: str, table: Table, columns: tuple[str, ...], count: int) -> str:
    word, mark = ("OR IGNORE", "?") if dialect == "sqlite" else ("IGNORE", "%s")
    row = f"({', '.join([mark] * len(columns))})"
    return (
        f"INSERT {word} INTO {table.name} ({', '.join(columns)})"  # noqa: S608  # of the schema
        f" VALUES {', '.join([row] * count)} RETURNING {columns[0]}"
    )


@lru_cache(maxsize=64)
def _update(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> _Statement:
    values: dict[str, Any] = {name: bindparam(name) for name in columns[1:]}
    found = table.c.pk == bindparam("the_pk")
    text, order = _compiled(update(table).where(found).values(values), dialect, None)
    return text, [{"the_pk": "pk"}.get(name, name) for name in order or ()]


@lru_cache(maxsize=64)
def _replace(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> _Statement:
    """Of MariaDB. Its driver sends many rows of this form as one statement."""
    made = mysql_insert(table)
    changed = {name: made.inserted[name] for name in columns[1:]}
    return _compiled(made.inline().on_duplicate_key_update(changed), dialect, columns)


@lru_cache(maxsize=64)
def _update_from_json(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    kinds = [f"{name} {table.c[name].type.compile(dialect)}" for name in columns]
    changed = [f"{name} = given.{name}" for name in columns[1:]]
    return (
        f"UPDATE {table.name} SET {', '.join(changed)}"  # noqa: S608  # names of the schema
        f" FROM json_to_recordset(%s) AS given({', '.join(kinds)})"
        f" WHERE {table.name}.pk = given.pk"
    )


def _compiled(statement: Any, dialect: Dialect, columns: Sequence[str] | None) -> _Statement:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    return str(compiled), compiled.positiontup
