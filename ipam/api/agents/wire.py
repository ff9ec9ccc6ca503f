"""The bodies of agents: the view, and the attributes that may be changed."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import CREATED_AT, DESCRIPTION, ID
from ipam.api.service import Service
from ipam.errors import AgentNotFound
from ipam.store import agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Description, Name, Uuid

ADMIN_STATE_UP: Final = Meta(description="Whether it is switched on; what is off is not served.")


def agent_type(text: str) -> str:
    """The agents' type in its own case (Neutron's clients write `DHCP Agent`), or the text."""
    known = model.DHCP_AGENT_TYPE
    return known if text.lower() == known.lower() else text


class AgentView(Struct):
    """An agent. `alive` says whether its last heartbeat is recent."""

    id: Annotated[Uuid, ID]
    agent_type: Annotated[str, Meta(description="Always DHCP agent.", extra={"check": agent_type})]
    binary: Annotated[Name, Meta(description="The agent's program.")]
    host: Annotated[Name, Meta(description="The host's name, as in binding:host_id.")]
    topic: Annotated[Name, Meta(description="Kept for clients.")]
    availability_zone: Annotated[
        Name | None, Meta(description="The zone that the agent's host is in.")
    ]
    alive: Annotated[bool, Meta(description="Whether the last heartbeat is recent.")]
    admin_state_up: Annotated[bool, ADMIN_STATE_UP]
    description: Annotated[Description, DESCRIPTION]
    configurations: Annotated[
        dict[str, Any], Meta(description="What the agent says of itself: versions, counts.")
    ]
    created_at: Annotated[str, CREATED_AT]
    started_at: Annotated[str, Meta(description="When the agent's process started.")]
    heartbeat_timestamp: Annotated[str, Meta(description="When the agent last reported.")]
    resources_synced: Annotated[
        bool | None, Meta(description="Always null; kept for clients.")
    ] = None


class AgentUpdate(Struct):
    """What an admin may change. A switched-off agent keeps only the ports bound to its host."""

    admin_state_up: Annotated[bool | UnsetType, ADMIN_STATE_UP] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET


def kind(service: Service) -> Kind:
    """Agents as a kind of resource. A setting says until when an agent is alive."""
    down_time = service.settings.network.agent_down_time

    def views(_tx: Transaction, rows: Sequence[Record]) -> list[AgentView]:
        oldest = agents.oldest_heartbeat(down_time)
        return [_view(row, alive=row.heartbeat_at >= oldest) for row in rows]

    return Kind(
        name="agent",
        collection="agents",
        view=AgentView,
        rows=agents.collection(down_time),
        views=views,
        not_found=AgentNotFound,
    )


def _view(row: Record, *, alive: bool) -> AgentView:
    return AgentView(
        id=row.id,
        agent_type=row.agent_type,
        binary=row.binary,
        host=row.host,
        topic=row.topic,
        availability_zone=row.availability_zone,
        alive=alive,
        admin_state_up=row.admin_state_up,
        description=row.description,
        configurations=row.configurations,
        created_at=model.iso_time(row.created_at),
        started_at=model.iso_time(row.started_at),
        heartbeat_timestamp=model.iso_time(row.heartbeat_at),
    )
