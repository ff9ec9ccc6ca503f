"""A number that stands for some columns of a row. Its sum over many rows stands for all of them.

Each database has its own function for that, so numbers of different databases do not compare.
"""

from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

SQLITE_FUNCTION: Final = "ipam_row_hash"
SQLITE_OCTETS: Final = 5
"""So that SQLite, whose sums have 63 bits, can add up eight million of them."""


class RowHash(FunctionElement[int]):
    """Of a column of text and others of whole numbers, none of which is NULL."""

    type = BigInteger()
    name = "row_hash"
    inherit_cache = True


@compiles(RowHash, "sqlite")
def _of_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return f"{SQLITE_FUNCTION}({_parts(element, compiler, ', ', **more)})"


@compiles(RowHash, "postgresql")
def _of_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    text, *numbers = (compiler.process(each, **more) for each in element.clauses)
    seed = "0"
    for number in numbers:  # to write them as text would cost as much as all else
        seed = f"hashint8extended({number}, {seed})"
    return f"hashtextextended({text}, {seed})"


@compiles(RowHash, "mysql", "mariadb")
def _of_mariadb(element: Any, compiler: Any, **more: Any) -> str:
    joined = f"CONCAT_WS(' ', {_parts(element, compiler, ', ', **more)})"
    return f"CAST(CONV(LEFT(MD5({joined}), 16), 16, 10) AS UNSIGNED)"


def _parts(element: Any, compiler: Any, between: str, **more: Any) -> str:
    return between.join(compiler.process(each, **more) for each in element.clauses)


def of_sqlite(*values: object) -> int:
    """What `SQLITE_FUNCTION` gives."""
    digest = blake2b(" ".join(map(str, values)).encode(), digest_size=SQLITE_OCTETS)
    return int.from_bytes(digest.digest())
