"""What an agent's host has to serve, as the database has it now.

Served are the networks with a switched-on port bound to the agent's host, with the ports bound
there, and the networks scheduled to the agent, with their ports that are bound to no host. Bound
are also the ports that are to come, and those that have left for a host that does not serve them
yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    exists,
    false,
    func,
    insert,
    literal_column,
    not_,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ipam import model
from ipam.chunks import chunks
from ipam.store import port_bindings, scheduling, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

NETWORK: Final = 0
SUBNET: Final = 1
PORT: Final = 2
DHCP_PORT: Final = 3
UNSCHEDULED: Final = 4

_network, _subnet, _port = tables.network, tables.subnet, tables.port
_assigned, _binding = tables.network_dhcp_agent, tables.port_binding
_REPORTED = (
    *(_port.c.id, _port.c.pk, _port.c.revision_number),
    *(_port.c.device_id, _port.c.device_owner),
)
_IS_DHCP_PORT = _port.c.device_owner == model.DHCP_PORT_OWNER
_IS_OF_A_SERVER = _port.c.device_owner.startswith(model.COMPUTE_OWNER_PREFIX, autoescape=True)
# An index over every unbound port of the site must not be taken for this; the network's is.
_IS_UNBOUND = func.length(_port.c.binding_host_id) == 0


@dataclass(frozen=True, slots=True)
class Part:
    """One row that the answer for a network is made of, with its revision."""

    kind: int
    network_pk: int
    pk: int
    id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows behind the full answer for some networks."""

    networks: Sequence[Record]
    subnets: Sequence[Record]
    ports: Sequence[Record]
    addresses: Mapping[int, Sequence[tuple[str, bytes]]]
    """By port number: subnet id and packed address."""
    host: str
    """The agent's."""
    arriving: Mapping[int, Record]
    """Ports that come to the agent's host or leave it: by number, its binding there."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an agent's report came to."""

    ids: list[str]
    """Of the ports that it is true of."""
    just_now: list[Record]
    """Those of which it was not true before, with id, pk, device_id and device_owner."""

    def __add__(self, other: "Told") -> "Told":
        return Told(self.ids + other.ids, self.just_now + other.just_now)


def parts(tx: Transaction, agent: Record, *, agents_per_network: int) -> list[Part]:
    """Every row that matters to the agent, and the networks it could take; one statement.

    One statement sees one state of the database, whatever commits meanwhile.
    """
    statement = _parts(agent, agents_per_network)
    return [Part(*tuple(row)) for row in tx.execute(statement)]


def contents(tx: Transaction, agent: Record, wanted: Sequence[Part]) -> Contents:
    """The rows behind these parts, which are the agent's.

    Read after the parts: what changed in between is newer than the revisions in the parts, so the
    next look finds a difference and fetches again. The other way round it would be lost.
    """
    networks = _rows(tx, _network, [part.pk for part in wanted if part.kind == NETWORK])
    subnets = _rows(tx, _subnet, [part.pk for part in wanted if part.kind == SUBNET])
    port_pks = [part.pk for part in wanted if part.kind in (PORT, DHCP_PORT)]
    found, addresses = _rows(tx, _port, port_pks), _addresses(tx, port_pks)
    return Contents(networks, subnets, found, addresses, agent.host, _arriving(tx, agent))


def take(
    tx: Transaction, agent: Record, network_pks: Sequence[int], *, agents_per_network: int
) -> None:
    """Assign these networks to the agent where a slot is free; the unique keys settle the race."""
    used: dict[int, set[int]] = {pk: set() for pk in network_pks}
    for some in chunks(network_pks):
        query = select(_assigned.c.network_pk, _assigned.c.slot)
        for row in tx.execute(query.where(_assigned.c.network_pk.in_(some))):
            used[row.network_pk].add(row.slot)
    rows = []
    for pk, slots in used.items():
        free = [slot for slot in range(agents_per_network) if slot not in slots]
        rows += [{"network_pk": pk, "slot": slot, "agent_pk": agent.pk} for slot in free[:1]]
    if rows:
        tx.execute(_insert_unless_taken(tx.dialect), rows)


