"""Statements on questions about what ports' machines would get: one for each port, the last."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from ipam import clock, model
from ipam.store import scheduling, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

OPEN_SECONDS: Final = 60
"""An agent that was away for longer does not answer: nobody waits any more."""
MOST_LOOKED_AT: Final = 10_000

_probe, _port = tables.port_probe, tables.port


def ask(tx: Transaction, port_id: str) -> None:
    """A new question in the place of the port's last one. The port exists.

    Two at once: the key lets one insert, the other raises IntegrityError.
    """
    pk = tx.execute(select(_port.c.pk).where(_port.c.id == port_id)).scalar_one()
    tx.execute(delete(_probe).where(_probe.c.port_pk == pk))
    values = {"id": model.new_id(), "asked_at": clock.now_seconds(), "answers": {}}
    tx.execute(insert(_probe).values(port_pk=pk, **values))


def last(tx: Transaction, port_id: str) -> Record | None:
    """The port's last question, with its answers by host."""
    query = select(_probe).join_from(_probe, _port, _port.c.pk == _probe.c.port_pk)
    return tx.execute(query.where(_port.c.id == port_id)).one_or_none()


def waiting(tx: Transaction, agent: Record, most: int) -> list[Record]:
    """Questions that this agent is to answer and has not answered yet: `id` and `port_id`."""
    mine = (_port.c.binding_host_id == agent.host) | scheduling.unbound_ports_of(agent)
    query = (
        select(_probe.c.id, _port.c.id.label("port_id"), _probe.c.answers)
        .join_from(_probe, _port, _port.c.pk == _probe.c.port_pk)
        .where(_probe.c.asked_at > clock.now_seconds() - OPEN_SECONDS, mine)
        .order_by(_probe.c.asked_at)
        .limit(MOST_LOOKED_AT)
    )
    return [row for row in tx.execute(query) if agent.host not in row.answers][:most]


def answer(tx: Transaction, agent: Record, answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Store the agent's answers by question; the ids of those that were still asked."""
    taken = []
    for probe_id in sorted(answers):  # all writers lock in one order
        query = select(_probe.c.answers).where(_probe.c.id == probe_id).with_for_update()
        found = tx.execute(query).scalar_one_or_none()
        if found is not None:
            new = {**found, agent.host: dict(answers[probe_id])}
            tx.execute(update(_probe).where(_probe.c.id == probe_id).values(answers=new))
            taken.append(probe_id)
    return taken
