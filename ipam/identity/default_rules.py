"""Who may do what, and why: a table of every rule of the API with its default.

Names and defaults are Neutron's if Neutron has the rule, so that a policy.yaml written for Neutron
means the same here. The personas are those of Keystone's consistent RBAC: admin (everything),
member (reads and writes its own project), reader (reads its own project), service (Nova), and one
of ours: agent (reads what its host serves and reports what happens there). Rules decide,
`ipam.identity.policy` evaluates them, the API carries them out.

A rule may check roles and, joined by `or`, relations of a resource to the caller: `owner` (its
project is the caller's), `network_owner` (its network belongs to the caller's project), `shared`
and `external` (it, or its network, is). `agent_of_host` is the relation of a host to its agent.
The API makes SQL conditions from these relations, so a list is one statement whatever the rules
say.
"""

from typing import Final, TypeAlias

Rule: TypeAlias = tuple[str, str, str]
"""Name, check, reason."""

ADMIN: Final = "rule:context_is_admin"
SERVICE: Final = "rule:admin_or_service"
READER: Final = f"{ADMIN} or (role:reader and rule:owner)"
SERVICE_OR_READER: Final = f"{SERVICE} or (role:reader and rule:owner)"
REPORTER: Final = f"{ADMIN} or rule:agent_of_host or rule:service_agent"
MEMBER: Final = f"{ADMIN} or (role:member and rule:owner)"
NETWORK_MEMBER: Final = f"{ADMIN} or (role:member and rule:network_owner)"
PORT_SHAPE: Final = f"{SERVICE} or (role:member and rule:network_owner)"
ON_VISIBLE_NETWORK: Final = (
    f"{SERVICE} or (role:reader and rule:network_owner)"
    " or (role:reader and rule:shared) or (role:reader and rule:external)"
)
ANYBODY: Final = "@"

BASE: Final[tuple[Rule, ...]] = (
    ("context_is_admin", "role:admin", "Admins of the cloud: everything, in every project."),
    (
        "service_api",
        "role:service or role:advsvc",
        "Services of the cloud, such as Nova's user. advsvc is the role's older name.",
    ),
    ("admin_or_service", f"{ADMIN} or rule:service_api", "Who works for all projects."),
    ("owner", "project_id:%(project_id)s", "The thing belongs to the caller's project."),
    (
        "network_owner",
        "project_id:%(network:project_id)s",
        "The network that the thing is on belongs to the caller's project.",
    ),
    (
        "shared",
        "True:%(shared)s",
        "It, or its network, is shared with the caller's project: by its flag or a policy.",
    ),
    (
        "external",
        "True:%(router:external)s",
        "It, or its network, is external: known to all, for those who route through it.",
    ),
    (
        "agent_of_host",
        "role:agent and host:%(host)s",
        "An agent, for what is about its own host. Its user's name says which host that is.",
    ),
    (
        "service_agent",
        "rule:service_api",
        "Agents that were not enrolled: they report for every host until `!` here refuses them.",
    ),
    ("default", ADMIN, "What no rule names is for admins alone."),
    (
        "create_for_other_project",
        ADMIN,
        "Naming another project as the owner of what is made would fill that project's quota.",
    ),
)

