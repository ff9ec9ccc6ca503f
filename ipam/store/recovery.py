"""What is kept of the last restore, and what a restored service has to compare.

While a recovery is not finished, no subnet has a cursor, so that the allocator finds no address:
not even in a process that has run all the while.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.errors import ServiceRecovering
from ipam.rules.recovery import Place, Port
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_T, _REPORT, _AGENT = tables.recovery, tables.recovery_report, tables.agent
_PORT, _NETWORK, _SUBNET, _IP = tables.port, tables.network, tables.subnet, tables.ip_address

PK: Final = 1
MESSAGE: Final = (
    "A backup was restored, and the service hears from the agents first what their hosts hold, so"
    " that no address is given twice. Nothing can be changed until then: `ipam recover status`."
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """The last restore."""

    id: str
    made_at: int
    """When the backup was made, in seconds since 1970; also the next one."""
    restored_at: int
    finished_at_us: int | None
    """None while the service is recovering."""
    findings: Mapping[str, Any]

    @property
    def is_over(self) -> bool:
        return self.finished_at_us is not None


@dataclass(frozen=True, slots=True)
class Heard:
    """Who has told what the host holds, and who not yet."""

    hosts: Sequence[str]
    missing: Sequence[str]
    last_at: int
    """When the last one told, in seconds since 1970; 0 if none did."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What the database has, as far as reports are compared with it."""

    ports: Mapping[str, Port]
    pks: Mapping[str, int]
    networks: Mapping[str, Record]
    """By id: pk, project_id."""
    subnets: Mapping[str, Record]
    """By id: pk, cidr, network_id."""
    spans: Mapping[str, Sequence[tuple[str, bytes, bytes]]]
    """By network id, the id of each subnet with its first and last address."""
    ranges: Mapping[str, Sequence[tuple[bytes, bytes]]]
    """Dynamic ranges by subnet id."""

    def place(self, network_id: str, ip: bytes) -> Place | None:
        """The address with the subnet that it is in."""
        spans = self.spans.get(network_id, ())
        return next(((subnet, ip) for subnet, low, high in spans if low <= ip <= high), None)

    def is_dynamic(self, place: Place) -> bool:
        """Whether the address is in a dynamic range."""
        return any(low <= place[1] <= high for low, high in self.ranges.get(place[0], ()))


GOES_ON: Final = select(_T.c.pk).where(_T.c.finished_at_us.is_(None)).limit(1)
"""A row while the service is recovering."""


def begin(tx: Transaction, *, made_at: int, restored_at: int) -> Recovery:
    """Say that a backup was restored."""
    tx.execute(delete(_T))
    row = {"id": model.new_id(), "made_at": made_at, "restored_at": restored_at, "findings": {}}
    tx.execute(insert(_T).values(pk=PK, **row))
    return Recovery(finished_at_us=None, **row)  # type: ignore[arg-type]


def read(tx: Transaction, *, lock: bool = False) -> Recovery | None:
    """The last restore, locked until the transaction ends if asked for; None if there was none."""
    query = select(*(column for column in _T.c if column is not _T.c.pk))
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Recovery(**row._asdict())


def goes_on(tx: Transaction) -> bool:
    """Whether the service is recovering."""
    return tx.execute(GOES_ON).first() is not None


def refuse_if_going_on(tx: Transaction) -> None:
    """Raise ServiceRecovering while the service is recovering."""
    if goes_on(tx):
        raise ServiceRecovering(MESSAGE)


def heard(tx: Transaction, recovery: Recovery, *, agent_down_time: int) -> Heard:
    """Who has told, of the agents that lived when the backup was made or that came since."""
    query = select(_AGENT.c.host, _AGENT.c.recovery_id).where(
        _AGENT.c.agent_type == model.DHCP_AGENT_TYPE,
        _AGENT.c.heartbeat_at >= recovery.made_at - agent_down_time,
    )
    rows = tx.execute(query.order_by(_AGENT.c.host)).all()
    last = tx.execute(select(func.max(_REPORT.c.received_at))).scalar_one_or_none()
    return Heard(
        [row.host for row in rows if row.recovery_id == recovery.id],
        [row.host for row in rows if row.recovery_id != recovery.id],
        last or 0,
    )


