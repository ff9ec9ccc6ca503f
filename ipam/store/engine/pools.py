"""Closes the connections of an engine, those in use included.

A pool that was disposed of takes back what returns to it, and keeps it open in vain until Python
collects both.
"""

from typing import Final

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

_POOL: Final = "ipam_pool"


def close_late_returns(engine: sqlalchemy.Engine) -> None:
    """From now on close what returns to a pool that is the engine's no longer."""

    def note_pool(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_POOL] = engine.pool

    def close_late(_connection: object, record: ConnectionPoolEntry) -> None:
        if record.info.get(_POOL) is not engine.pool:
            record.close()

    event.listen(engine, "connect", note_pool)
    event.listen(engine, "checkin", close_late)


def close_connections(engine: sqlalchemy.Engine) -> None:
    """Close the connections that idle, and each of the others when it returns."""
    pool = engine.pool
    engine.dispose(close=False)  # who returns one from now on finds another pool
    pool.dispose()
