"""Audit events in the database, on each of the three."""

import random
import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from ipam.store import tables
from ipam.store.audit import events
from ipam.store.engine.database import Database
from ipam.store.engine.listing import ListQuery
from ipam.store.engine.reading import read_page

HOUR_US = 3_600_000_000
START_US = 1_700_000_000_000_000


def event(at_us: int = START_US, **more: Any) -> dict[str, Any]:
    texts = (
        *("request_id", "user_id", "user_name", "user_project_id", "roles", "authentication"),
        *("address", "operation", "path", "object_type", "object_id", "object_name"),
        *("project_id", "reason"),
    )
    other = {"occurred_at_us": at_us, "status": 201, "changes": {"name": [None, "ü\u202e"]}}
    return {**dict.fromkeys(texts, ""), **other, "times": 1, **more}


@pytest.fixture
def hours(database: Database, monkeypatch: pytest.MonkeyPatch) -> Sequence[int]:
    """Ten events, one in each hour."""
    times = [START_US + n * HOUR_US for n in range(10)]
    for at in times:
        monkeypatch.setattr(time, "time_ns", partial(int, at * 1000))
        database.write(partial(events.add, events=[event(at)]))
    return times


def read(database: Database, **filters: str) -> list[int]:
    query = ListQuery(filters={name: [text] for name, text in filters.items()})
    found = database.read(lambda tx: read_page(tx, events.COLLECTION, query))
    return [row.occurred_at_us for row in found]


def test_what_is_added_is_read_as_it_was(database: Database) -> None:
    added = [event(user_id="a", changes={"tags": [["x"], []]}), event(user_id="b")]
    database.write(lambda tx: events.add(tx, added))
    rows = database.read(lambda tx: tx.execute(select(tables.audit_event)).mappings().all())
    assert [{**row, "id": 0, "pk": 0} for row in rows] == [
        {**each, "id": 0, "pk": 0} for each in added
    ]


def test_ids_are_uuids_that_grow_with_time() -> None:
    times = sorted(random.Random(7).choices(range(2**47), k=100))
    ids = [events._id_at(at, random.Random(at).getrandbits(80)) for at in times]
    assert ids == sorted(ids)
    assert {uuid.UUID(each).version for each in ids} == {7}
    assert {uuid.UUID(each).variant for each in ids} == {uuid.RFC_4122}


@pytest.mark.parametrize("first", [0, 1, 5, 9, 10])
@pytest.mark.parametrize("last", [0, 5, 10])
def test_a_period_has_its_events_and_no_others(
    database: Database, hours: Sequence[int], first: int, last: int
) -> None:
    def text(number: int) -> str:
        return str((START_US + number * HOUR_US) // 1_000_000)

    found = read(database, since=text(first), until=text(last))
    assert found == list(reversed(hours[first:last]))


def test_old_events_are_forgotten_a_few_at_a_time(
    database: Database, hours: Sequence[int]
) -> None:
    def forget() -> int:
        return database.write(
            lambda tx: events.forget(tx, before_us=START_US + 5 * HOUR_US, limit=3)
        )

    assert [forget(), forget(), forget()] == [3, 2, 0]
    assert read(database) == list(reversed(hours[5:]))


def test_an_event_of_a_failed_transaction_is_not_there(database: Database) -> None:
    def work(tx: Any) -> None:
        events.add(tx, [event()])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(work)
    count = select(func.count()).select_from(tables.audit_event)
    assert database.read(lambda tx: tx.execute(count).scalar_one()) == 0
