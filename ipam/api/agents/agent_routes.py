"""Agents: list and show, registration by heartbeat, the admin state, deletion."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import falcon
from msgspec import UNSET

from ipam import model
from ipam.api.agents.elections import Elections
from ipam.api.agents.wire import AgentUpdate, AgentView, kind
from ipam.api.http import idempotency, writing
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.http.routes import ListRoute, ShowRoute
from ipam.api.service import Service
from ipam.errors import InvalidInput
from ipam.identity.caller import Caller
from ipam.protocol import reports
from ipam.protocol.reports import AgentReport
from ipam.rules.reach import tunnel_end
from ipam.store import agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.write_again import write_again

RULE: Final = "create_agent"
WARNED_MAX: Final = 1000
"""About so many hosts without an identity of their own are named; who has more knows by then."""

LOG = logging.getLogger(__name__)


class AgentsRoute(ListRoute):
    """GET of all agents; POST of a heartbeat."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, kind(service))
        self._elections = Elections(service)
        self._warned_of: set[str] = set()

    @property
    def operations(self) -> Mapping[str, Operation]:
        reported = Operation(
            "Report an agent's state; makes the agent when it is new",
            request=({"agent": AgentReport},),
            response={"agent": AgentView},
            rule=RULE,
            of_host=True,
            in_recovery=True,
        )
        return {**super().operations, "POST": reported}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), "agent")
        given = parse(AgentReport, body, known=AgentView).result()
        access = req.context.access
        access.require_host(RULE, given.host)
        if access.caller.host and given.agent_type != model.DHCP_AGENT_TYPE:
            raise InvalidInput(
                "Invalid input for agent_type. Reason: the agent of a host is a"
                f" {model.DHCP_AGENT_TYPE}, not {given.agent_type!r}."
            )
        self._warn_of_service(access.caller, given.host)
        wake = given.wake

        def write(tx: Transaction) -> Any:
            agent_id = agents.report(
                tx,
                agent_type=given.agent_type,
                host=given.host,
                state={
                    "binary": given.binary,
                    "availability_zone": given.availability_zone,
                    "configurations": given.configurations,
                    "tunneling_ip": tunnel_end(given.configurations),
                    "port_filter": reports.filters_ports(given.configurations),
                    "started_at": given.started_at,
                    **({} if given.networks is UNSET else {"networks": given.networks}),
                    "wake_ip": wake.ip if wake else None,
                    "wake_port": wake.port if wake else None,
                    "wake_key": wake.key if wake else None,
                },
                agent_down_time=self._elections.agent_down_time,
            )
            agent = self.kind.row(tx, agent_id)
            self._elections.end_unfit(tx, agent)
            return self.kind.views(tx, [agent])[0]

        idempotency.keep(req, 200, lambda view: {"agent": view})
        respond(resp, {"agent": write_again(self.service.database, write)})

    def _warn_of_service(self, caller: Caller, host: str) -> None:
        """Log once, with the remedy, that an agent has no identity of its own."""
        if caller.is_admin or caller.host or len(self._warned_of) >= WARNED_MAX:
            return
        if host not in self._warned_of:
            self._warned_of.add(host)
            LOG.warning(
                "the agent of host %s signs in as %s, who may change every port: `ipam agent enrol"
                " %s` makes it an identity of its own",
                *(host, caller, host),
            )


class AgentRoute(ShowRoute):
    """GET, PUT and DELETE of one agent."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, kind(service))
        self._wakes = service.wakes
        self._elections = Elections(service)

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
        values = writing.given(change)

        def write(tx: Transaction) -> Any:
            before = self.kind.show(tx, resource_id)  # raises if there is no such agent
            agents.change(tx, resource_id, values)
            for name, value in values.items():
                tx.note(name, getattr(before, name), value)
            return self.kind.show(tx, resource_id)

        respond(resp, {"agent": self.service.database.write(write)})
        self._wakes.near()

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        def write(tx: Transaction) -> None:
            row = agents.find(tx, resource_id)
            if row is not None:
                self._elections.leave(tx, row.pk)
            if row is None or not agents.remove(tx, resource_id):
                raise self.kind.missing(resource_id)
            tx.note("host", row.host, None)

        self.service.database.write(write)
        resp.status = falcon.HTTP_204
