"""Statements on questions about what ports' machines would get. Each port has only its last."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from ipam import clock, model
from ipam.store import elections, open_questions, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

MOST_LOOKED_AT: Final = 10_000

_probe, _port = tables.port_probe, tables.port


def ask(tx: Transaction, port_id: str) -> int | None:
    """Add a question, which replaces the port's last one. Gives the number of the port's network.

    None if there is no such port.

    Of two callers at once, the key lets one insert. The other raises IntegrityError.
    """
    query = select(_port.c.pk, _port.c.network_pk).where(_port.c.id == port_id)
    port = tx.execute(query).one_or_none()
    if port is None:
        return None
    tx.execute(delete(_probe).where(_probe.c.port_pk == port.pk))
    values = {"id": model.new_id(), "asked_at": clock.now_seconds(), "answers": {}}
    tx.execute(insert(_probe).values(port_pk=port.pk, **values))
    return int(port.network_pk)


def last(tx: Transaction, port_id: str) -> Record | None:
    """The port's last question, with its answers by host."""
    query = select(_probe).join_from(_probe, _port, _port.c.pk == _probe.c.port_pk)
    return tx.execute(query.where(_port.c.id == port_id)).one_or_none()


def waiting(tx: Transaction, agent: Record, most: int) -> list[Record]:
    """The questions that this agent should answer and has not answered: `id` and `port_id`."""
    query = (
        select(_probe.c.id, _port.c.id.label("port_id"), _probe.c.answers)
        .join_from(_probe, _port, _port.c.pk == _probe.c.port_pk)
        .where(_probe.c.asked_at > open_questions.oldest(), elections.served_by(agent))
        .order_by(_probe.c.asked_at)
        .limit(MOST_LOOKED_AT)
    )
    return [row for row in tx.execute(query) if agent.host not in row.answers][:most]


def answer(tx: Transaction, agent: Record, answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Store the agent's answers by question.

    Gives the ids of those that were still open and are about ports that the agent serves.
    """
    taken = []
    for probe_id in sorted(answers):  # all writers lock in one order
        query = (
            select(_probe.c.answers)
            .join_from(_probe, _port, _port.c.pk == _probe.c.port_pk)
            .where(_probe.c.id == probe_id, elections.served_by(agent))
            .with_for_update(of=_probe)
        )
        found = tx.execute(query).scalar_one_or_none()
        if found is not None:
            new = {**found, agent.host: dict(answers[probe_id])}
            tx.execute(update(_probe).where(_probe.c.id == probe_id).values(answers=new))
            taken.append(probe_id)
    return taken
