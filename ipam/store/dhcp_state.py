"""What an agent's host has to serve, from the database.

An agent serves the networks with a switched-on port bound to its host, with the ports bound there,
and the networks scheduled to it, with their ports that are bound to no host; where machines are
behind an uplink, the agent that is elected has those ports. A port that moves
from one host to another counts as bound to both, until the new host serves it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
)

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.rules.reach import may_answer
from ipam.rules.segments import VXLAN
from ipam.store import elections, scheduling, served_networks, subnet_ranges, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.kept_statements import OFTEN
from ipam.store.engine.listing import Record
from ipam.store.engine.row_hash import RowHash
from ipam.store.scheduling import AnyAgent

NETWORK: Final = 0
SUBNET: Final = 1
PORT: Final = 2
DHCP_PORT: Final = 3
UNSCHEDULED: Final = 4
SLOT: Final = 5
"""An agent of a network with dynamic ranges. The revision is its slot."""
WITHHELD: Final = 6
"""A port that others serve, with an address of a dynamic range."""
ENDING: Final = 7
"""A lease that somebody asked to end."""
PEER: Final = 8
"""Another host of a network with tunnels. The id is the address at which it is reached."""
RESTORED: Final = 9
"""The last restore of a backup. The revision is when its recovery ended, 0 while it goes on."""

ELECTED: Final = 10
"""A network behind whose uplink the agent may answer machines. The revision says since when."""

MOVING: Final = 11
"""A port with a binding to the agent's host, as one that moves there or away has it."""

APART: Final = (UNSCHEDULED, RESTORED)
"""The kinds of parts that are about no network which the agent serves."""
PORTS: Final = (PORT, DHCP_PORT, MOVING)

NO_NUMBER: Final = 0
"""No row has it."""
FORMS_KEPT: Final = 64
MICROSECONDS_PER_SECOND: Final = 1_000_000

_network, _subnet = tables.network, tables.subnet
_port, _binding = tables.port, tables.port_binding
_range, _owned = tables.dynamic_range, tables.ip_address
_PORT_COLUMNS: Final = (
    _port.c.pk,
    _port.c.network_pk,
    _port.c.id,
    _port.c.project_id,
    _port.c.name,
    _port.c.mac_address,
    _port.c.revision_number,
    _port.c.device_id,
    _port.c.device_owner,
    _port.c.admin_state_up,
    _port.c.status,
    _port.c.binding_host_id,
    _port.c.binding_vif_type,
    _port.c.dns_name,
    _port.c.extra_dhcp_opts,
    _port.c.port_security_enabled,
    _port.c.allowed_address_pairs,
)
_IS_DHCP_PORT = _port.c.device_owner == model.DHCP_PORT_OWNER


@dataclass(frozen=True, slots=True)
class Part:
    """One row that is part of the answer for a network, with its revision."""

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
    """The agent's host."""
    arriving: Mapping[int, Record]
    """Of ports that move to the agent's host or away from it: by number, the binding to it."""
    slots: Mapping[int, Mapping[int, int]]
    """By network with dynamic ranges and agent: the slot."""
    ranges: Mapping[int, Sequence[tuple[bytes, bytes]]]
    """Dynamic ranges by subnet."""
    withheld: Sequence[tuple[str, bytes]]
    """Subnet id and address of ports that others serve."""
    ending: Sequence[Record]
    """The leases to end."""
    elected: frozenset[int]
    """Numbers of networks behind whose uplinks the agent's host answers machines."""
    peers: Mapping[int, Sequence[str]]
    """By number of a network with tunnels, the addresses of its other hosts."""
    agent_pk: int


def summary(tx: Transaction, agent: Record, *, agents_per_network: int) -> list[Part]:
    """A part for each network that the agent serves, and those of `APART`. Runs one statement.

    The revision of a network's part stands for every row of the network that matters to the
    agent. One statement sees one state of the database, whatever commits meanwhile.
    """
    statement = _summary(agents_per_network, *_form(agent))
    return [
        Part(row.kind, row.network_pk, row.pk, row.id, int(row.rows_hash or row.revision))
        for row in tx.execute(statement, _parameters(agent))
        if row.id is not None
    ]


def parts(
    tx: Transaction, agent: Record, network_pks: Collection[int], *, agents_per_network: int
) -> tuple[list[Part], list[Part]]:
    """Of these networks what `summary` says, with a restore, and every row that matters.

    Each statement sees one state of the database: what it says and the rows belong together.
    """
    statement = _every_part(agents_per_network, *_form(agent))
    found: list[Part] = []
    sums: dict[int, int] = defaultdict(int)
    for some in alternatives(sorted(network_pks) or [NO_NUMBER]):
        for *row, row_hash in tx.execute(statement, {**_parameters(agent), "networks": some}):
            found.append(part := Part(*row))
            sums[part.network_pk] += row_hash
    served = {part.network_pk for part in found if part.kind == NETWORK}
    short = [part for part in found if part.kind == RESTORED]
    short += [
        replace(part, revision=sums[part.network_pk]) for part in found if part.kind == NETWORK
    ]
    return short, [part for part in found if part.kind != RESTORED and part.network_pk in served]


