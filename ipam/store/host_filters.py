"""Whether a host keeps its ports from sending from others' addresses, as its agent reports."""

from typing import Any

from sqlalchemy import ColumnElement, select

from ipam import model
from ipam.store import tables

_agent = tables.agent


def of_host(host: ColumnElement[str]) -> ColumnElement[Any]:
    """For a statement with this column: True, False, or None without an agent."""
    return (
        select(_agent.c.port_filter)
        .where(_agent.c.agent_type == model.DHCP_AGENT_TYPE, _agent.c.host == host)
        .scalar_subquery()
        .label("host_filters")
    )
