"""Seals over audit events: every change behind their back is found, on each database."""

import hmac
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, select, update

from ipam.store import tables
from ipam.store.audit import chain, events, seals
from ipam.store.engine.database import Database, Transaction
from tests.store.audit.test_events import event

KEY = b"k" * 32
DAY_US = 86_400_000_000
_T, _SEAL = tables.audit_event, tables.audit_seal


@pytest.fixture
def sealed(database: Database) -> Database:
    """Nine events in three seals."""
    start = time.time_ns() // 1000 - 10 * DAY_US
    for number in range(9):
        new = event(start + number * DAY_US, user_id=f"u{number}", user_name=f"user {number}")
        database.write(lambda tx, new=new: events.add(tx, [new]))  # type: ignore[misc]
    counts = [database.write(lambda tx: seals.seal(tx, KEY, limit=3)) for _ in range(4)]
    assert counts == [3, 3, 3, 0]
    return database


def faults(database: Database, key: bytes = KEY, days: int = 365) -> list[str]:
    verified = seals.verify(database, key, retention_days=days)
    return [fault for each in verified for fault in each.faults]


def pks(database: Database) -> list[int]:
    return list(database.read(lambda tx: tx.execute(select(_T.c.pk).order_by(_T.c.pk)).scalars()))


def test_what_nobody_touched_is_as_it_was_sealed(sealed: Database) -> None:
    assert faults(sealed) == []
    assert len(list(seals.verify(sealed, KEY, retention_days=0))) == 3


def test_an_altered_event_is_found(sealed: Database) -> None:
    third = pks(sealed)[2]
    alter = update(_T).where(_T.c.pk == third).values(user_id="somebody else")
    sealed.write(lambda tx: tx.execute(alter))
    (fault,) = faults(sealed)
    assert fault.endswith("was altered")


@pytest.mark.parametrize("name", ["somebody else", ""])
def test_another_name_of_the_user_is_found(sealed: Database, name: str) -> None:
    third = pks(sealed)[2]
    sealed.write(lambda tx: tx.execute(update(_T).where(_T.c.pk == third).values(user_name=name)))
    (fault,) = faults(sealed)
    assert fault.endswith("was altered")


def test_a_seal_from_before_users_had_names_holds() -> None:
    former = {**event(user_id="ann"), "id": "i", "pk": 7}
    del former["user_name"]
    content = msgspec.json.encode(former, order="deterministic")
    digest = hmac.digest(KEY, content, "sha256")[: chain.HASH_BYTES]
    assert chain.mark(KEY, {**former, "user_name": "ann"}).endswith(digest)


def test_a_removed_event_is_found(sealed: Database) -> None:
    third = pks(sealed)[2]
    sealed.write(lambda tx: tx.execute(delete(_T).where(_T.c.pk == third)))
    assert faults(sealed) == [f"event number {third} of seal 1 was removed"]


def test_an_inserted_event_is_found(sealed: Database) -> None:
    third = pks(sealed)[2]

    def work(tx: Transaction) -> None:
        tx.execute(delete(_T).where(_T.c.pk == third))
        row = {**event(), "id": "new", "pk": third, "user_id": "nobody"}
        tx.execute(insert(_T).values(row))

    sealed.write(work)
    assert faults(sealed) == ["event new was altered"]


SPOILED: list[tuple[Callable[[Transaction], Any], str]] = [
    (lambda tx: tx.execute(delete(_SEAL).where(_SEAL.c.number == 2)), "seal 3 is not"),
    (lambda tx: tx.execute(delete(_SEAL).where(_SEAL.c.number == 1)), "before 2 were removed"),
    (
        lambda tx: tx.execute(update(_SEAL).where(_SEAL.c.number == 2).values(marks=b"")),
        "marks of seal 2 were altered",
    ),
    (
        lambda tx: tx.execute(update(_SEAL).where(_SEAL.c.number == 2).values(marks=None)),
        "seal 2 has lost its marks",
    ),
    (
        lambda tx: tx.execute(update(_SEAL).where(_SEAL.c.number == 2).values(last_at_us=1)),
        "seal 2 is not as it was made",
    ),
]


