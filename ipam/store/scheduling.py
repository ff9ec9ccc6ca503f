"""Statements on which agents serve which networks, and on availability zones.

`network_dhcp_agent` says which agents serve a network's unbound ports, but where one is elected.
Agents take networks by themselves (`take`), and an admin may add and remove them.
`network_dhcp_agent_barred` lists the agents from which an admin took a network, because they would
take it again a few seconds later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

from ipam import model
from ipam.chunks import alternatives
from ipam.rules.segments import OF_UPLINKS
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_AGENT, _NETWORK, _SUBNET = tables.agent, tables.network, tables.subnet
_PORT = tables.port
_ASSIGNED, _BARRED = tables.network_dhcp_agent, tables.network_dhcp_agent_barred
_IS_OF_A_SERVER = _PORT.c.device_owner.startswith(model.COMPUTE_OWNER_PREFIX, autoescape=True)
# Prevents an index over every unbound port of the site; the network's index is better.
_IS_UNBOUND = func.length(_PORT.c.binding_host_id) == 0
IS_OF_NO_HOST = and_(_IS_UNBOUND, not_(_IS_OF_A_SERVER))
"""Ports that are bound to no host, such as a bare metal machine's.

A server's port without a host is left out: the server is shelved and runs nowhere.
"""


@dataclass(frozen=True, slots=True)
class AnyAgent:
    """An agent of whose row only what changes the form of a statement is known."""

    has_zone: bool
    admin_state_up: bool = True
    may_answer: bool = True
    pk: Any = field(default_factory=lambda: bindparam("agent_pk", type_=BigInteger()))
    host: Any = field(default_factory=lambda: bindparam("agent_host", type_=String()))
    hint: Any = field(default_factory=lambda: bindparam("agent_hint", type_=String()))
    """A hint on its zone."""


def zone_parameter(agent: Record) -> dict[str, str]:
    """The parameter `agent_hint` of a statement that was made for `AnyAgent`."""
    return {"agent_hint": hints_text([agent.availability_zone or ""])}


def agent_pks(tx: Transaction, network_pk: int) -> list[int]:
    """The agents that serve a network."""
    return _numbers(tx, select(_ASSIGNED.c.agent_pk).where(_ASSIGNED.c.network_pk == network_pk))


def hosts(tx: Transaction, network_pk: int) -> list[str]:
    """The hosts of the agents that the network is assigned to."""
    query = select(_AGENT.c.host).join(_ASSIGNED, _ASSIGNED.c.agent_pk == _AGENT.c.pk)
    return list(tx.execute(query.where(_ASSIGNED.c.network_pk == network_pk)).scalars())


def network_pks(tx: Transaction, agent_pk: int) -> list[int]:
    """The networks that an agent serves for their unbound ports."""
    return _numbers(tx, select(_ASSIGNED.c.network_pk).where(_ASSIGNED.c.agent_pk == agent_pk))


def assign(tx: Transaction, network_pk: int, agent_pk: int) -> bool:
    """Let the agent serve the network; whether that is new.

    Of two callers at once, the keys let one insert. The other raises IntegrityError.
    """
    rows = tx.execute(select(_ASSIGNED).where(_ASSIGNED.c.network_pk == network_pk)).all()
    if any(row.agent_pk == agent_pk for row in rows):
        return False
    slot = _free_slot({row.slot for row in rows})
    new = {"network_pk": network_pk, "slot": slot, "agent_pk": agent_pk}
    tx.execute(insert(_ASSIGNED).values(new))
    tx.execute(delete(_BARRED).where(_is(_BARRED, network_pk, agent_pk)))
    return True


def withdraw(tx: Transaction, network_pk: int, agent_pk: int, *, is_elected: bool = False) -> bool:
    """Take the network from the agent and bar it from taking it again; whether it had it.

    So does one that is elected for the network.
    """
    gone = tx.execute(delete(_ASSIGNED).where(_is(_ASSIGNED, network_pk, agent_pk))).rowcount
    if gone or is_elected:
        tx.execute(insert(_BARRED).values(network_pk=network_pk, agent_pk=agent_pk))
    return gone > 0 or is_elected


def may_take(agent: Record) -> ColumnElement[bool]:
    """Networks that do not bar the agent, with no zone hints or with a hint on its zone.

    Of those on an interface of a host (`rules.mappings.of_host`), only its own host's.
    """
    hints = _NETWORK.c.availability_zone_hints
    in_zone = hints == ""
    if (hint := _hint_on(agent)) is not None:
        # replace() is case-sensitive on every database, LIKE is not.
        in_zone = or_(in_zone, func.replace(hints, hint, "") != hints)
    barred = select(_BARRED.c.network_pk).where(_BARRED.c.agent_pk == agent.pk)
    physical = _NETWORK.c.provider_physical_network
    on_no_host = or_(physical.is_(None), not_(physical.contains(":")))
    is_its = or_(on_no_host, is_on_host(agent.host))
    return and_(in_zone, _NETWORK.c.pk.not_in(barred), is_its)


def _hint_on(agent: Any) -> Any:
    """A hint on the agent's zone, as text or as a parameter; None without a zone."""
    if isinstance(agent, AnyAgent):
        return agent.hint if agent.has_zone else None
    return hints_text([agent.availability_zone]) if agent.availability_zone else None


