"""Which agents answer machines behind uplinks, for admins."""

from collections.abc import Mapping
from typing import Annotated, Final

import falcon
from msgspec import Meta, Struct

from ipam import model
from ipam.api.http import list_query
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.store import elections
from ipam.values import Uuid

MOST: Final = 1000
FILTERS: Final = ("network_id", "agent_id", "host")


class ElectedAgent(Struct):
    """The agent that answers machines of a network that no host of an agent has."""

    network_id: Annotated[Uuid, Meta(description="The network, which has an uplink.")]
    agent_id: Annotated[Uuid, Meta(description="The agent.")]
    host: Annotated[str, Meta(description="The agent's host.")]
    elected_at: Annotated[str, Meta(description="Since when it is elected.")]
    answers_from: Annotated[
        str, Meta(description="When it begins, which is later if the one before still lives.")
    ]


class ElectedAgentsRoute:
    """GET of the elected agents."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List the agents that answer machines behind the uplinks of networks",
                response={"elected_agents": list[ElectedAgent]},
                query={
                    "network_id": "Only of this network; repeat for more.",
                    "agent_id": "Only this agent; repeat for more.",
                    "host": "Only the agent of this host; repeat for more.",
                },
                rule="get_elected_agent",
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        given = list_query.given_values(req.query_string)
        wanted: dict[str, list[str]] = {name: given[name] for name in FILTERS if name in given}
        rows = self._service.database.read(lambda tx: elections.elected(tx, wanted, MOST))
        shown = [
            ElectedAgent(
                row.network_id,
                row.agent_id,
                row.host,
                model.iso_time(row.elected_at),
                model.iso_time(row.opens_at),
            )
            for row in rows
        ]
        respond(resp, {"elected_agents": shown})
