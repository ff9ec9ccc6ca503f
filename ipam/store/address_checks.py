"""Statements on questions about who uses addresses, and on what agents answered."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from ipam import clock, model
from ipam.store import open_questions, served_networks, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

KEPT_SECONDS: Final = clock.SECONDS_PER_DAY
"""The answers tell of conflicts so long."""
MOST_LOOKED_AT: Final = 1000

_T, _network = tables.address_check, tables.network
_WITH_NETWORK: Final = select(_T, _network.c.id.label("network_id")).join_from(
    _T, _network, _network.c.pk == _T.c.network_pk
)


def ask(
    tx: Transaction, network_pk: int, addresses: Sequence[str], *, oldest_heartbeat: int
) -> str:
    """Ask the living agents whose hosts have the network; the id of the question."""
    new = {
        "id": model.new_id(),
        "network_pk": network_pk,
        "asked_at": clock.now_seconds(),
        "ip_addresses": list(addresses),
        "hosts": served_networks.hosts_of(tx, network_pk, oldest_heartbeat=oldest_heartbeat),
        "answers": {},
    }
    tx.execute(insert(_T).values(new))
    return str(new["id"])


def find(tx: Transaction, network_pk: int, check_id: str) -> Record | None:
    """The question, with its answers by host. What is no id is not asked for; see `rows.find`."""
    if not model.is_uuid(check_id):
        return None
    return tx.execute(
        _WITH_NETWORK.where(_T.c.id == check_id, _T.c.network_pk == network_pk)
    ).one_or_none()


def waiting(tx: Transaction, host: str, most: int) -> list[Record]:
    """The questions that this host's agent is to answer and has not answered.

    The oldest of each network comes before the second oldest of any: whoever asks much about one
    network lets nobody else wait.
    """
    turn = func.row_number().over(partition_by=_T.c.network_pk, order_by=(_T.c.asked_at, _T.c.id))
    query = (
        _WITH_NETWORK.where(_T.c.asked_at > open_questions.oldest())
        .order_by(turn, _T.c.asked_at, _T.c.id)
        .limit(MOST_LOOKED_AT)
    )
    found = tx.execute(query)
    return [row for row in found if host in row.hosts and host not in row.answers][:most]


def answer(tx: Transaction, host: str, check_id: str, told: Mapping[str, Any]) -> bool:
    """Store the answer of a host that was asked; whether it was."""
    query = select(_T.c.hosts, _T.c.answers).where(_T.c.id == check_id).with_for_update()
    row = tx.execute(query).one_or_none()
    if row is None or host not in row.hosts:
        return False
    changed = {**row.answers, host: dict(told)}
    tx.execute(update(_T).where(_T.c.id == check_id).values(answers=changed))
    return True


def answered(tx: Transaction, network_id: str | None) -> list[Record]:
    """The questions that are kept, of one network or of all, the newest first."""
    query = _WITH_NETWORK.where(_T.c.asked_at > clock.now_seconds() - KEPT_SECONDS)
    if network_id is not None:
        query = query.where(_network.c.id == network_id)
    return list(tx.execute(query.order_by(_T.c.asked_at.desc(), _T.c.id).limit(MOST_LOOKED_AT)))


def forget(tx: Transaction, *, limit: int) -> int:
    """Delete questions that are kept no longer, at most `limit`; how many were."""
    old = select(_T.c.pk).where(_T.c.asked_at <= clock.now_seconds() - KEPT_SECONDS)
    pks = list(tx.execute(old.limit(limit).with_for_update(skip_locked=True)).scalars())
    if pks:
        tx.execute(delete(_T).where(_T.c.pk.in_(pks)))
    return len(pks)
