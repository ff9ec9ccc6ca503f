"""Runs a statement that is run so often that SQLAlchemy's own work for each run counts."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import CursorResult, Dialect, Insert

from ipam.store.engine.database import Transaction

_COUNTED: Final = {"preserve_rowcount": True}


def run(
    tx: Transaction, statement: Insert, values: Mapping[str, Any]
) -> CursorResult[*tuple[Any, ...]]:
    """Run the statement, which is an object that stays, with values as the driver takes them.

    It is compiled once for each engine. Raises what `Transaction.execute` does.
    """
    tx.check()
    text, order = _compiled(tx.connection.dialect, statement)
    given = tuple(values[name] for name in order) if order is not None else values
    return tx.connection.exec_driver_sql(text, given, execution_options=_COUNTED)


@lru_cache(maxsize=64)
def _compiled(dialect: Dialect, statement: Insert) -> tuple[str, Sequence[str] | None]:
    """The text, and its parameters in their order if they have no names in it."""
    compiled: Any = statement.compile(dialect=dialect)
    return str(compiled), compiled.positiontup