NETWORK: Final[tuple[Rule, ...]] = (
    ("create_network", MEMBER, "Projects make their own networks."),
    (
        "create_network:shared",
        ADMIN,
        "A shared network shows up in every project's choice of networks.",
    ),
    ("create_network:router:external", ADMIN, "An external network is known to all."),
    ("create_network:is_default", ADMIN, "There is one default for the whole cloud."),
    (
        "create_network:provider:network_type",
        ADMIN,
        "provider:* say where the network is in the data centre: another project's VLAN, say.",
    ),
    (
        "create_network:dns_servers",
        ADMIN,
        "Hosts ask them from their own addresses, so they may be where no machine reaches.",
    ),
    ("create_network:provider:physical_network", ADMIN, "As provider:network_type."),
    ("create_network:provider:segmentation_id", ADMIN, "As provider:network_type."),
    (
        "get_network",
        f"{SERVICE_OR_READER} or (role:reader and rule:shared) or (role:reader and rule:external)",
        "One's own, those that are shared, and those that lead outside.",
    ),
    (
        "get_network:provider:network_type",
        SERVICE,
        "What the data centre looks like is no project's business. Nova asks as a service.",
    ),
    ("get_network:provider:physical_network", SERVICE, "As provider:network_type."),
    ("get_network:provider:segmentation_id", SERVICE, "As provider:network_type."),
    ("update_network", MEMBER, "A network that is shared stays its owner's."),
    ("update_network:shared", ADMIN, "As when it is made."),
    ("update_network:router:external", ADMIN, "As when it is made."),
    ("update_network:is_default", ADMIN, "As when it is made."),
    ("update_network:dns_servers", ADMIN, "As when it is made."),
    ("update_network:provider:network_type", ADMIN, "As when it is made."),
    ("update_network:provider:physical_network", ADMIN, "As when it is made."),
    ("update_network:provider:segmentation_id", ADMIN, "As when it is made."),
    ("delete_network", MEMBER, "As update_network."),
    (
        "get_network_ip_availability",
        SERVICE,
        "It counts the addresses of every project on the network.",
    ),
)

SUBNET: Final[tuple[Rule, ...]] = (
    (
        "create_subnet",
        NETWORK_MEMBER,
        "Addresses on a network are its owner's to plan, also where the network is shared.",
    ),
    ("create_subnet:segment_id", ADMIN, "Segments are the data centre's layout."),
    (
        "create_subnet:dns_publish_fixed_ip",
        ADMIN,
        "The zones elsewhere are the deployment's: names there are for all to see and to trust.",
    ),
    (
        "get_subnet",
        f"{ON_VISIBLE_NETWORK} or (role:reader and rule:owner)",
        "A subnet is visible with its network: a machine cannot use one without the other.",
    ),
    ("get_subnet:segment_id", ADMIN, "Segments are the data centre's layout."),
    (
        "get_subnet_address",
        f"{READER} or (role:reader and rule:network_owner)",
        "Which ports have addresses: those of one's own, and all on one's own network.",
    ),
    (
        "get_subnet_usage",
        f"{SERVICE} or (role:reader and rule:network_owner)",
        "It counts the addresses of every project on the network, whose owner plans them.",
    ),
    (
        "get_subnet_dhcp_options",
        f"{ON_VISIBLE_NETWORK} or (role:reader and rule:owner)",
        "Each machine of the subnet is told them.",
    ),
    ("update_subnet", NETWORK_MEMBER, "As create_subnet."),
    ("update_subnet:segment_id", ADMIN, "As when it is made."),
    ("update_subnet:dns_publish_fixed_ip", ADMIN, "As when it is made."),
    ("delete_subnet", NETWORK_MEMBER, "As create_subnet."),
)

