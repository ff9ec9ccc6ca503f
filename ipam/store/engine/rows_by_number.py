"""Statements on the rows that have one of many numbers. Each is made once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Delete, Select, any_, bindparam

from ipam.chunks import alternatives
from ipam.store.engine.database import Transaction


class ByNumbers:
    """A statement for the rows whose column has one of these numbers."""

    def __init__(self, statement: Select[Any] | Delete, column: ColumnElement[Any]) -> None:
        numbers: Any = bindparam("numbers", expanding=True)
        array: Any = bindparam("numbers", type_=ARRAY(BigInteger))
        self._one = statement.where(column == bindparam("number", type_=BigInteger()))
        self._some = statement.where(column.in_(numbers))
        self._all = statement.where(column == any_(array))

    def each(
        self, tx: Transaction, numbers: Sequence[int]
    ) -> Iterator[tuple[Select[Any] | Delete, Mapping[str, Any]]]:
        """The statements to execute, with their parameters. PostgreSQL needs only one."""
        if len(numbers) == 1:
            yield self._one, {"number": numbers[0]}
        elif tx.dialect == "postgresql":
            yield self._all, {"numbers": list(numbers)}
        else:
            for some in alternatives(numbers):
                yield self._some, {"numbers": some}