@pytest.mark.parametrize(("spoil", "words"), SPOILED)
def test_a_seal_that_was_changed_is_found(
    sealed: Database, spoil: Callable[[Transaction], Any], words: str
) -> None:
    sealed.write(spoil)
    assert words in " ".join(faults(sealed))


def test_seals_of_another_key_are_found(sealed: Database) -> None:
    assert faults(sealed, b"x" * 32) != []


def test_the_chain_outlives_what_is_forgotten(sealed: Database) -> None:
    before_us = time.time_ns() // 1000 - 4 * DAY_US + DAY_US // 2

    def forget() -> int | None:
        return sealed.write(lambda tx: seals.forget(tx, before_us=before_us))

    assert [forget(), forget(), forget()] == [3, 3, 0]
    assert len(pks(sealed)) == 3
    assert faults(sealed, days=4) == []
    assert [each.number for each in seals.verify(sealed, KEY, retention_days=4)] == [1, 2, 3]
    last = pks(sealed)[-1]
    sealed.write(lambda tx: tx.execute(delete(_T).where(_T.c.pk == last)))
    assert faults(sealed, days=4) == [f"event number {last} of seal 3 was removed"]


def test_a_chain_that_has_forgotten_much_begins_with_two_seals_without_marks(
    sealed: Database,
) -> None:
    def forget(tx: Transaction) -> int | None:
        return seals.forget(tx, before_us=time.time_ns() // 1000)

    assert [sealed.write(forget) for _ in range(4)] == [3, 3, 3, None]
    assert [each.number for each in seals.verify(sealed, KEY, retention_days=1)] == [2, 3]
    assert faults(sealed, days=1) == []


def _delete_up_to(tx: Transaction, number: int) -> None:
    """As if the retention had deleted the seals up to this one."""
    seal = tx.execute(select(_SEAL).where(_SEAL.c.number == number)).one()
    tx.execute(delete(_T).where(_T.c.pk <= seal.last_pk))
    tx.execute(update(_SEAL).where(_SEAL.c.number <= number).values(marks=None))
    tx.execute(delete(_SEAL).where(_SEAL.c.number < number - 1))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_events_that_were_deleted_before_their_time_are_found(
    sealed: Database, number: int
) -> None:
    sealed.write(lambda tx: _delete_up_to(tx, number))
    said = [f"the events of seal {number}, up to ", " were deleted before their time"]
    assert all(words in " ".join(faults(sealed)) for words in said)
    assert faults(sealed, days=1) == []


@pytest.mark.parametrize("number", [2, 3])
def test_nobody_can_say_how_old_deleted_events_were_without_the_seal_before(
    sealed: Database, number: int
) -> None:
    def work(tx: Transaction) -> None:
        _delete_up_to(tx, number)
        tx.execute(delete(_SEAL).where(_SEAL.c.number < number))
        tx.execute(update(_SEAL).where(_SEAL.c.number == number).values(last_at_us=1))

    sealed.write(work)
    assert f"the seals before {number} were removed" in faults(sealed)


@pytest.mark.parametrize("number", [1, 2])
def test_an_event_among_those_that_are_forgotten_is_found(sealed: Database, number: int) -> None:
    def work(tx: Transaction) -> None:
        first = dict(tx.execute(select(_T).order_by(_T.c.pk)).mappings().first() or {})
        _delete_up_to(tx, 2)
        tx.execute(insert(_T).values(**first | {"pk": first["pk"] + 3 * number - 3}))

    sealed.write(work)
    assert [one for one in faults(sealed, days=1) if "was inserted" in one] != []


def test_an_event_before_the_first_seal_is_found(sealed: Database) -> None:
    def work(tx: Transaction) -> None:
        first = dict(tx.execute(select(_T).order_by(_T.c.pk)).mappings().first() or {})
        new = {"pk": -1, "id": "0" * 36}
        tx.execute(insert(_T).values(**first | new))

    sealed.write(work)
    assert faults(sealed) == [f"event {'0' * 36} was inserted"]


def test_what_just_happened_is_not_sealed_yet(database: Database) -> None:
    now_us = time.time_ns() // 1000
    database.write(lambda tx: events.add(tx, [event(now_us)]))
    assert database.write(lambda tx: seals.seal(tx, KEY, limit=1)) == 0
