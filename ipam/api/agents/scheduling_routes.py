"""Which agents serve which networks, and availability zones: Neutron's dhcp_agent_scheduler."""

from collections.abc import Mapping
from typing import Any

import falcon

from ipam.api.agents.elections import Elections
from ipam.api.agents.scheduling_wire import AvailabilityZone, NetworkOfAgent
from ipam.api.agents.wire import AgentView, kind
from ipam.api.http import idempotency, list_query
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.networks import wire as network_wire
from ipam.api.service import Service
from ipam.errors import InvalidDHCPAgent, NetworkHostedByDHCPAgent, NetworkNotHostedByDhcpAgent
from ipam.store import elections, scheduling
from ipam.store.engine.database import Transaction
from ipam.store.engine.reading import read_many
from ipam.store.engine.write_again import write_again
from ipam.values import Uuid


class DhcpAgentsRoute:
    """GET of the agents that serve a network."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kind = kind(service)

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List the agents that serve a network's unbound ports",
                response={"agents": list[AgentView]},
                query={"fields": "Show only this field; repeat for more."},
                rule="get_dhcp-agents",
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        fields = list_query.shown_fields(req.query_string)

        def read(tx: Transaction) -> list[Any]:
            network = network_wire.KIND.row(tx, resource_id)
            pks = scheduling.agent_pks(tx, network.pk)
            return self._kind.views(tx, read_many(tx, self._kind.rows, pks))

        views = self._service.database.read(read)
        respond(resp, {"agents": [list_query.with_fields(view, fields) for view in views]})


class DhcpNetworksRoute:
    """GET of the networks that an agent serves; POST adds one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kind = kind(service)

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List the networks whose unbound ports an agent serves",
                response={"networks": list[network_wire.NetworkView]},
                query={"fields": "Show only this field; repeat for more."},
                rule="get_dhcp-networks",
            ),
            "POST": Operation(
                "Let an agent serve a network; the answer is null",
                status=201,
                request=({"network_id": Uuid},),
                rule="create_dhcp-network",
            ),
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        fields = list_query.shown_fields(req.query_string)

        def read(tx: Transaction) -> list[Any]:
            agent = self._kind.row(tx, resource_id)
            pks = scheduling.network_pks(tx, agent.pk)
            return network_wire.views(tx, read_many(tx, network_wire.KIND.rows, pks))

        views = self._service.database.read(read)
        respond(resp, {"networks": [list_query.with_fields(view, fields) for view in views]})

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self._service.settings.api.max_body_bytes)
        network_id = parse(NetworkOfAgent, body).result().network_id

        def write(tx: Transaction) -> None:
            agent = self._kind.row(tx, resource_id)
            network = network_wire.KIND.row(tx, network_id)
            if not agent.admin_state_up:
                raise InvalidDHCPAgent(
                    f"Agent {resource_id} is not a valid DHCP Agent or has been disabled"
                )
            if not scheduling.assign(tx, network.pk, agent.pk):
                raise NetworkHostedByDHCPAgent(
                    f"The network {network_id} has been already hosted by the DHCP Agent"
                    f" {resource_id}."
                )
            tx.note("network_id", None, network_id)
            self._service.wakes.after(tx, network.pk)

        idempotency.keep(req, 201, lambda _nothing: None)
        write_again(self._service.database, write)
        resp.status = falcon.HTTP_201
        respond(resp, None)


class DhcpNetworkRoute:
    """DELETE of a network that an agent serves."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kind = kind(service)
        self._elections = Elections(service)

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "DELETE": Operation(
                "Take a network from an agent, which does not take it again by itself",
                status=204,
                rule="delete_dhcp-network",
            )
        }

    def on_delete(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, network_id: str
    ) -> None:
        def write(tx: Transaction) -> None:
            agent = self._kind.row(tx, resource_id)
            network = network_wire.KIND.row(tx, network_id)
            is_elected = elections.holds(tx, network.pk, agent.pk)
            if not scheduling.withdraw(tx, network.pk, agent.pk, is_elected=is_elected):
                raise NetworkNotHostedByDhcpAgent(
                    f"The network {network_id} is not hosted by the DHCP agent {resource_id}."
                )
            if is_elected:
                self._elections.settle(tx, [network.pk])
            tx.note("network_id", network_id, None)
            self._service.wakes.after(tx, network.pk, hosts=[agent.host])

        write_again(self._service.database, write)
        resp.status = falcon.HTTP_204


class AvailabilityZonesRoute:
    """GET of the zones that agents are in."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List availability zones: those that agents are in",
                response={"availability_zones": list[AvailabilityZone]},
                query={
                    "name": "Only the zone of this name; repeat for more.",
                    "resource": "Only zones for this: network.",
                    "state": "Only zones in this state: available or unavailable.",
                    "fields": "Show only this field; repeat for more.",
                },
                rule="get_availability_zone",
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        fields = list_query.shown_fields(req.query_string)
        wanted: dict[str, set[str]] = {}
        for name, given in list_query.given_values(req.query_string).items():
            wanted.setdefault(_ZONE_FILTERS.get(name, name), set()).update(given)
        zones = [
            AvailabilityZone(name, "network", "available" if available else "unavailable")
            for name, available in self._service.database.read(scheduling.zones).items()
        ]
        shown = [
            list_query.with_fields(zone, fields)
            for zone in zones
            if all(
                getattr(zone, name) in wanted[name]
                for name in zone.__struct_fields__
                if name in wanted
            )
        ]
        respond(resp, {"availability_zones": shown})


_ZONE_FILTERS = {"availability_zone": "name"}
"""openstacksdk's name of a filter, next to Neutron's."""
