"""Rows of histories, which a transaction writes as the last thing before its commit.

No statement of the transaction reads them, so they can wait for each other: where each table gets
one row, PostgreSQL inserts them in one statement, and the transaction waits for one answer less.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, Table, bindparam, insert

from ipam.store.engine import bulk
from ipam.store.engine.database import Transaction

_Rows = tuple[Table, tuple[str, ...], list[tuple[Any, ...]]]

_WAITING: Final[dict[Transaction, list[_Rows]]] = {}
"""The rows of the running transactions, by table."""


def add(
    tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of these columns before the commit. Values are as `bulk` takes them."""
    waiting = _WAITING.get(tx)
    if waiting is None:
        waiting = _WAITING[tx] = []
        tx.before_commit(lambda: write_now(tx))
        tx.on_rollback(lambda: _forget(tx))
    waiting.append((table, tuple(columns), list(rows)))


def write_now(tx: Transaction) -> None:
    """Insert the rows so far, so that a statement of this transaction sees them."""
    waiting = [each for each in _WAITING.pop(tx, ()) if each[2]]
    tables = tuple((table, columns) for table, columns, _ in waiting)
    if tx.dialect == "postgresql" and len(waiting) > 1 and all(len(w[2]) == 1 for w in waiting):
        values = [value for _, _, (row,) in waiting for value in row]
        text, names = _together(tx.connection.dialect, tables)
        tx.connection.exec_driver_sql(text, dict(zip(names, values, strict=True)))
        return
    for table, columns, rows in waiting:
        bulk.insert_all(tx, table, columns, rows)


def _forget(tx: Transaction) -> None:
    _WAITING.pop(tx, None)


@lru_cache(maxsize=16)
def _together(
    dialect: Dialect, tables: tuple[tuple[Table, tuple[str, ...]], ...]
) -> tuple[str, Sequence[str]]:
    """The text that inserts a row into each table, and its parameters in the order of columns."""
    names, inserts = [], []
    for number, (table, columns) in enumerate(tables):
        mine = [f"{column}_{number}" for column in columns]
        values: dict[str, Any] = {
            column: bindparam(name, type_=table.c[column].type)
            for column, name in zip(columns, mine, strict=True)
        }
        inserts.append(insert(table).inline().values(values))
        names += mine
    *others, last = inserts
    for number, other in enumerate(others):
        last = last.add_cte(other.cte(f"row_{number}"))
    return str(last.compile(dialect=dialect)), names
