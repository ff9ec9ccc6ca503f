"""Statements on agents."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, not_, or_, select, update

from ipam import clock, model
from ipam.errors import AgentHostInUse, HTTPBadRequest
from ipam.store import tables
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record

_T = tables.agent
_COLUMNS = tuple(column for column in _T.c if column is not _T.c.networks)
_ASSIGNED = tables.network_dhcp_agent

KEPT_SECONDS: Final = 60
"""A question about names is open so long, and its answer is kept."""
TOPIC: Final = "dhcp_agent"
"""The topic that Neutron's DHCP agents report. Clients only show it."""


def collection(agent_down_time: int) -> Collection:
    """The agents; one is alive until its last heartbeat is this many seconds old."""

    def by_alive(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        alive = _T.c.heartbeat_at >= oldest_heartbeat(agent_down_time)
        return or_(*(alive if _boolean("alive", text) else not_(alive) for text in texts))

    return Collection(
        source=_T,
        selected=_COLUMNS,
        columns={
            "id": _T.c.id,
            "agent_type": _T.c.agent_type,
            "binary": _T.c.binary,
            "host": _T.c.host,
            "topic": _T.c.topic,
            "availability_zone": _T.c.availability_zone,
            "admin_state_up": _T.c.admin_state_up,
            "description": _T.c.description,
            "created_at": _T.c.created_at,
            "started_at": _T.c.started_at,
            "heartbeat_timestamp": _T.c.heartbeat_at,
        },
        id=_T.c.id,
        pk=_T.c.pk,
        special={
            "alive": by_alive,
            "created_at": instants.equal_seconds(_T.c.created_at),
            "started_at": instants.equal_seconds(_T.c.started_at),
            "heartbeat_timestamp": instants.equal_seconds(_T.c.heartbeat_at),
        },
    )


def oldest_heartbeat(agent_down_time: int) -> int:
    """The earliest heartbeat, in epoch seconds, with which an agent counts as alive now."""
    return clock.now_seconds() - agent_down_time


def report(
    tx: Transaction,
    *,
    agent_type: str,
    host: str,
    state: Mapping[str, Any],
    agent_down_time: int,
) -> str:
    """Note a heartbeat with what the agent says of itself. Gives the agent's id.

    Of two first heartbeats at once, the unique key lets one insert. The other raises
    IntegrityError. Raises AgentHostInUse while another agent is alive under this host name.
    """
    values = {**state, "heartbeat_at": clock.now_seconds()}
    mine = and_(_T.c.agent_type == agent_type, _T.c.host == host)
    known = tx.execute(select(*_COLUMNS).where(mine).with_for_update()).one_or_none()
    if known is not None:
        if known.heartbeat_at >= oldest_heartbeat(agent_down_time):
            _refuse_another(known, state["configurations"], agent_down_time)
        if (
            known.dns_lookup
            and known.dns_lookup["asked_at"] < values["heartbeat_at"] - KEPT_SECONDS
        ):
            values["dns_lookup"] = None  # every poll reads it
        tx.execute(update(_T).where(mine).values(values))
        return str(known.id)
    new = {
        "id": model.new_id(),
        "agent_type": agent_type,
        "host": host,
        "topic": TOPIC,
        "admin_state_up": True,
        "created_at": values["heartbeat_at"],
    }
    tx.execute(insert(_T).values(new | values))
    return str(new["id"])


def all_of_dhcp(tx: Transaction) -> Sequence[Record]:
    """The rows of all DHCP agents."""
    query = select(*_COLUMNS).where(_T.c.agent_type == model.DHCP_AGENT_TYPE).order_by(_T.c.host)
    return tx.execute(query).all()


def find(tx: Transaction, agent_id: str) -> Record | None:
    """The agent's row."""
    return tx.execute(select(*_COLUMNS).where(_T.c.id == agent_id)).one_or_none()


def change(tx: Transaction, agent_id: str, values: Mapping[str, Any]) -> None:
    """Set these columns of the agent, if it exists. An agent switched off loses its networks."""
    if values:
        tx.execute(update(_T).where(_T.c.id == agent_id).values(**values))
    if values.get("admin_state_up") is False:
        pk = select(_T.c.pk).where(_T.c.id == agent_id).scalar_subquery()
        tx.execute(delete(_ASSIGNED).where(_ASSIGNED.c.agent_pk == pk))


def remove(tx: Transaction, agent_id: str) -> bool:
    """Delete the agent and its assignments; whether there was one. It may report again."""
    return tx.execute(delete(_T).where(_T.c.id == agent_id)).rowcount > 0


def unschedule_dead(tx: Transaction, *, agent_down_time: int) -> int:
    """Take networks from agents that are dead or switched off. Gives how many assignments ended.

    Nothing is taken while no agent is left that could serve the networks instead.
    """
    alive = _T.c.heartbeat_at >= oldest_heartbeat(agent_down_time)
    usable = and_(alive, _T.c.admin_state_up)
    if not tx.execute(select(func.count()).select_from(_T).where(usable)).scalar_one():
        return 0
    lost = list(tx.execute(select(_T.c.pk).where(not_(usable))).scalars())
    if not lost:
        return 0
    assigned = tables.network_dhcp_agent
    return tx.execute(delete(assigned).where(assigned.c.agent_pk.in_(lost))).rowcount


def _refuse_another(
    known: Record, configurations: Mapping[str, Any], agent_down_time: int
) -> None:
    """Raise AgentHostInUse if both say which installation they are, and it is not the same."""
    theirs, own = (each.get("installation") for each in (known.configurations, configurations))
    if theirs and own and theirs != own:
        dead_from = model.iso_time(known.heartbeat_at + agent_down_time + 1)
        raise AgentHostInUse(
            f"Another agent is alive as host {known.host}: it was heard of at"
            f" {model.iso_time(known.heartbeat_at)}. Give one of them another name with"
            f" [DEFAULT] host, or stop that one; if it stays away, it counts as dead from"
            f" {dead_from} on."
        )


def _boolean(name: str, text: str) -> bool:
    match text.lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise HTTPBadRequest(
                f"Invalid input for {name}. Reason: {text[:64]!r} is neither True nor False."
            )