def living_agents(tx: Transaction, *, oldest_heartbeat: int) -> int:
    """How many agents could take a network."""
    agent = tables.agent
    usable = and_(agent.c.admin_state_up, agent.c.heartbeat_at >= oldest_heartbeat)
    return int(tx.execute(select(func.count()).select_from(agent).where(usable)).scalar_one())


def make_ready(tx: Transaction, agent: Record, revisions: Mapping[str, int]) -> Told:
    """Make those ports ACTIVE that have this revision still and are the agent's."""
    here = (_port.c.binding_host_id == agent.host) | _scheduled_unbound(agent)
    told = _set_status(tx, and_(here, _port.c.admin_state_up), revisions, model.ACTIVE)
    if told.just_now:
        port_bindings.settle(tx, [row.pk for row in told.just_now])
    return told + _expect(tx, agent, revisions, ready=True)


def make_down(tx: Transaction, agent: Record, revisions: Mapping[str, int]) -> Told:
    """Make those ports of the agent's host DOWN that have this revision still."""
    here = _port.c.binding_host_id == agent.host
    told = _set_status(tx, here, revisions, model.DOWN)
    expected = _expect(tx, agent, revisions, ready=False)
    return Told(told.ids + expected.ids, told.just_now)


def _set_status(
    tx: Transaction, mine: ColumnElement[bool], revisions: Mapping[str, int], status: str
) -> Told:
    ids = sorted(revisions)
    told = Told([], [])
    for some in chunks(ids):
        query = (
            select(*_REPORTED, _port.c.status)
            .where(_port.c.id.in_(some), mine)
            .order_by(_port.c.pk)  # all writers lock in one order
            .with_for_update()
        )
        rows = [r for r in tx.execute(query) if r.revision_number == revisions[r.id]]
        other = [row for row in rows if row.status != status]
        if other:
            these = _port.c.pk.in_([row.pk for row in other])
            tx.execute(update(_port).where(these).values(status=status))
        told += Told([row.id for row in rows], other)
    return told


def _expect(tx: Transaction, agent: Record, revisions: Mapping[str, int], *, ready: bool) -> Told:
    """Note whether the agent is ready for ports that are bound to its host inactively.

    What the port's status says is the business of the agent where it is active.
    """
    ids = sorted(revisions)
    found: list[Record] = []
    for some in chunks(ids):
        query = (
            select(*_REPORTED, _binding.c.ready)
            .join_from(_port, _binding, _binding.c.port_pk == _port.c.pk)
            .where(_port.c.id.in_(some), _binding.c.host == agent.host)
            .where(not_(_binding.c.leaving))
        )
        found += [r for r in tx.execute(query) if r.revision_number == revisions[r.id]]
    other = [row for row in found if row.ready != ready]
    return Told(
        [row.id for row in found],
        [row for row in other if _note_expected(tx, agent, row.pk, ready=ready)],
    )


def _note_expected(tx: Transaction, agent: Record, port_pk: int, *, ready: bool) -> bool:
    """Note it for one port; whether it is this report that made the difference."""
    other = (
        _binding.c.host == agent.host,
        _binding.c.port_pk == port_pk,
        _binding.c.ready != ready,
    )
    return tx.execute(update(_binding).where(*other).values(ready=ready)).rowcount > 0


