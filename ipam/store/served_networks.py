"""Which networks an agent's host serves.

Those of ports bound there, those scheduled to it, and those for which it is elected.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import CTE, BindParameter, ColumnElement, Select, exists, not_, or_, select, union

from ipam import model
from ipam.chunks import alternatives
from ipam.store import elections, scheduling, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_network, _port, _binding = tables.network, tables.port, tables.port_binding
_IS_DHCP_PORT: Final[ColumnElement[bool]] = _port.c.device_owner == model.DHCP_PORT_OWNER


def bound_ports_of(agent: Record) -> tuple[ColumnElement[bool], ...]:
    """Conditions of the ports that are bound to the agent's host."""
    return _port.c.binding_host_id == agent.host, not_(_IS_DHCP_PORT)


def of_host(
    agent: Record,
    *,
    may_answer: bool,
    bound: CTE | None = None,
    among: BindParameter[Any] | None = None,
) -> CTE:
    """The numbers of the networks that the agent's host serves, as `network_pk`.

    Only an agent that `may_answer` machines behind uplinks is elected for some. `bound` has what
    is known already of the networks of `bound_ports_of` it: `network_pk`, and whether one `is_up`.
    With `among` only those of these numbers.
    """
    elected = [elections.networks_of(agent)] if may_answer else []
    served = (
        select(_port.c.network_pk).where(*bound_ports_of(agent), _port.c.admin_state_up)
        if bound is None
        else select(bound.c.network_pk).where(bound.c.is_up == 1),
        select(_port.c.network_pk)
        .join_from(_port, _binding, _binding.c.port_pk == _port.c.pk)
        .where(_binding.c.host == agent.host, _port.c.admin_state_up, not_(_IS_DHCP_PORT)),
        scheduling.networks_of(agent),
        *elected,
    )
    if among is not None:
        served = tuple(one.where(one.selected_columns.network_pk.in_(among)) for one in served)
    return union(*served).cte("served")


def served_ids(tx: Transaction, agent: Record, network_ids: Sequence[str]) -> frozenset[str]:
    """Those of the networks with these ids that the agent's host serves."""
    served = of_host(agent, may_answer=True)
    found: set[str] = set()
    for some in alternatives(sorted(network_ids)):
        query = select(_network.c.id).join(served, served.c.network_pk == _network.c.pk)
        found.update(tx.execute(query.where(_network.c.id.in_(some))).scalars())
    return frozenset(found)


def wake_ends(
    tx: Transaction,
    network_pks: Sequence[int],
    hosts: Collection[str] = (),
    *,
    oldest_heartbeat: int,
) -> list[Record]:
    """Where the living agents wait: wake_ip, wake_port, wake_key.

    Those of the hosts of these networks, and of these hosts.
    """
    found: dict[Record, None] = {}
    for some in alternatives(network_pks):
        found.update(dict.fromkeys(tx.execute(_wake_ends(_serves(some), oldest_heartbeat))))
    for named in alternatives(sorted(hosts)):
        is_named = tables.agent.c.host.in_(named)
        found.update(dict.fromkeys(tx.execute(_wake_ends(is_named, oldest_heartbeat))))
    return list(found)


def hosts_of(tx: Transaction, network_pk: int, *, oldest_heartbeat: int) -> list[str]:
    """The hosts of living agents that serve the network, in order."""
    agent = tables.agent
    query = select(agent.c.host).where(
        agent.c.agent_type == model.DHCP_AGENT_TYPE,
        agent.c.heartbeat_at >= oldest_heartbeat,
        _serves([network_pk]),
    )
    return list(tx.execute(query.order_by(agent.c.host)).scalars())


def _wake_ends(which: ColumnElement[bool], oldest_heartbeat: int) -> Select[Any]:
    agent = tables.agent
    return select(agent.c.wake_ip, agent.c.wake_port, agent.c.wake_key).where(
        agent.c.wake_ip.is_not(None), agent.c.heartbeat_at >= oldest_heartbeat, which
    )


def _serves(network_pks: Sequence[int]) -> ColumnElement[bool]:
    agent, assigned = tables.agent, tables.network_dhcp_agent
    elected = tables.elected_agent
    of_network = _port.c.network_pk.in_(network_pks)
    return or_(
        exists().where(assigned.c.network_pk.in_(network_pks), assigned.c.agent_pk == agent.c.pk),
        exists().where(elected.c.network_pk.in_(network_pks), elected.c.agent_pk == agent.c.pk),
        exists().where(of_network, _port.c.binding_host_id == agent.c.host),
        exists().where(
            of_network, _binding.c.port_pk == _port.c.pk, _binding.c.host == agent.c.host
        ),
    )
