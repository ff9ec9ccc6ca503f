"""Writing where a unique key may say that another process was first."""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.exc import IntegrityError

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction

T = TypeVar("T")

ATTEMPTS: Final = 5
"""The second attempt sees what the first one lost to; more are needed only if that goes again."""


def write_again(database: Database, work: Callable[[Transaction], T]) -> T:
    """As `database.write`; once more when a key was taken or a row gone after `work` looked.

    Raises DatabaseUnavailable when that does not settle.
    """
    for _ in range(ATTEMPTS):
        try:
            return database.write(work)
        except IntegrityError:
            continue
    raise DatabaseUnavailable("Other writers of the same rows kept interfering; try again.")