PORT: Final[tuple[Rule, ...]] = (
    (
        "create_port",
        f"{PORT_SHAPE} or (role:member and rule:shared)",
        "On one's own networks and the shared ones; external ones are reached through a router.",
    ),
    (
        "create_port:device_owner",
        PORT_SHAPE,
        "Only for owners that begin with network: (DHCP, router): others' machines trust those.",
    ),
    (
        "create_port:mac_address",
        PORT_SHAPE,
        "On somebody else's network a chosen address could be another machine's.",
    ),
    ("create_port:fixed_ips:ip_address", PORT_SHAPE, "As mac_address."),
    (
        "create_port:fixed_ips:subnet_id",
        f"{PORT_SHAPE} or (role:member and rule:shared)",
        "Which subnet is a choice among what everybody there may use.",
    ),
    (
        "create_port:port_security_enabled",
        PORT_SHAPE,
        "Without it a machine may claim any address.",
    ),
    ("create_port:allowed_address_pairs", PORT_SHAPE, "As port_security_enabled."),
    (
        "create_port:dns_domain",
        PORT_SHAPE,
        "It can take a name out of the domain that the network's owner chose.",
    ),
    (
        "create_port:binding:host_id",
        SERVICE,
        "Where a machine runs is known to Nova alone; DHCP is answered there and nowhere else.",
    ),
    ("create_port:binding:profile", SERVICE, "It names devices of the host, and Nova trusts it."),
    ("create_port:binding:vnic_type", ANYBODY, "What kind of device a machine wants to see."),
    (
        "get_port",
        f"{SERVICE_OR_READER} or (role:reader and rule:network_owner)",
        "One's own, and every port on one's own network: its owner answers for what is there.",
    ),
    (
        "get_port:binding:host_id",
        SERVICE,
        "Which machines share a host helps only those who want to attack one of them.",
    ),
    ("get_port:binding:profile", SERVICE, "As binding:host_id."),
    ("get_port:binding:vif_type", SERVICE, "As binding:host_id."),
    ("get_port:binding:vif_details", SERVICE, "As binding:host_id."),
    ("get_port:resource_request", SERVICE, "Placement's business."),
    (
        "update_port",
        f"{SERVICE} or (role:member and rule:owner)",
        "A port is its project's, also on another's network.",
    ),
    ("update_port:device_owner", PORT_SHAPE, "As when it is made."),
    (
        "update_port:mac_address",
        SERVICE,
        "A machine that changes its address under way takes the place of another.",
    ),
    ("update_port:fixed_ips:ip_address", PORT_SHAPE, "As when it is made."),
    (
        "update_port:fixed_ips:subnet_id",
        f"{PORT_SHAPE} or (role:member and rule:shared)",
        "As when it is made.",
    ),
    ("update_port:port_security_enabled", PORT_SHAPE, "As when it is made."),
    ("update_port:allowed_address_pairs", PORT_SHAPE, "As when it is made."),
    ("update_port:dns_domain", PORT_SHAPE, "As when it is made."),
    ("update_port:binding:host_id", SERVICE, "As when it is made."),
    ("update_port:binding:profile", SERVICE, "As when it is made."),
    ("update_port:binding:vnic_type", ANYBODY, "As when it is made."),
    (
        "delete_port",
        f"{PORT_SHAPE} or (role:member and rule:owner)",
        "One's own, and strangers' ports on one's own network, which could not be deleted else.",
    ),
    ("create_agent_dns_lookup", ADMIN, "It tells the names of any network of the host."),
    ("get_agent_dns_lookup", ADMIN, "As create_agent_dns_lookup."),
    (
        "create_network_address_check",
        MEMBER,
        "Who owns a network may ask what is on it before an address is given by hand.",
    ),
    ("get_network_address_check", READER, "As create_network_address_check."),
    ("create_port_probe", MEMBER, "Who has the machine may ask what it would get."),
    ("get_port_probe", READER, "As get_port."),
    (
        "get_port_dhcp_options",
        f"{SERVICE_OR_READER} or (role:reader and rule:network_owner)",
        "As get_port: its machine is told them.",
    ),
    ("get_port_binding", SERVICE, "Live migration: Nova's business."),
    ("create_port_binding", SERVICE, "As get_port_binding."),
    ("update_port_binding", SERVICE, "As get_port_binding."),
    ("delete_port_binding", SERVICE, "As get_port_binding."),
)

SHARING: Final[tuple[Rule, ...]] = (
    ("create_subnetpool", MEMBER, "Projects plan their own prefixes."),
    ("create_subnetpool:shared", ADMIN, "As create_network:shared."),
    ("create_subnetpool:is_default", ADMIN, "There is one default for the whole cloud."),
    (
        "get_subnetpool",
        f"{READER} or (role:reader and rule:shared)",
        "One's own, and those that are shared.",
    ),
    ("update_subnetpool", MEMBER, "One that is shared stays its owner's."),
    ("update_subnetpool:shared", ADMIN, "As when it is made."),
    ("update_subnetpool:is_default", ADMIN, "As when it is made."),
    ("delete_subnetpool", MEMBER, "As update_subnetpool."),
    ("create_address_scope", MEMBER, "As create_subnetpool."),
    ("create_address_scope:shared", ADMIN, "As create_network:shared."),
    (
        "get_address_scope",
        f"{READER} or (role:reader and rule:shared)",
        "One's own, and those that are shared.",
    ),
    ("update_address_scope", MEMBER, "One that is shared stays its owner's."),
    ("update_address_scope:shared", ADMIN, "As when it is made."),
    ("delete_address_scope", MEMBER, "As update_address_scope."),
    ("create_rbac_policy", MEMBER, "An owner shares with whom it likes."),
    (
        "create_rbac_policy:target_tenant",
        ADMIN,
        "Only for the target *: shared with everybody is what create_network:shared guards.",
    ),
    ("get_rbac_policy", READER, "Its maker's; those it is for see the thing itself."),
    ("update_rbac_policy", MEMBER, "As create_rbac_policy."),
    ("update_rbac_policy:target_tenant", ADMIN, "As when it is made."),
    ("delete_rbac_policy", MEMBER, "As create_rbac_policy."),
)

