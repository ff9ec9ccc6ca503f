import itertools
from collections.abc import Sequence
from typing import Any

from ipam.store.engine.database import Database
from ipam.store.engine.kept_statements import (
    COMPILED_LENGTH_MAX,
    OCTETS_OF_CHARACTER,
    CompiledStatements,
)
from ipam.store.engine.listing import ListQuery
from ipam.store.engine.reading import read_page
from ipam.store.ports import COLLECTION


class Compiled:
    def __init__(self, length: int) -> None:
        self.string = "x" * length


def test_what_is_kept_is_bounded_in_octets_and_the_latest_stays() -> None:
    kept = CompiledStatements(most_octets=OCTETS_OF_CHARACTER * 1000)
    for number in range(100):
        kept[number] = Compiled(100)
    assert kept.octets <= OCTETS_OF_CHARACTER * 1000
    assert 7 <= len(kept) <= 10
    assert kept.get(99) is not None
    assert kept.get(0) is None


def test_a_statement_in_use_outlives_those_that_came_once() -> None:
    kept = CompiledStatements(most_octets=OCTETS_OF_CHARACTER * 1000)
    kept["often"] = Compiled(100)
    for number in range(100):
        kept[number] = Compiled(100)
        assert kept.get("often") is not None


def test_a_very_long_statement_is_not_kept() -> None:
    kept = CompiledStatements()
    kept["long"] = Compiled(COMPILED_LENGTH_MAX + 1)
    assert kept.get("long") is None


def read_sorted(database: Database, keys: Sequence[str]) -> None:
    query = ListQuery(sorts=tuple((key, False) for key in keys))
    database.read(lambda tx: read_page(tx, COLLECTION, query))


def test_lists_of_many_shapes_leave_a_bounded_cache(database: Database) -> None:
    kept: Any = database.engine.get_execution_options()["compiled_cache"]
    small = CompiledStatements(most_octets=200_000)
    database.engine.update_execution_options(compiled_cache=small)
    assert isinstance(kept, CompiledStatements)
    for keys in itertools.islice(itertools.permutations(sorted(COLLECTION.columns), 2), 40):
        read_sorted(database, keys)
    assert 0 < small.octets <= 200_000
    assert 1 <= len(small) < 40


def read_filtered(database: Database, names: Sequence[str]) -> None:
    query = ListQuery(filters={name: ["x"] for name in names})
    assert database.read(lambda tx: read_page(tx, COLLECTION, query)) == []


def test_filters_in_any_order_are_one_statement(database: Database) -> None:
    kept = CompiledStatements()
    database.engine.update_execution_options(compiled_cache=kept)
    for names in itertools.permutations(("name", "network_id", "device_id")):
        read_filtered(database, names)
    assert len(kept) == 1
