"""Counts of the whole database, for metrics."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import func, select

from ipam.store import subnet_counters, tables
from ipam.store.engine.database import Transaction
from ipam.store.subnet_counters import Count

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
    subnet_counters.ALL_OWNED.scalar_subquery().label("owned"),
    select(func.count(_IP.free_at)).scalar_subquery().label("released"),
)
_RELEASED: Final = (
    select(_IP.subnet_pk, func.count().label("released"))
    .where(_IP.owner_pk.is_(None), _IP.free_at >= 0)
    .group_by(_IP.subnet_pk)
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
    fenced: int
    """DHCP packets and router advertisements that were kept from passing to or from elsewhere."""


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
            _number(guard, "fenced"),
        )
    return found


def _number(said: object, name: str) -> int:
    value = said.get(name) if isinstance(said, dict) else None
    return value if isinstance(value, int) else 0


def of_subnets(tx: Transaction, now: int) -> Mapping[str, Mapping[str, int]]:
    """By subnet id: how many addresses are in each state.

    `owned` and `released` are those of the whole prefix, the others those of the pools.
    """
    counts = subnet_counters.current(tx, now)
    released = {row.subnet_pk: int(row.released) for row in tx.execute(_RELEASED)}
    sizes = subnet_counters.pool_sizes(tx)
    found = {}
    for pk, subnet_id in tx.execute(select(tables.subnet.c.pk, tables.subnet.c.id)):
        count = counts.get(pk, Count())
        free = max(0, sizes[pk] - count.used - count.cooling)
        found[subnet_id] = {**asdict(count), "released": released.get(pk, 0), "free": free}
    return found