AGENT: Final[tuple[Rule, ...]] = (
    ("get_agent", ADMIN, "Hosts of the cloud are no project's business."),
    ("create_agent", REPORTER, "An agent reports itself."),
    ("update_agent", ADMIN, "Switching an agent off moves other projects' DHCP."),
    ("delete_agent", ADMIN, "As update_agent."),
    ("get_dhcp_state", REPORTER, "What an agent's host serves: ports of every project."),
    ("create_dhcp_state", REPORTER, "What an agent found ready; Nova starts machines by it."),
    ("get_dhcp-networks", ADMIN, "Which agent serves what: as get_agent."),
    ("create_dhcp-network", ADMIN, "As update_agent."),
    ("delete_dhcp-network", ADMIN, "As update_agent."),
    ("get_dhcp-agents", ADMIN, "Which agent serves what: as get_agent."),
    ("get_network_host", ADMIN, "As get_agent."),
    ("get_elected_agent", ADMIN, "Which agent answers machines behind uplinks: as get_agent."),
    ("get_lease", READER, "A lease belongs to the project of its port, or else of its network."),
    ("release_lease", ADMIN, "The machine may be in use, and of any project."),
    ("get_lease_event", READER, "As get_lease."),
    ("create_lease_event", REPORTER, "Agents record what the DHCP servers of their hosts did."),
    ("get_allocation_event", READER, "As get_lease."),
    ("get_address_holder", READER, "It tells what both histories tell: as get_lease."),
    (
        "get_audit_event",
        f"{ADMIN} or (role:reader and rule:owner)",
        "A project sees who changed what it owns; services have no business with it.",
    ),
    (
        "get_audit_event:address",
        ADMIN,
        "Where an admin works is no project's business.",
    ),
    ("get_import", ADMIN, "An import may be of all projects, and keeps foreign ids."),
    ("create_import", ADMIN, "As get_import."),
    ("undo_import", ADMIN, "As get_import."),
    ("get_recovery", ADMIN, "It names hosts, and ports of all projects."),
    ("finish_recovery", ADMIN, "It may give an address to two machines of any project."),
    (
        "create_dry_run",
        ADMIN,
        "It tells of hosts, machines and leases of every project. Its requests have own rules.",
    ),
    (
        "get_address_conflict",
        READER,
        "Who else uses addresses of a network is its owner's business.",
    ),
    ("get_dhcp_refusal", READER, "Who asks in vain on a network is its owner's business."),
)

CLOUD: Final[tuple[Rule, ...]] = (
    (
        "get_quota",
        SERVICE_OR_READER,
        "A project sees its own limits; Nova asks before it makes ports.",
    ),
    ("update_quota", ADMIN, "A limit that its project may raise is none."),
    ("delete_quota", ADMIN, "As update_quota."),
    ("get_auto_allocated_topology", SERVICE_OR_READER, "As get_quota."),
    ("delete_auto_allocated_topology", MEMBER, "As get_auto_allocated_topology."),
    ("get_extension", ANYBODY, "What the service can do is no secret to its users."),
    ("get_availability_zone", ANYBODY, "As get_extension."),
    ("get_service_provider", ANYBODY, "As get_extension."),
    ("get_security_group", ANYBODY, "An empty list; Nova asks for it with each server."),
    ("get_router", ANYBODY, "An empty list."),
    ("get_floatingip", ANYBODY, "An empty list; Nova asks for it with each server."),
)

RULES: Final = BASE + NETWORK + SUBNET + PORT + SHARING + AGENT + CLOUD
