"""Agents: list and show, registration by heartbeat, the admin's switch, deletion."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import falcon
from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http import idempotency
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation
from ipam.api.http.routes import ListRoute, ShowRoute
from ipam.api.http.standard_attributes import CREATED_AT, DESCRIPTION, ID
from ipam.api.service import Service
from ipam.errors import AgentNotFound
from ipam.protocol.reports import AgentReport
from ipam.store import agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.engine.write_again import write_again
from ipam.values import Description, Name, Uuid, is_uuid

ADMIN_STATE_UP: Final = Meta(description="Whether it is switched on; what is off is not served.")


class AgentView(Struct):
    """An agent; `alive` says whether its last heartbeat is recent."""

    id: Annotated[Uuid, ID]
    agent_type: Annotated[Name, Meta(description="Always DHCP agent.")]
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
    heartbeat_timestamp: Annotated[str, Meta(description="When the agent was last heard of.")]
    resources_synced: Annotated[
        bool | None, Meta(description="Always null; kept for clients.")
    ] = None


class AgentUpdate(Struct):
    """What an admin may change. A switched-off agent keeps only the ports bound to its host."""

    admin_state_up: Annotated[bool | UnsetType, ADMIN_STATE_UP] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET


def kind(service: Service) -> Kind:
    """Agents as a kind of resource; what counts as alive is a setting."""
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


def known(tx: Transaction, agent_id: str) -> Record:
    """The row of the agent with this id; AgentNotFound without one."""
    agent = agents.find(tx, agent_id) if is_uuid(agent_id) else None
    if agent is None:
        raise AgentNotFound(f"Agent {agent_id} could not be found.")
    return agent


class AgentsRoute(ListRoute):
    """GET of all agents; POST of a heartbeat."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, kind(service))

    @property
    def operations(self) -> Mapping[str, Operation]:
        reported = Operation(
            "Report an agent's state; makes the agent when it is new",
            request=({"agent": AgentReport},),
            response={"agent": AgentView},
            rule="create_agent",
        )
        return {**super().operations, "POST": reported}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), "agent")
        given = parse(AgentReport, body, known=AgentView).result()

        def write(tx: Transaction) -> Any:
            agent_id = agents.report(
                tx,
                agent_type=given.agent_type,
                host=given.host,
                state={
                    "binary": given.binary,
                    "availability_zone": given.availability_zone,
                    "configurations": given.configurations,
                    "started_at": given.started_at,
                },
            )
            return self.kind.show(tx, agent_id)

        idempotency.keep(req, 200, lambda view: {"agent": view})
        respond(resp, {"agent": write_again(self.service.database, write)})


class AgentRoute(ShowRoute):
    """GET, PUT and DELETE of one agent."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, kind(service))
        self._waker = service.waker

    @property
    def operations(self) -> Mapping[str, Operation]:
        changed = Operation(
            "Change an agent's admin_state_up or description",
            request=({"agent": AgentUpdate},),
            response={"agent": AgentView},
            rule="update_agent",
            row=self.kind,
        )
        deleted = Operation(
            "Delete an agent; a living one comes back",
            status=204,
            rule="delete_agent",
            row=self.kind,
        )
        return {**super().operations, "PUT": changed, "DELETE": deleted}

    def on_put(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), "agent")
        change = parse(AgentUpdate, body, known=AgentView, method="PUT").result()
        values = {
            name: value
            for name in change.__struct_fields__
            if not isinstance(value := getattr(change, name), UnsetType)
        }

        def write(tx: Transaction) -> Any:
            self.kind.show(tx, resource_id)  # no such agent, no change
            agents.change(tx, resource_id, values)
            return self.kind.show(tx, resource_id)

        respond(resp, {"agent": self.service.database.write(write)})
        self._waker.wake()

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        found = is_uuid(resource_id) and self.service.database.write(
            lambda tx: agents.remove(tx, resource_id)
        )
        if not found:
            raise self.kind.missing(resource_id)
        resp.status = falcon.HTTP_204


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
