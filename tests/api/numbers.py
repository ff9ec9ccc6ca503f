"""The numbers that rows have in the database."""

from typing import Any

from ipam.store import tables
from ipam.store.engine.database import Database


def network_pk(database: Database, network: dict[str, Any]) -> int:
    """The number of a network, of which the API gives the id only."""
    query = tables.network.select().where(tables.network.c.id == network["id"])
    return int(database.read(lambda tx: tx.execute(query).one().pk))
