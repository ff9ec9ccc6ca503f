import json
import threading
from collections.abc import Generator
from typing import Any

import falcon
import pytest
from sqlalchemy.exc import DBAPIError

from ipam.api.http import long_lists
from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction
from tests.api.caller import Api
from tests.waiting import eventually

PIECE = 3
Items = Generator[list[Any], None, None]


@pytest.fixture(autouse=True)
def pieces_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_lists, "ROWS", PIECE)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
def test_a_list_is_whole_and_in_order_however_many_pieces_it_has(
    api_on_each: Api, count: int
) -> None:
    network = api_on_each.create("network")
    made = [
        api_on_each.create("port", network_id=network["id"], name=f"port {7 - number}")
        for number in range(count)
    ]
    assert api_on_each.list("port") == made
    by_name = sorted(made, key=lambda port: port["name"])
    assert api_on_each.list("port", sort_key="name") == by_name
    ids = api_on_each.call("GET", "/ports?fields=id").json
    assert ids == {"ports": [{"id": port["id"]} for port in made]}


def test_only_a_list_of_one_piece_has_a_length(api: Api) -> None:
    network = api.create("network")
    lengths = []
    for _ in range(PIECE + 1):
        api.create("port", network_id=network["id"])
        lengths.append("Content-Length" in api.call("GET", "/ports").headers)
    assert lengths == [True, True, False, False]
    assert "Content-Length" in api.call("GET", "/ports?limit=100").headers
    assert "Content-Length" in api.call("GET", "/ports?device_owner=").headers


def streamed(database: Database, read: long_lists.Read) -> Generator[bytes, None, None]:
    """What is sent as `numbers`."""
    resp = falcon.Response()
    long_lists.respond(resp, "numbers", database, read)
    stream: Any = resp.stream
    assert isinstance(stream, Generator)
    return stream


def numbers(_tx: Transaction) -> Items:
    """Three pieces, the last one short."""
    yield from ([1, 2, 3], [4, 5, 6], [7])


def test_a_slow_client_holds_no_connection(sqlite: Database) -> None:
    stream = streamed(sqlite, numbers)
    eventually(lambda: sqlite.connections()["in_use"] == 0)
    assert json.loads(b"".join(stream)) == {"numbers": [1, 2, 3, 4, 5, 6, 7]}


def test_a_fault_before_the_first_piece_is_answered(sqlite: Database) -> None:
    def away() -> list[Any]:
        raise DatabaseUnavailable("away")

    def broken(_tx: Transaction) -> Items:
        yield away()

    with pytest.raises(DatabaseUnavailable, match="away"):
        long_lists.respond(falcon.Response(), "numbers", sqlite, broken)


def test_a_fault_after_it_breaks_the_answer_off_and_nothing_is_sent_twice(
    sqlite: Database,
) -> None:
    def broken(_tx: Transaction) -> Items:
        yield [1, 2, 3]
        raise DBAPIError.instance("SELECT", {}, _locked(), Exception)

    stream = streamed(sqlite, broken)
    sent: list[bytes] = []
    with pytest.raises(DatabaseUnavailable):
        sent.extend(stream)
    assert sent == [b'{"numbers":[1,2,3']


def _locked() -> Exception:
    """An error of the driver after which a transaction is tried again."""
    import sqlite3  # noqa: PLC0415

    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


@pytest.mark.parametrize("taken", [0, 1])
def test_nothing_more_is_read_for_a_client_that_has_left(sqlite: Database, taken: int) -> None:
    left, went_on = threading.Event(), threading.Event()

    def slow(_tx: Transaction) -> Items:
        yield [1, 2, 3]
        left.wait()
        yield [4, 5, 6]
        went_on.set()
        yield [7]

    stream = streamed(sqlite, slow)
    for _ in range(taken):
        next(stream)
    stream.close()
    left.set()
    eventually(lambda: sqlite.connections()["in_use"] == 0)
    assert not went_on.is_set()
