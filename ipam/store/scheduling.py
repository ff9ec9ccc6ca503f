"""Statements on which agents serve which networks, and on availability zones.

`network_dhcp_agent` says who serves a network's unbound ports; agents take networks by themselves
(`dhcp_state.take`), and an admin may give and take. From whom an admin took a network stands in
`network_dhcp_agent_barred`: the agent looks every few seconds and would take it again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, or_, select

from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_AGENT, _NETWORK = tables.agent, tables.network
_ASSIGNED, _BARRED = tables.network_dhcp_agent, tables.network_dhcp_agent_barred


def agent_pks(tx: Transaction, network_pk: int) -> list[int]:
    """The agents that serve a network."""
    return _numbers(tx, select(_ASSIGNED.c.agent_pk).where(_ASSIGNED.c.network_pk == network_pk))


def network_pks(tx: Transaction, agent_pk: int) -> list[int]:
    """The networks that an agent serves for their unbound ports."""
    return _numbers(tx, select(_ASSIGNED.c.network_pk).where(_ASSIGNED.c.agent_pk == agent_pk))


def assign(tx: Transaction, network_pk: int, agent_pk: int) -> bool:
    """Let the agent serve the network; whether it did not yet.

    Two at once: the keys let one insert, the other raises IntegrityError.
    """
    rows = tx.execute(select(_ASSIGNED).where(_ASSIGNED.c.network_pk == network_pk)).all()
    if any(row.agent_pk == agent_pk for row in rows):
        return False
    taken = {row.slot for row in rows}
    slot = next(slot for slot in range(len(taken) + 1) if slot not in taken)
    new = {"network_pk": network_pk, "slot": slot, "agent_pk": agent_pk}
    tx.execute(insert(_ASSIGNED).values(new))
    tx.execute(delete(_BARRED).where(_is(_BARRED, network_pk, agent_pk)))
    return True


def withdraw(tx: Transaction, network_pk: int, agent_pk: int) -> bool:
    """Take the network from the agent, for good; whether it had it."""
    gone = tx.execute(delete(_ASSIGNED).where(_is(_ASSIGNED, network_pk, agent_pk))).rowcount
    if gone:
        tx.execute(insert(_BARRED).values(network_pk=network_pk, agent_pk=agent_pk))
    return gone > 0


def may_take(agent: Record) -> ColumnElement[bool]:
    """Of networks: the agent is in one of its zones, where it names any, and is not barred."""
    zone = agent.availability_zone
    hints = _NETWORK.c.availability_zone_hints
    in_zone = hints == ""
    if zone:
        # replace() heeds case on every database, which LIKE does not.
        in_zone = or_(in_zone, func.replace(hints, hints_text([zone]), "") != hints)
    barred = select(_BARRED.c.network_pk).where(_BARRED.c.agent_pk == agent.pk)
    return and_(in_zone, _NETWORK.c.pk.not_in(barred))


def hints_text(zones: Sequence[str]) -> str:
    """Zones as the column `availability_zone_hints` has them: `,zone-1,,zone-2,`."""
    return "".join(f",{zone}," for zone in dict.fromkeys(zones))


def hints_of(text: str) -> tuple[str, ...]:
    """The zones in such a text."""
    return tuple(zone for zone in text.split(",") if zone)


def unknown_zones(tx: Transaction, zones: Sequence[str]) -> list[str]:
    """Those of the zones in which no agent is; no statement for none."""
    if not zones:
        return []
    known = select(_AGENT.c.availability_zone).where(_AGENT.c.availability_zone.in_(zones))
    return sorted(set(zones) - set(tx.execute(known).scalars()))


def zones(tx: Transaction) -> Mapping[str, bool]:
    """Every zone that an agent is in, with whether one of its agents is switched on."""
    rows = tx.execute(
        select(_AGENT.c.availability_zone, _AGENT.c.admin_state_up)
        .where(func.length(_AGENT.c.availability_zone) > 0)
        .distinct()
        .order_by(_AGENT.c.availability_zone)
    )
    found: dict[str, bool] = {}
    for row in rows:
        found[row.availability_zone] = (
            found.get(row.availability_zone, False) or row.admin_state_up
        )
    return found


def _numbers(tx: Transaction, statement: Select[Any]) -> list[int]:
    return sorted(tx.execute(statement).scalars())


def _is(table: Any, network_pk: int, agent_pk: int) -> ColumnElement[bool]:
    return and_(table.c.network_pk == network_pk, table.c.agent_pk == agent_pk)
