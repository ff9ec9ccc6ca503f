"""Statements on which agent answers machines behind a network's uplink: ports of no agent's host.

The key of `elected_agent` lets a network have one. An election compares and sets, so of two at
once one is done.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.rules import election
from ipam.rules.election import Vote
from ipam.rules.reach import mapped_uplinks, may_answer, unreached
from ipam.rules.segments import OF_UPLINKS
from ipam.store import scheduling, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.scheduling import AnyAgent

_T, _AGENT, _NETWORK = tables.elected_agent, tables.agent, tables.network
_PORT, _SUBNET = tables.port, tables.subnet
_ASSIGNED, _BARRED = tables.network_dhcp_agent, tables.network_dhcp_agent_barred

SHOWN: Final = (
    _NETWORK.c.id.label("network_id"),
    _AGENT.c.id.label("agent_id"),
    _AGENT.c.host,
    _T.c.elected_at,
    _T.c.opens_at,
)
_CANDIDATES: Final = select(
    _AGENT.c.pk, _AGENT.c.host, _AGENT.c.availability_zone, _AGENT.c.configurations
)


def networks_of(agent: Record) -> Select[Any]:
    """The networks for which the agent is elected; none while it is switched off."""
    query = select(_T.c.network_pk)
    if not agent.admin_state_up:
        return query.where(false())
    return query.where(_T.c.agent_pk == agent.pk)


def ports_of(agent: Record) -> ColumnElement[bool]:
    """The ports of these networks that no agent's host has."""
    return and_(_PORT.c.network_pk.in_(networks_of(agent)), _is_of_no_host())


def served_by(agent: Record) -> ColumnElement[bool]:
    """All ports that are the agent's to answer: those of its host, and of no host."""
    bound = _PORT.c.binding_host_id == agent.host
    return or_(bound, scheduling.unbound_ports_of(agent), ports_of(agent))


def wanting(tx: Transaction, agent: Record, *, oldest_heartbeat: int) -> list[int]:
    """The networks with DHCP for which nobody usable is elected, and the agent could be."""
    if not may_answer(agent.configurations):
        return []
    values = {"agent_pk": agent.pk, "oldest": oldest_heartbeat, **_reach(agent)}
    values |= scheduling.zone_parameter(agent)
    return list(tx.execute(_wanting(bool(agent.availability_zone)), values).scalars())


@lru_cache
def _wanting(has_zone: bool) -> Select[Any]:
    """Made once: agents ask it every few seconds."""
    usable = scheduling.is_usable(bindparam("oldest"))
    held = select(_T.c.network_pk).join(_AGENT, _AGENT.c.pk == _T.c.agent_pk).where(usable)
    has_dhcp = exists().where(_SUBNET.c.network_pk == _NETWORK.c.pk, _SUBNET.c.enable_dhcp)
    agent: Any = AnyAgent(has_zone)
    lacking = _NETWORK.c.pk.not_in(held)
    wanted = and_(lacking, has_dhcp, _is_reached(), scheduling.may_take(agent))
    return select(_NETWORK.c.pk).where(wanted)


def unfit(tx: Transaction, agent: Record) -> list[int]:
    """The networks for which the agent is elected though it does not reach them any more."""
    query = select(_T.c.network_pk).join(_NETWORK, _NETWORK.c.pk == _T.c.network_pk)
    mine = query.where(_T.c.agent_pk == agent.pk)
    if may_answer(agent.configurations):
        return list(tx.execute(mine.where(not_(_is_reached())), _reach(agent)).scalars())
    return list(tx.execute(mine).scalars())


def orphaned(tx: Transaction, *, oldest_heartbeat: int) -> list[int]:
    """The networks whose elected agent is dead or switched off."""
    query = select(_T.c.network_pk).join(_AGENT, _AGENT.c.pk == _T.c.agent_pk)
    return list(tx.execute(query.where(not_(scheduling.is_usable(oldest_heartbeat)))).scalars())


