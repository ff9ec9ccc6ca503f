"""The remembered counts of quotas, when many add to them at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select, update

from ipam import clock
from ipam.store import quotas
from ipam.store.engine.database import Database, Transaction
from ipam.store.tables import quota

ADDED = {"port": 1, quotas.FIXED_IPS: 2}
DEFAULTS = {"port": 10_000, quotas.FIXED_IPS: 10_000}
THREADS, TIMES = 4, 10


def test_what_is_added_at_once_is_added_up(database: Database) -> None:
    project = uuid.uuid4().hex
    mine = quota.c.project_id == project

    def add(tx: Transaction) -> None:
        quotas.check(tx, project, ADDED, DEFAULTS)

    def add_some(_thread: int) -> None:
        for _ in range(TIMES):
            database.write(add)

    database.write(add)  # counts what there is: nothing
    fresh = update(quota).where(mine).values(counted_at=clock.now_seconds() + 1_000)
    database.write(lambda tx: tx.execute(fresh))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add_some, range(THREADS)))
    query = select(quota.c.resource, quota.c.most_used).where(mine)
    found = {
        row.resource: row.most_used for row in database.read(lambda tx: tx.execute(query).all())
    }
    assert found == {"port": THREADS * TIMES, quotas.FIXED_IPS: 2 * THREADS * TIMES}
