"""Sums of row hashes tell sets of rows apart, on each database."""

from itertools import combinations

from sqlalchemy import BigInteger, String, cast, func, literal, select, union_all

from ipam.store.engine.database import Database
from ipam.store.engine.row_hash import RowHash

SETS: tuple[list[tuple[int, str, int]], ...] = (
    [],
    [(1, "a", 1)],
    [(1, "a", 2)],
    [(2, "a", 1)],
    [(1, "a", 1), (1, "a", 1)],
    [(1, "a", 1), (1, "b", 2)],
    [(1, "a", 2), (1, "b", 1)],
    [(1, "b", 1), (1, "a", 2), (1, "c", 0)],
)


def summed(database: Database, rows: list[tuple[int, str, int]]) -> int:
    each = union_all(
        *(
            select(
                cast(literal(kind), BigInteger).label("kind"),
                cast(literal(name), String(8)).label("name"),
                cast(literal(number), BigInteger).label("number"),
            )
            for kind, name, number in rows
        )
    ).subquery()
    total = select(func.sum(RowHash(each.c.name, each.c.kind, each.c.number)))
    return int(database.read(lambda tx: tx.execute(total).scalar_one()))


def test_sets_of_rows_have_sums_of_their_own_in_any_order(database: Database) -> None:
    sums = [summed(database, rows) if rows else 0 for rows in SETS]
    for one, other in combinations(sums, 2):
        assert one != other
    for rows, found in zip(SETS[1:], sums[1:], strict=True):
        assert summed(database, rows[::-1]) == found