def numbers(tx: Transaction, network_ids: Collection[str]) -> list[int]:
    """The numbers of those of these networks that there are."""
    found: list[int] = []
    for some in alternatives(sorted(network_ids)):
        found += tx.execute(select(_network.c.pk).where(_network.c.id.in_(some))).scalars()
    return found


def contents(tx: Transaction, agent: Record, wanted: Sequence[Part]) -> Contents:
    """The rows behind these parts, which are the agent's.

    Call this after `parts`. A change in between is then newer than what they say, so the next poll
    sees a difference and fetches again. In the other order it would be lost.
    """
    networks = _rows(tx, _network, [part.pk for part in wanted if part.kind == NETWORK])
    subnets = _rows(tx, _subnet, [part.pk for part in wanted if part.kind == SUBNET])
    found, addresses = _ports(tx, {part.pk for part in wanted if part.kind in PORTS})
    slots: dict[int, dict[int, int]] = {}
    for part in wanted:
        if part.kind == SLOT:
            slots.setdefault(part.network_pk, {})[part.pk] = part.revision
    withheld = _addresses(tx, [part.pk for part in wanted if part.kind == WITHHELD])
    return Contents(
        networks,
        subnets,
        found,
        addresses,
        agent.host,
        _arriving(tx, agent) if any(part.kind == MOVING for part in wanted) else {},
        slots,
        subnet_ranges.dynamic_ranges(tx, [row.pk for row in subnets]) if slots else {},
        withheld,
        _rows(tx, tables.lease, [part.pk for part in wanted if part.kind == ENDING]),
        frozenset(part.network_pk for part in wanted if part.kind == ELECTED),
        _peers(wanted),
        agent.pk,
    )


def _form(agent: Record) -> tuple[bool, bool, bool]:
    return bool(agent.availability_zone), agent.admin_state_up, may_answer(agent.configurations)


def _parameters(agent: Record) -> dict[str, Any]:
    values = {"agent_pk": agent.pk, "agent_host": agent.host, "now": clock.now_seconds()}
    return values | scheduling.zone_parameter(agent)


@lru_cache(maxsize=FORMS_KEPT)
def _summary(agents_per_network: int, has_zone: bool, is_up: bool, answers: bool) -> Select[Any]:
    """Made once for each form: making it takes longer than reading 500 networks."""
    agent = AnyAgent(has_zone, is_up, answers)
    bound = _bound_ports(agent)
    every = union_all(
        *_parts_beside_bound_ports(agent, agents_per_network, bound=bound)
    ).subquery()
    is_apart = every.c.kind.in_(APART)
    of_others = select(
        case((is_apart, every.c.kind), else_=NETWORK).label("kind"),
        every.c.network_pk,
        case((or_(is_apart, every.c.kind == NETWORK), every.c.pk)).label("pk"),
        case((or_(is_apart, every.c.kind == NETWORK), every.c.id)).label("id"),
        every.c.revision,
        case((not_(is_apart), _row_hash(every)), else_=0).label("row_hash"),
    )
    of_ports = select(
        literal_column(str(NETWORK)),
        bound.c.network_pk,
        null(),
        null(),
        literal_column("0"),
        bound.c.rows_hash,
    )
    row = union_all(of_others, of_ports).subquery()
    summed = select(
        row.c.kind,
        row.c.network_pk,
        func.max(row.c.pk).label("pk"),
        func.max(row.c.id).label("id"),
        func.max(row.c.revision).label("revision"),
        func.sum(row.c.row_hash).label("rows_hash"),
    )
    # PostgreSQL takes far longer to plan it than to run it.
    return summed.prefix_with(OFTEN).group_by(row.c.kind, row.c.network_pk)


@lru_cache(maxsize=FORMS_KEPT)
def _every_part(
    agents_per_network: int, has_zone: bool, is_up: bool, answers: bool
) -> Select[Any]:
    these: Any = bindparam("networks", expanding=True)
    every = _parts(AnyAgent(has_zone, is_up, answers), agents_per_network, these).subquery()
    found = select(every, _row_hash(every).label("row_hash")).where(
        or_(
            every.c.kind == RESTORED,
            and_(every.c.kind.not_in(APART), every.c.network_pk.in_(these)),
        )
    )
    return found.prefix_with(OFTEN)  # as above; lists have few lengths, see `alternatives`


