"""The paths of agents: what they are, serve and report, and the zones that they are in."""

from ipam.api.agents import reported_ports, scheduling
from ipam.api.agents.agents import AgentRoute, AgentsRoute
from ipam.api.agents.dhcp_state import DhcpStateRoute
from ipam.api.http.operations import Route
from ipam.api.service import Service


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    return [
        ("/v2.0/agents", AgentsRoute(service)),
        ("/v2.0/agents/{resource_id}", AgentRoute(service)),
        ("/v2.0/agents/{resource_id}/dhcp-state", DhcpStateRoute(service)),
        *reported_ports.routes(service),
        *scheduling.routes(service),
    ]
