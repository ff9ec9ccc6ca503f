"""Writes again when another writer was first."""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from sqlalchemy.exc import IntegrityError

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction

T = TypeVar("T")
Taken: TypeAlias = type[Exception] | tuple[type[Exception], ...]

ATTEMPTS: Final = 5
"""The second attempt sees the row that the first one lost to. More attempts are needed only if
that row disappears again."""


def write_despite(
    database: Database,
    work: Callable[[Transaction], T],
    taken: Taken,
    *,
    attempts: int,
) -> T:
    """Like `database.write`, but tries again while `work` raises `taken`.

    The last of the `attempts` raises it.
    """
    for _ in range(attempts - 1):
        try:
            return database.write(work)
        except taken:
            continue
    return database.write(work)


def write_again(
    database: Database, work: Callable[[Transaction], T], taken: Taken = IntegrityError
) -> T:
    """Like `database.write`, but tries again when a key was taken or a row was deleted meanwhile.

    Raises DatabaseUnavailable when that happens each time.
    """
    try:
        return write_despite(database, work, taken, attempts=ATTEMPTS)
    except taken as error:
        raise DatabaseUnavailable(
            "Other writers of the same rows kept interfering; try again."
        ) from error