def _parts(agent: Record, agents_per_network: int) -> Select[Any] | Any:
    scheduled = _scheduled(agent)
    served: CTE = union(
        select(_port.c.network_pk).where(
            _port.c.binding_host_id == agent.host, _port.c.admin_state_up, not_(_IS_DHCP_PORT)
        ),
        select(_port.c.network_pk)
        .join_from(_port, _binding, _binding.c.port_pk == _port.c.pk)
        .where(_binding.c.host == agent.host, _port.c.admin_state_up, not_(_IS_DHCP_PORT)),
        scheduled,
    ).cte("served")
    return union_all(
        _part(NETWORK, _network, _network.c.pk).join(served, served.c.network_pk == _network.c.pk),
        _part(SUBNET, _subnet).join(served, served.c.network_pk == _subnet.c.network_pk),
        _part(DHCP_PORT, _port)
        .join(served, served.c.network_pk == _port.c.network_pk)
        .where(_IS_DHCP_PORT),
        _part(PORT, _port).where(_port.c.binding_host_id == agent.host, not_(_IS_DHCP_PORT)),
        _part(PORT, _port)
        .join(_binding, _binding.c.port_pk == _port.c.pk)
        .where(_binding.c.host == agent.host, not_(_IS_DHCP_PORT)),
        _part(PORT, _port).where(_scheduled_unbound(agent), not_(_IS_DHCP_PORT)),
        _part(UNSCHEDULED, _network, _network.c.pk).where(
            _lacks_agents(agent, agents_per_network)
        ),
    )


def _part(kind: int, table: Any, network_pk: Any = None) -> Select[Any]:
    return select(
        literal_column(str(kind)).label("kind"),
        (table.c.network_pk if network_pk is None else network_pk).label("network_pk"),
        table.c.pk.label("pk"),
        table.c.id.label("id"),
        table.c.revision_number.label("revision"),
    )


def _scheduled(agent: Record) -> Select[Any]:
    """The networks assigned to the agent; none while it is switched off."""
    query = select(_assigned.c.network_pk)
    if not agent.admin_state_up:
        return query.where(false())
    return query.where(_assigned.c.agent_pk == agent.pk)


def _scheduled_unbound(agent: Record) -> Any:
    """Ports of the agent's networks that are bound to no host, as of machines without an agent.

    A server's port that is bound to none has no machine: the server is shelved.
    """
    return and_(_port.c.network_pk.in_(_scheduled(agent)), _IS_UNBOUND, not_(_IS_OF_A_SERVER))


def _lacks_agents(agent: Record, agents_per_network: int) -> Any:
    mine = and_(_assigned.c.network_pk == _network.c.pk, _assigned.c.agent_pk == agent.pk)
    all_of_network = (
        select(func.count())
        .select_from(_assigned)
        .where(_assigned.c.network_pk == _network.c.pk)
        .scalar_subquery()
    )
    has_dhcp = and_(_subnet.c.network_pk == _network.c.pk, _subnet.c.enable_dhcp)
    return and_(
        scheduling.may_take(agent),
        all_of_network < agents_per_network,
        not_(exists().where(mine)),
        exists().where(has_dhcp),
    )


def _rows(tx: Transaction, table: Any, pks: Sequence[int]) -> list[Record]:
    found: list[Record] = []
    for some in chunks(sorted(pks)):
        found += tx.execute(select(table).where(table.c.pk.in_(some)).order_by(table.c.pk)).all()
    return found


def _addresses(tx: Transaction, port_pks: Sequence[int]) -> dict[int, list[tuple[str, bytes]]]:
    owned = tables.ip_address
    found: dict[int, list[tuple[str, bytes]]] = {pk: [] for pk in port_pks}
    for some in chunks(sorted(port_pks)):
        query = (
            select(owned.c.owner_pk, owned.c.ip, _subnet.c.id)
            .join_from(owned, _subnet, _subnet.c.pk == owned.c.subnet_pk)
            .where(owned.c.owner_pk.in_(some))
            .order_by(owned.c.subnet_pk, owned.c.ip)
        )
        for row in tx.execute(query):
            found[row.owner_pk].append((row.id, row.ip))
    return found


def _arriving(tx: Transaction, agent: Record) -> dict[int, Record]:
    query = select(_binding).where(_binding.c.host == agent.host)
    return {row.port_pk: row for row in tx.execute(query)}


def _insert_unless_taken(dialect: str) -> Any:
    """An INSERT that leaves out rows whose key is taken; each database has its own word for it."""
    match dialect:
        case "postgresql":
            return postgresql.insert(_assigned).on_conflict_do_nothing()
        case "sqlite":
            return sqlite.insert(_assigned).on_conflict_do_nothing()
        case _:
            return insert(_assigned).prefix_with("IGNORE")
