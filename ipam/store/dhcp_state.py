"""What an agent's host has to serve, from the database.

An agent serves the networks with a switched-on port bound to its host, with the ports bound there,
and the networks scheduled to it, with their ports that are bound to no host. A port that moves
from one host to another counts as bound to both, until the new host serves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, literal_column, not_, select, union_all

from ipam import model
from ipam.chunks import alternatives
from ipam.store import scheduling, served_networks, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

NETWORK: Final = 0
SUBNET: Final = 1
PORT: Final = 2
DHCP_PORT: Final = 3
UNSCHEDULED: Final = 4

_network, _subnet = tables.network, tables.subnet
_port, _binding = tables.port, tables.port_binding
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


def parts(tx: Transaction, agent: Record, *, agents_per_network: int) -> list[Part]:
    """Every row that matters to the agent, and the networks it could take. Runs one statement.

    One statement sees one state of the database, whatever commits meanwhile.
    """
    statement = _parts(agent, agents_per_network)
    return [Part(*tuple(row)) for row in tx.execute(statement)]


def contents(tx: Transaction, agent: Record, wanted: Sequence[Part]) -> Contents:
    """The rows behind these parts, which are the agent's.

    Call this after `parts`. A change in between is then newer than the revisions in the parts, so
    the next poll sees a difference and fetches again. In the other order it would be lost.
    """
    networks = _rows(tx, _network, [part.pk for part in wanted if part.kind == NETWORK])
    subnets = _rows(tx, _subnet, [part.pk for part in wanted if part.kind == SUBNET])
    port_pks = [part.pk for part in wanted if part.kind in (PORT, DHCP_PORT)]
    found, addresses = _rows(tx, _port, port_pks), _addresses(tx, port_pks)
    return Contents(networks, subnets, found, addresses, agent.host, _arriving(tx, agent))


def _parts(agent: Record, agents_per_network: int) -> Select[Any] | Any:
    served = served_networks.of_host(agent)
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
        _part(PORT, _port).where(scheduling.unbound_ports_of(agent), not_(_IS_DHCP_PORT)),
        _part(UNSCHEDULED, _network, _network.c.pk).where(
            scheduling.lacks_agents(agent, agents_per_network)
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


def _rows(tx: Transaction, table: Any, pks: Sequence[int]) -> list[Record]:
    found: list[Record] = []
    for some in alternatives(sorted(pks)):
        found += tx.execute(select(table).where(table.c.pk.in_(some)).order_by(table.c.pk)).all()
    return found


def _addresses(tx: Transaction, port_pks: Sequence[int]) -> dict[int, list[tuple[str, bytes]]]:
    owned = tables.ip_address
    found: dict[int, list[tuple[str, bytes]]] = {pk: [] for pk in port_pks}
    for some in alternatives(sorted(port_pks)):
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
