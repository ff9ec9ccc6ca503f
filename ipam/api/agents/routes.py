"""The paths of agents, of what they serve and report, and of availability zones."""

from ipam.api.agents.address_check_routes import (
    AddressCheckRoute,
    AddressChecksRoute,
    AgentAddressChecksRoute,
)
from ipam.api.agents.address_conflicts_route import AddressConflictsRoute
from ipam.api.agents.agent_routes import AgentRoute, AgentsRoute
from ipam.api.agents.dhcp_state_route import DhcpStateRoute
from ipam.api.agents.dns_lookup_route import DnsAnswersRoute, DnsLookupRoute
from ipam.api.agents.elected_agents_route import ElectedAgentsRoute
from ipam.api.agents.network_hosts_route import NetworkHostsRoute
from ipam.api.agents.probes_route import AgentProbesRoute
from ipam.api.agents.recovery_route import AgentRecoveryRoute
from ipam.api.agents.refusals_route import AgentRefusalsRoute
from ipam.api.agents.reported_ports_route import DOWN, READY, ReportedPortsRoute
from ipam.api.agents.scheduling_routes import (
    AvailabilityZonesRoute,
    DhcpAgentsRoute,
    DhcpNetworkRoute,
    DhcpNetworksRoute,
)
from ipam.api.http.operations import Route
from ipam.api.service import Service


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    one = "/v2.0/agents/{resource_id}"
    return [
        ("/v2.0/agents", AgentsRoute(service)),
        (one, AgentRoute(service)),
        (f"{one}/dhcp-state", DhcpStateRoute(service)),
        (f"{one}/ready-ports", ReportedPortsRoute(service, READY)),
        (f"{one}/probes", AgentProbesRoute(service)),
        (f"{one}/dns-lookup", DnsLookupRoute(service)),
        (f"{one}/dns-answer", DnsAnswersRoute(service)),
        (f"{one}/dhcp-refusals", AgentRefusalsRoute(service)),
        (f"{one}/address-checks", AgentAddressChecksRoute(service)),
        (f"{one}/recovery", AgentRecoveryRoute(service)),
        (f"{one}/down-ports", ReportedPortsRoute(service, DOWN)),
        ("/v2.0/networks/{resource_id}/dhcp-agents", DhcpAgentsRoute(service)),
        ("/v2.0/networks/{resource_id}/hosts", NetworkHostsRoute(service)),
        ("/v2.0/networks/{resource_id}/address-checks", AddressChecksRoute(service)),
        ("/v2.0/networks/{resource_id}/address-checks/{check_id}", AddressCheckRoute(service)),
        (f"{one}/dhcp-networks", DhcpNetworksRoute(service)),
        (f"{one}/dhcp-networks/{{network_id}}", DhcpNetworkRoute(service)),
        ("/v2.0/address-conflicts", AddressConflictsRoute(service)),
        ("/v2.0/elected-agents", ElectedAgentsRoute(service)),
        ("/v2.0/availability_zones", AvailabilityZonesRoute(service)),
    ]