def keep_part(tx: Transaction, host: str, part: int, contents: bytes) -> None:
    """Keep a part of a host's report. The first one takes the place of an earlier report."""
    mine = _REPORT.c.host == host
    tx.execute(delete(_REPORT).where(mine, _REPORT.c.part >= part))
    packed = zlib.compress(contents, 1)
    row = {"host": host, "part": part, "received_at": clock.now_seconds(), "contents": packed}
    tx.execute(insert(_REPORT).values(row))


def parts(tx: Transaction, hosts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The parts of these hosts' reports, each with its host."""
    for host in hosts:
        query = select(_REPORT.c.contents).where(_REPORT.c.host == host).order_by(_REPORT.c.part)
        for contents in tx.execute(query).scalars().all():
            yield host, zlib.decompress(contents)


def note_told(tx: Transaction, agent_pk: int, recovery_id: str) -> None:
    """The agent has told everything."""
    tx.execute(update(_AGENT).where(_AGENT.c.pk == agent_pk).values(recovery_id=recovery_id))


def forget_reports(tx: Transaction, hosts: Sequence[str]) -> None:
    """Delete the reports of these hosts: they were compared."""
    for some in alternatives(sorted(hosts)):
        tx.execute(delete(_REPORT).where(_REPORT.c.host.in_(some)))


def subnet_pks(tx: Transaction) -> Sequence[int]:
    """The numbers of all subnets."""
    return tx.execute(select(_SUBNET.c.pk).order_by(_SUBNET.c.pk)).scalars().all()


def note(tx: Transaction, findings: Mapping[str, Any], *, is_over: bool) -> None:
    """Keep what was found, and end the recovery if it is over."""
    values: dict[str, Any] = {"findings": dict(findings)}
    if is_over:
        values["finished_at_us"] = clock.now_microseconds()
    tx.execute(update(_T).values(values))


def estate(tx: Transaction, recovery: Recovery) -> Estate:
    """What the database has. Revisions are those that the agents know."""
    networks = {
        row.id: row
        for row in tx.execute(select(_NETWORK.c.id, _NETWORK.c.pk, _NETWORK.c.project_id))
    }
    subnets = {
        row.id: row
        for row in tx.execute(
            select(
                _SUBNET.c.id, _SUBNET.c.pk, _SUBNET.c.cidr, _NETWORK.c.id.label("network_id")
            ).join(_NETWORK, _NETWORK.c.pk == _SUBNET.c.network_pk)
        )
    }
    ids = {row.pk: row.id for row in subnets.values()}
    spans: dict[str, list[tuple[str, bytes, bytes]]] = {}
    for row in subnets.values():
        net = ip_network(row.cidr)
        span = (row.id, net.network_address.packed, net.broadcast_address.packed)
        spans.setdefault(row.network_id, []).append(span)
    addresses: dict[int, set[Place]] = {}
    owned = select(_IP.c.owner_pk, _IP.c.subnet_pk, _IP.c.ip).where(_IP.c.owner_pk.is_not(None))
    for owner_pk, subnet_pk, ip in tx.execute(owned):
        addresses.setdefault(owner_pk, set()).add((ids[subnet_pk], bytes(ip)))
    ports, pks = {}, {}
    for row in tx.execute(_PORTS):
        pks[row.id] = row.pk
        ports[row.id] = Port(
            id=row.id,
            network_id=row.network_id,
            mac_address=row.mac_address,
            host=row.binding_host_id,
            revision=row.revision_number - recovery.restored_at,
            addresses=frozenset(addresses.get(row.pk, ())),
            is_dhcp=row.device_owner == model.DHCP_PORT_OWNER,
        )
    ranges: dict[str, list[tuple[bytes, bytes]]] = {}
    for subnet_pk, first, last in tx.execute(select(tables.dynamic_range)):
        ranges.setdefault(ids[subnet_pk], []).append((bytes(first), bytes(last)))
    return Estate(ports, pks, networks, subnets, spans, ranges)


_PORTS: Final = select(
    _PORT.c.id,
    _PORT.c.pk,
    _PORT.c.mac_address,
    _PORT.c.binding_host_id,
    _PORT.c.revision_number,
    _PORT.c.device_owner,
    _NETWORK.c.id.label("network_id"),
).join(_NETWORK, _NETWORK.c.pk == _PORT.c.network_pk)


def leases_of(tx: Transaction, host: str) -> Sequence[Record]:
    """The leases that the host gave, as far as the database knows."""
    lease = tables.lease
    return tx.execute(
        select(lease).where(lease.c.host == host, lease.c.source == model.DHCP_LEASE)
    ).all()