def settle(tx: Transaction, network_pks: Iterable[int], *, agent_down_time: int) -> list[int]:
    """Have an agent elected for each of these networks that has none which is usable.

    Gives the networks of which it changed. The ports that the agent is to answer there are DOWN
    until it says that it does.
    """
    now, changed = clock.now_seconds(), list[int]()
    restored = _closed_since_restore(tx, agent_down_time)
    for some in alternatives(sorted(set(network_pks))):
        holders = {
            row.network_pk: row for row in tx.execute(select(_T).where(_T.c.network_pk.in_(some)))
        }
        votes = _votes(tx, some, holders, now - agent_down_time)
        heartbeats = _heartbeats(tx, holders.values())
        for network_pk, chosen in election.elect(votes, _loads(tx)).items():
            former = holders.get(network_pk)
            if chosen == (former and former.agent_pk):
                continue
            opens_at = election.opens_at(
                now,
                agent_down_time,
                last_heartbeat=heartbeats.get(former.agent_pk) if former else None,
                before=former.opens_at if former else restored,
            )
            values = {"agent_pk": chosen, "elected_at": now, "opens_at": opens_at}
            if _set(tx, network_pk, former, values):
                changed.append(network_pk)
                _put_down(tx, network_pk)
    return changed


def leave(tx: Transaction, agent_pk: int, *, agent_down_time: int) -> None:
    """Have the agent elected for no network, before it is deleted. It may still answer a while."""
    closed_at = clock.now_seconds() + agent_down_time + 1
    mine = update(_T).where(_T.c.agent_pk == agent_pk)
    tx.execute(mine.values(agent_pk=None, opens_at=closed_at))


def holds(tx: Transaction, network_pk: int, agent_pk: int) -> bool:
    """Whether the agent is elected for the network."""
    query = select(_T.c.network_pk).where(_T.c.network_pk == network_pk, _T.c.agent_pk == agent_pk)
    return tx.execute(query).first() is not None


def elected(tx: Transaction, wanted: Mapping[str, Sequence[str]], most: int) -> Sequence[Record]:
    """The elections that have one of the wanted values in each of these columns of `SHOWN`."""
    columns = {one.key: one for one in SHOWN}
    query = (
        select(*SHOWN)
        .join_from(_T, _NETWORK, _NETWORK.c.pk == _T.c.network_pk)
        .join(_AGENT, _AGENT.c.pk == _T.c.agent_pk)
        .where(*(columns[name].in_(values) for name, values in wanted.items()))
    )
    return tx.execute(query.order_by(_NETWORK.c.pk).limit(most)).all()


def _reach(agent: Record) -> dict[str, Any]:
    """The parameters of `_is_reached`."""
    mapped = mapped_uplinks(agent.configurations)
    return {"agent_host": agent.host} | {f"of_{kind}": sorted(mapped[kind]) for kind in OF_UPLINKS}


def _is_reached() -> ColumnElement[bool]:
    """Networks behind whose uplinks the agent could answer."""
    kind, physical = _NETWORK.c.provider_network_type, _NETWORK.c.provider_physical_network
    mapped = (
        and_(kind == one, physical.in_(bindparam(f"of_{one}", expanding=True)))
        for one in OF_UPLINKS
    )
    host = bindparam("agent_host", type_=String())
    return or_(*mapped, and_(kind.in_(OF_UPLINKS), scheduling.is_on_host(host)))


def _is_of_no_host() -> ColumnElement[bool]:
    """Ports that are bound to no host, or to one of which no agent has reported.

    A server's port without a host is left out: the server is shelved and runs nowhere.
    """
    host = _PORT.c.binding_host_id
    elsewhere = and_(func.length(host) > 0, host.not_in(select(_AGENT.c.host)))
    is_dhcp_port = _PORT.c.device_owner == model.DHCP_PORT_OWNER
    return and_(or_(scheduling.IS_OF_NO_HOST, elsewhere), not_(is_dhcp_port))


