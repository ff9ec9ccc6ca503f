"""The hosts of a network: those of its ports, and those whose agents serve it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, or_, select, union_all

from ipam import model
from ipam.store import scheduling, tables
from ipam.store.engine.database import Transaction

_port, _binding, _agent = tables.port, tables.port_binding, tables.agent
_AGENT_TYPE: Final = model.DHCP_AGENT_TYPE


@dataclass(frozen=True, slots=True)
class NetworkHost:
    """A host, and what its agent says of the network there."""

    host: str
    ports: int
    """How many of the network's ports are bound to it, or are to come."""
    heartbeat_at: int | None
    """In epoch seconds; None without an agent."""
    tunneling_ip: str | None
    port_filter: bool
    said: Mapping[str, Any] | None
    """The agent's `NetworkFacts` of any version; None if it says nothing of the network."""


def network_hosts(tx: Transaction, network_pk: int, network_id: str) -> Sequence[NetworkHost]:
    """By host name."""
    ports = {row.host: int(row.ports) for row in tx.execute(_ports_by_host(network_pk))}
    of_agents = select(
        *(_agent.c.host, _agent.c.heartbeat_at, _agent.c.tunneling_ip, _agent.c.port_filter),
        _agent.c.networks[network_id].label("said"),
    ).where(
        _agent.c.agent_type == _AGENT_TYPE,
        or_(
            _agent.c.host.in_(ports),
            _agent.c.pk.in_(scheduling.agent_pks(tx, network_pk)),
        ),
    )
    found = {
        row.host: NetworkHost(
            row.host,
            ports.get(row.host, 0),
            row.heartbeat_at,
            row.tunneling_ip,
            row.port_filter,
            row.said if isinstance(row.said, dict) else None,
        )
        for row in tx.execute(of_agents)
    }
    for host in ports.keys() - found.keys():
        found[host] = NetworkHost(host, ports[host], None, None, False, None)
    return [found[host] for host in sorted(found)]


def _ports_by_host(network_pk: int) -> Any:
    active = select(_port.c.binding_host_id.label("host"), _port.c.pk).where(
        _port.c.network_pk == network_pk,
        _port.c.binding_host_id != "",
        _port.c.device_owner != model.DHCP_PORT_OWNER,
    )
    arriving = (
        select(_binding.c.host, _port.c.pk)
        .join_from(_port, _binding, _binding.c.port_pk == _port.c.pk)
        .where(_port.c.network_pk == network_pk)
    )
    bound = union_all(active, arriving).subquery()
    return select(bound.c.host, func.count().label("ports")).group_by(bound.c.host)
