"""Counts of the whole database, for metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import case, func, select

from ipam.store import tables
from ipam.store.engine.database import Transaction

COUNTED: Final[Mapping[str, Any]] = {
    "networks": tables.network,
    "subnets": tables.subnet,
    "ports": tables.port,
    "leases": tables.lease,
    "dhcp_refused_machines": tables.dhcp_refusal,
}

_IP = tables.ip_address.c
_TOTALS: Final = select(
    *(
        select(func.count()).select_from(table).scalar_subquery().label(name)
        for name, table in COUNTED.items()
    ),
    select(func.coalesce(func.sum(tables.dhcp_refusal.c.times), 0))
    .scalar_subquery()
    .label("refusals"),
    select(func.count(_IP.owner_pk)).scalar_subquery().label("owned"),
    select(func.count(_IP.free_at)).scalar_subquery().label("released"),
)
_OF_SUBNETS: Final = (
    select(
        tables.subnet.c.id,
        func.count(_IP.owner_pk).label("owned"),
        func.sum(case((_IP.free_at.is_not(None), 1), else_=0)).label("released"),
    )
    .join_from(tables.subnet, tables.ip_address, _IP.subnet_pk == tables.subnet.c.pk, isouter=True)
    .group_by(tables.subnet.c.id)
)


def totals(tx: Transaction) -> Mapping[str, int]:
    """How many rows of each kind, and how many addresses are `owned` or `released`.

    `refusals` is how often DHCP refused machines that are still listed.
    """
    found = tx.execute(_TOTALS).mappings().one()
    return {name: int(value) for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class OfAgent:
    """What an agent says of its host, in numbers; 0 for what it does not say."""

    troubles: int
    """How many things are not as they should be."""
    events_waiting: int
    """How many events waited for one hook at most."""
    spoofed: int
    """Frames that were dropped because their ports do not allow them."""
    storms: int
    """DHCP packets that were dropped because there were too many."""


def of_agents(tx: Transaction) -> Mapping[str, OfAgent]:
    """The numbers by host."""
    found = {}
    for row in tx.execute(select(tables.agent.c.host, tables.agent.c.configurations)):
        said = row.configurations or {}
        guard = said.get("guard")
        found[row.host] = OfAgent(
            len(said.get("troubles") or ()),
            _number(said, "events_waiting"),
            _number(guard, "spoofed"),
            _number(guard, "storms"),
        )
    return found


def _number(said: object, name: str) -> int:
    value = said.get(name) if isinstance(said, dict) else None
    return value if isinstance(value, int) else 0


def of_subnets(tx: Transaction) -> Mapping[str, tuple[int, int]]:
    """By subnet id: how many addresses have an owner, and how many were released."""
    return {row.id: (int(row.owned), int(row.released)) for row in tx.execute(_OF_SUBNETS)}