def _row_hash(part: Subquery) -> RowHash:
    return RowHash(part.c.id, part.c.kind, part.c.revision)


def _parts(agent: Any, agents_per_network: int, among: BindParameter[Any]) -> Any:
    return union_all(
        _part(PORT, _port).where(*served_networks.bound_ports_of(agent)),
        *_parts_beside_bound_ports(agent, agents_per_network, among=among),
    )


def _bound_ports(agent: Any) -> CTE:
    """The ports that are bound to the agent's host, summed up by network in one look at them."""
    is_up = func.max(case((_port.c.admin_state_up, 1), else_=0))
    rows_hash = func.sum(RowHash(_port.c.id, literal_column(str(PORT)), _port.c.revision_number))
    return (
        select(_port.c.network_pk, is_up.label("is_up"), rows_hash.label("rows_hash"))
        .where(*served_networks.bound_ports_of(agent))
        .group_by(_port.c.network_pk)
        .cte("bound")
    )


def _parts_beside_bound_ports(
    agent: Any,
    agents_per_network: int,
    *,
    bound: CTE | None = None,
    among: BindParameter[Any] | None = None,
) -> Iterator[Select[Any]]:
    served = served_networks.of_host(agent, may_answer=agent.may_answer, bound=bound, among=among)
    yield from (
        _part(NETWORK, _network, _network.c.pk).join(served, served.c.network_pk == _network.c.pk),
        _part(SUBNET, _subnet).join(served, served.c.network_pk == _subnet.c.network_pk),
        _part(DHCP_PORT, _port)
        .join(served, served.c.network_pk == _port.c.network_pk)
        .where(_IS_DHCP_PORT),
        _part(MOVING, _port)
        .join(_binding, _binding.c.port_pk == _port.c.pk)
        .where(_binding.c.host == agent.host, not_(_IS_DHCP_PORT)),
        _part(PORT, _port).where(scheduling.unbound_ports_of(agent), not_(_IS_DHCP_PORT)),
        _part(UNSCHEDULED, _network, _network.c.pk).where(
            scheduling.lacks_agents(agent, agents_per_network)
        ),
        _slots(agent),
        _part(WITHHELD, _port).where(_port.c.pk.in_(_in_ranges()), *_of_others(agent)),
        _ending(agent),
        *_of_uplinks(agent),
        *_hosts_of_tunnels(served, agent),
        _restored(),
    )


def _restored() -> Select[Any]:
    restore = tables.recovery
    return select(
        literal_column(str(RESTORED)),
        restore.c.pk,
        restore.c.pk,
        restore.c.id,
        func.coalesce(restore.c.finished_at_us, 0),
    )


def _of_uplinks(agent: Any) -> Iterator[Select[Any]]:
    """What is behind uplinks, for an agent that may be elected.

    The networks are those for which it has to wait for no other's end.
    """
    if not agent.may_answer:
        return
    yield _part(PORT, _port).where(elections.ports_of(agent))
    elected = tables.elected_agent
    yield select(
        literal_column(str(ELECTED)),
        elected.c.network_pk,
        elected.c.network_pk,
        literal_column("''"),
        elected.c.elected_at,
    ).where(
        elected.c.network_pk.in_(elections.networks_of(agent)),
        elected.c.opens_at <= bindparam("now", type_=BigInteger()),
    )


def _hosts_of_tunnels(served: CTE, agent: Record) -> Iterator[Select[Any]]:
    """The other hosts with ports of the agent's networks that have tunnels.

    A migration's target counts as soon as it is prepared, and a dead agent's host as long as ports
    are bound to it: its machines go on.
    """
    other = tables.agent
    tunneled = (
        select(
            literal_column(str(PEER)),
            served.c.network_pk,
            other.c.pk,
            other.c.tunneling_ip,
            literal_column("0"),
        )
        .distinct()
        .select_from(served)
        .join(_network, _network.c.pk == served.c.network_pk)
        .join(_port, _port.c.network_pk == _network.c.pk)
        .where(
            _network.c.provider_network_type == VXLAN,
            other.c.tunneling_ip.is_not(None),
            other.c.host != agent.host,
        )
    )
    yield tunneled.join(other, other.c.host == _port.c.binding_host_id)
    yield tunneled.join(_binding, _binding.c.port_pk == _port.c.pk).join(
        other, other.c.host == _binding.c.host
    )


def _peers(wanted: Sequence[Part]) -> dict[int, list[str]]:
    found: dict[int, set[str]] = {}
    for part in wanted:
        if part.kind == PEER:
            found.setdefault(part.network_pk, set()).add(part.id)
    return {network_pk: sorted(ips) for network_pk, ips in found.items()}


