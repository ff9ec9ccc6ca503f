"""The ledger is written with its transaction, and forgotten however that ends."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from ipam.model import pack
from ipam.store import allocation_ledger
from ipam.store.allocation_ledger import AllocationLedger
from ipam.store.engine.database import Database, Transaction
from ipam.store.tables import allocation_event
from tests.allocator.subnets import Ground, make_ground


@pytest.fixture
def ground(database: Database) -> Ground:
    return make_ground(database, ["10.0.0.1-10.0.0.6"], ports=2)


def moves(ground: Ground) -> Callable[[Transaction], None]:
    ledger, address = AllocationLedger(), pack("10.0.0.3")

    def work(tx: Transaction) -> None:
        ledger.allocated(tx, ground.subnet, {address: ground.ports[0]})
        ledger.released(tx, ground.subnet, address, ground.ports[0])
        ledger.allocated(tx, ground.subnet, {address: ground.ports[1]})

    return work


def actions(database: Database) -> list[str]:
    query = select(allocation_event.c.action).order_by(allocation_event.c.pk)
    return list(database.read(lambda tx: tx.execute(query).scalars().all()))


def test_what_a_transaction_moved_is_written_in_its_order(ground: Ground) -> None:
    ground.database.write(moves(ground))
    assert actions(ground.database) == ["allocated", "released", "allocated"]
    assert not allocation_ledger._LEDGERS


def test_a_transaction_that_fails_leaves_neither_rows_nor_a_ledger(ground: Ground) -> None:
    def fail(tx: Transaction) -> None:
        moves(ground)(tx)
        raise KeyError

    with pytest.raises(KeyError):
        ground.database.write(fail)
    assert not actions(ground.database)
    assert not allocation_ledger._LEDGERS


def test_what_only_reads_leaves_no_ledger(ground: Ground) -> None:
    ground.database.read(
        lambda tx: allocation_ledger.know_subnets(tx, "network", [(ground.subnet, "subnet")])
    )
    assert not allocation_ledger._LEDGERS
