"""Pages of the ports of a network, from an index."""

from typing import Any

import pytest
from sqlalchemy import event

from ipam.store import ports
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.listing import ListQuery
from ipam.store.engine.reading import read_page

NETWORK = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize("more", [{}, {"status": ["ACTIVE"]}])
def test_a_page_of_a_networks_ports_is_read_in_order_from_an_index(
    sqlite: Database, more: dict[str, Any]
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, text: str, values: Any, *_more: object) -> None:
        asked.append((text, values))

    def plan(tx: Transaction) -> str:
        query = ListQuery(filters={"network_id": [NETWORK], **more}, limit=100)
        event.listen(sqlite.engine, "before_cursor_execute", note)
        read_page(tx, ports.COLLECTION, query)
        event.remove(sqlite.engine, "before_cursor_execute", note)
        text, values = asked[-1]
        steps = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        return " / ".join(step.detail for step in steps)

    steps = sqlite.read(plan)
    assert "SEARCH port USING INDEX ix_port_network_pk (network_pk=?)" in steps
    assert "TEMP B-TREE" not in steps