def is_on_host(host: Any) -> ColumnElement[bool]:
    """Networks that are on an interface of this host. `host` is a name, or a parameter."""
    line = literal("\n") + _NETWORK.c.provider_physical_network
    # A line end is in no name, so that only a whole name is found.
    return func.replace(line, literal("\n") + type_coerce(host, String) + ":", "") != line


def networks_of(agent: Record) -> Select[Any]:
    """The networks assigned to the agent; none while it is switched off."""
    query = select(_ASSIGNED.c.network_pk)
    if not agent.admin_state_up:
        return query.where(false())
    return query.where(_ASSIGNED.c.agent_pk == agent.pk)


def unbound_ports_of(agent: Record) -> ColumnElement[bool]:
    """Ports of the agent's networks that are bound to no host.

    Of networks with uplinks there are none: those ports are for the agent that is elected.
    """
    of_uplinks = _NETWORK.c.provider_network_type.in_(OF_UPLINKS)
    kept = networks_of(agent).join(_NETWORK, _NETWORK.c.pk == _ASSIGNED.c.network_pk)
    without = kept.where(or_(_NETWORK.c.provider_network_type.is_(None), not_(of_uplinks)))
    return and_(_PORT.c.network_pk.in_(without), IS_OF_NO_HOST)


def lacks_agents(agent: Record, agents_per_network: int) -> ColumnElement[bool]:
    """Networks with DHCP that have fewer agents than wanted and that this agent may take."""
    mine = and_(_ASSIGNED.c.network_pk == _NETWORK.c.pk, _ASSIGNED.c.agent_pk == agent.pk)
    # Not a count for each network, which every poll of every agent would pay for.
    enough = (
        select(_ASSIGNED.c.network_pk)
        .group_by(_ASSIGNED.c.network_pk)
        .having(func.count() >= agents_per_network)
    )
    has_dhcp = and_(_SUBNET.c.network_pk == _NETWORK.c.pk, _SUBNET.c.enable_dhcp)
    return and_(
        _NETWORK.c.pk.not_in(enough),  # first, because nearly all networks have enough
        may_take(agent),
        not_(exists().where(mine)),
        exists().where(has_dhcp),
    )


def take(
    tx: Transaction, agent: Record, network_pks: Sequence[int], *, agents_per_network: int
) -> None:
    """Assign these networks to the agent where a slot is free. Unique keys decide a race."""
    used: dict[int, set[int]] = {pk: set() for pk in network_pks}
    for some in alternatives(network_pks):
        query = select(_ASSIGNED.c.network_pk, _ASSIGNED.c.slot)
        for row in tx.execute(query.where(_ASSIGNED.c.network_pk.in_(some))):
            used[row.network_pk].add(row.slot)
    rows = [
        {"network_pk": pk, "slot": _free_slot(slots), "agent_pk": agent.pk}
        for pk, slots in used.items()
        if _free_slot(slots) < agents_per_network
    ]
    if rows:
        tx.execute(_insert_unless_taken(tx.dialect), rows)


def is_usable(oldest_heartbeat: Any) -> ColumnElement[bool]:
    """Agents that are switched on and live. `oldest_heartbeat` is a time, or a parameter."""
    return and_(_AGENT.c.admin_state_up, _AGENT.c.heartbeat_at >= oldest_heartbeat)


def living_agents(tx: Transaction, *, oldest_heartbeat: int) -> int:
    """How many agents could take a network."""
    usable = is_usable(oldest_heartbeat)
    return int(tx.execute(select(func.count()).select_from(_AGENT).where(usable)).scalar_one())


def hints_text(zones: Sequence[str]) -> str:
    """Zones as text for the column `availability_zone_hints`: `,zone-1,,zone-2,`."""
    return "".join(f",{zone}," for zone in dict.fromkeys(zones))


def hints_of(text: str) -> tuple[str, ...]:
    """The zones in such a text."""
    return tuple(zone for zone in text.split(",") if zone)


def unknown_zones(tx: Transaction, zones: Sequence[str]) -> list[str]:
    """The zones in which there is no agent. Runs no statement without zones."""
    if not zones:
        return []
    known = select(_AGENT.c.availability_zone).where(_AGENT.c.availability_zone.in_(zones))
    return sorted(set(zones) - set(tx.execute(known).scalars()))


def zones(tx: Transaction) -> Mapping[str, bool]:
    """Every zone that has an agent, and whether one of its agents is switched on."""
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


def _free_slot(used: Collection[int]) -> int:
    """The lowest slot that is not used."""
    return next(slot for slot in count() if slot not in used)


def _numbers(tx: Transaction, statement: Select[Any]) -> list[int]:
    return sorted(tx.execute(statement).scalars())


def _is(table: Any, network_pk: int, agent_pk: int) -> ColumnElement[bool]:
    return and_(table.c.network_pk == network_pk, table.c.agent_pk == agent_pk)


def _insert_unless_taken(dialect: str) -> Any:
    """An INSERT that skips rows whose key is taken, in the dialect's syntax."""
    match dialect:
        case "postgresql":
            return postgresql.insert(_ASSIGNED).on_conflict_do_nothing()
        case "sqlite":
            return sqlite.insert(_ASSIGNED).on_conflict_do_nothing()
        case _:
            return insert(_ASSIGNED).prefix_with("IGNORE")
