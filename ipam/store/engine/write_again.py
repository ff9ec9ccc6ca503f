"""Writing where another writer may be first."""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.exc import IntegrityError

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction

T = TypeVar("T")

ATTEMPTS: Final = 5
"""The second attempt sees what the first one lost to; more are needed only if that goes again."""


def write_despite(
    database: Database,
    work: Callable[[Transaction], T],
    taken: type[Exception],
    *,
    attempts: int,
) -> T:
    """As `database.write`, in so many attempts while `work` raises that its choice was taken.

    The last attempt raises it.
    """
    for _ in range(attempts - 1):
        try:
            return database.write(work)
        except taken:
            continue
    return database.write(work)


def write_again(database: Database, work: Callable[[Transaction], T]) -> T:
    """As `database.write`; again when a key was taken or a row gone after `work` looked.

    Raises DatabaseUnavailable when that does not settle.
    """
    try:
        return write_despite(database, work, IntegrityError, attempts=ATTEMPTS)
    except IntegrityError as error:
        raise DatabaseUnavailable(
            "Other writers of the same rows kept interfering; try again."
        ) from error