def _votes(
    tx: Transaction,
    network_pks: Sequence[int],
    holders: Mapping[int, Record],
    oldest_heartbeat: int,
) -> list[Vote]:
    usable = tx.execute(_CANDIDATES.where(scheduling.is_usable(oldest_heartbeat)))
    agents = [one for one in usable if may_answer(one.configurations)]
    networks = tx.execute(select(_NETWORK).where(_NETWORK.c.pk.in_(network_pks))).all()
    barred, assigned = (_pairs(tx, table, network_pks) for table in (_BARRED, _ASSIGNED))
    return [
        Vote(
            network.pk,
            holders[network.pk].agent_pk if network.pk in holders else None,
            fit={
                one.pk
                for one in agents
                if (network.pk, one.pk) not in barred and _could(one, network)
            },
            preferred={one.pk for one in agents if (network.pk, one.pk) in assigned},
        )
        for network in networks
    ]


def _pairs(tx: Transaction, table: Any, network_pks: Sequence[int]) -> set[tuple[int, int]]:
    query = select(table.c.network_pk, table.c.agent_pk)
    return {tuple(row) for row in tx.execute(query.where(table.c.network_pk.in_(network_pks)))}


def _could(agent: Record, network: Record) -> bool:
    """Whether the agent reaches the network, and is in one of its zones."""
    zones = scheduling.hints_of(network.availability_zone_hints)
    place = (network.provider_network_type, network.provider_physical_network)
    return (not zones or agent.availability_zone in zones) and not unreached(
        *place, agent.configurations, agent.host
    )


def _heartbeats(tx: Transaction, holders: Iterable[Record]) -> dict[int, int]:
    pks = sorted({one.agent_pk for one in holders if one.agent_pk is not None})
    query = select(_AGENT.c.pk, _AGENT.c.heartbeat_at)
    found: dict[int, int] = {}
    for some in alternatives(pks):
        rows = tx.execute(query.where(_AGENT.c.pk.in_(some)))
        found |= {row.pk: row.heartbeat_at for row in rows}
    return found


def _closed_since_restore(tx: Transaction, agent_down_time: int) -> int | None:
    """When nobody answers any more who was elected before a backup was restored."""
    query = select(func.max(tables.recovery.c.finished_at_us))
    finished_at_us: int | None = tx.execute(query).scalar_one()
    if finished_at_us is None:
        return None
    return finished_at_us // 1_000_000 + agent_down_time + 1


def _loads(tx: Transaction) -> Counter[int]:
    query = select(_T.c.agent_pk, func.count().label("networks")).group_by(_T.c.agent_pk)
    rows = tx.execute(query.where(_T.c.agent_pk.is_not(None)))
    return Counter({row.agent_pk: row.networks for row in rows})


def _set(
    tx: Transaction, network_pk: int, former: Record | None, values: Mapping[str, Any]
) -> bool:
    """Whether it is still as it was, and so is changed. A new row may raise IntegrityError."""
    if former is None:
        tx.execute(insert(_T).values(network_pk=network_pk, **values))
        return True
    as_it_was = (
        _T.c.network_pk == network_pk,
        _T.c.agent_pk.is_(None) if former.agent_pk is None else _T.c.agent_pk == former.agent_pk,
    )
    return tx.execute(update(_T).where(*as_it_was).values(**values)).rowcount > 0


def _put_down(tx: Transaction, network_pk: int) -> None:
    """Have the ports DOWN that the elected agent is to answer."""
    query = (
        select(_PORT.c.pk)
        .where(_PORT.c.network_pk == network_pk, _PORT.c.status == model.ACTIVE, _is_of_no_host())
        .order_by(_PORT.c.pk)  # all writers lock in one order
        .with_for_update(of=_PORT)
    )
    for some in alternatives(list(tx.execute(query).scalars())):
        tx.execute(update(_PORT).where(_PORT.c.pk.in_(some)).values(status=model.DOWN))