def _slots(agent: Record) -> Select[Any]:
    """The agents of the agent's networks with dynamic ranges."""
    assigned = tables.network_dhcp_agent
    dynamic = select(_subnet.c.network_pk).join(_range, _range.c.subnet_pk == _subnet.c.pk)
    return select(
        literal_column(str(SLOT)),
        assigned.c.network_pk,
        assigned.c.agent_pk,
        literal_column("''"),
        assigned.c.slot,
    ).where(
        assigned.c.network_pk.in_(dynamic),
        assigned.c.network_pk.in_(scheduling.networks_of(agent)),
    )


def _in_ranges() -> Select[Any]:
    """The ports with an address of a dynamic range."""
    inside = and_(
        _range.c.subnet_pk == _owned.c.subnet_pk,
        _owned.c.ip.between(_range.c.first, _range.c.last),
    )
    return select(_owned.c.owner_pk).join(_range, inside).where(_owned.c.owner_pk.is_not(None))


def _of_others(agent: Any) -> Iterator[ColumnElement[bool]]:
    """Conditions of ports that the agent's host does not serve, in the agent's networks."""
    yield _port.c.network_pk.in_(scheduling.networks_of(agent))
    yield _port.c.binding_host_id != agent.host
    yield not_(scheduling.unbound_ports_of(agent))
    if agent.may_answer:
        yield not_(elections.ports_of(agent))


def _ending(agent: Record) -> Select[Any]:
    lease, asked = tables.lease, tables.lease_release
    return (
        select(
            literal_column(str(ENDING)), _network.c.pk, lease.c.pk, lease.c.id, asked.c.asked_at
        )
        .select_from(asked)
        .join(lease, lease.c.pk == asked.c.lease_pk)
        .join(_network, _network.c.id == lease.c.network_id)
        .where(lease.c.host == agent.host)
        # A machine that asked again since, has a lease of its own now.
        .where(lease.c.first_seen_at_us < (asked.c.asked_at + 1) * MICROSECONDS_PER_SECOND)
    )


def _part(kind: int, table: Any, network_pk: Any = None) -> Select[Any]:
    return select(
        literal_column(str(kind)).label("kind"),
        (table.c.network_pk if network_pk is None else network_pk).label("network_pk"),
        table.c.pk.label("pk"),
        table.c.id.label("id"),
        table.c.revision_number.label("revision"),
    )


def _rows(tx: Transaction, table: Any, pks: Sequence[int]) -> list[Record]:
    found: list[Record] = []
    for some in alternatives(sorted(pks)):
        found += tx.execute(select(table).where(table.c.pk.in_(some)).order_by(table.c.pk)).all()
    return found


def _ports(
    tx: Transaction, port_pks: Collection[int]
) -> tuple[list[Record], dict[int, list[tuple[str, bytes]]]]:
    """The rows of ports, and subnet id and address of each of theirs, by number: one statement."""
    found: dict[int, Record] = {}
    addresses: dict[int, list[tuple[str, bytes]]] = {}
    query = (
        select(*_PORT_COLUMNS, _owned.c.ip, _subnet.c.id.label("subnet_id"))
        .outerjoin_from(_port, _owned, _owned.c.owner_pk == _port.c.pk)
        .outerjoin(_subnet, _subnet.c.pk == _owned.c.subnet_pk)
        .order_by(_port.c.pk, _owned.c.subnet_pk, _owned.c.ip)
    )
    for some in alternatives(sorted(port_pks)):
        for row in tx.execute(query.where(_port.c.pk.in_(some))):
            found[row.pk] = row
            of_port = addresses.setdefault(row.pk, [])
            if row.ip is not None:
                of_port.append((row.subnet_id, row.ip))
    return [*found.values()], addresses


def _addresses(tx: Transaction, port_pks: Sequence[int]) -> list[tuple[str, bytes]]:
    """Subnet id and address of each of these ports'."""
    found: list[tuple[str, bytes]] = []
    for some in alternatives(sorted(port_pks)):
        query = (
            select(_subnet.c.id, _owned.c.ip)
            .join_from(_owned, _subnet, _subnet.c.pk == _owned.c.subnet_pk)
            .where(_owned.c.owner_pk.in_(some))
            .order_by(_owned.c.owner_pk, _owned.c.subnet_pk, _owned.c.ip)
        )
        found += [(row.id, row.ip) for row in tx.execute(query)]
    return found


def _arriving(tx: Transaction, agent: Record) -> dict[int, Record]:
    query = select(_binding).where(_binding.c.host == agent.host)
    return {row.port_pk: row for row in tx.execute(query)}
