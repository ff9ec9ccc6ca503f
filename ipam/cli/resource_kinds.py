"""The kinds of resources on the command line: their paths, names and columns."""

from dataclasses import dataclass

from ipam.cli.output import (
    Column,
    addresses,
    fields_changed,
    labelled_ranges,
    or_never,
    pools,
    values_changed,
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource.

    `key` is the field by which a user may name it instead of its id. `columns` are those of the
    openstack command; `brief` are the titles of those that a table has, if that is not all but ID.
    """

    noun: str
    collection: str
    path: str
    columns: tuple[Column, ...]
    long_columns: tuple[Column, ...] = ()
    key: str = "name"
    wording: str = "named"
    brief: tuple[str, ...] = ()
    label: str = "name"
    """The field that stands for it in a table of other things."""
    listed_by: str = ""
    """The words of the command that lists them, if it is not the noun's `list`."""
    wire_name: str = ""
    """The key that wraps one resource in a body, if it is not the noun."""

    @property
    def body(self) -> str:
        """The key that wraps one resource in a body."""
        return self.wire_name or self.noun.replace(" ", "_")

    @property
    def list_command(self) -> str:
        """The words of the command that lists them."""
        return self.listed_by or f"{self.noun} list"

    @property
    def plural(self) -> str:
        """The plural in words."""
        return self.collection.replace("_", " ")

    @property
    def brief_columns(self) -> tuple[Column, ...]:
        """The columns of a table without --long: no ids."""
        if self.brief:
            by_title = {column.title: column for column in self.every_column}
            return tuple(by_title[title] for title in self.brief)
        return tuple(column for column in self.columns if column.title != "ID")

    @property
    def every_column(self) -> tuple[Column, ...]:
        """The usual columns and the columns of --long."""
        return self.columns + self.long_columns


SHARED_KINDS = ("network", "subnet pool", "address scope")

NETWORK = Resource(
    "network",
    "networks",
    "/v2.0/networks",
    (
        Column("ID", "id"),
        Column("Name", "name"),
        Column("Subnets", "subnets", refers_to=("subnet",)),
    ),
    (
        Column("Status", "status"),
        Column("Project", "project_id"),
        Column("State", "admin_state_up"),
        Column("Shared", "shared"),
        Column("MTU", "mtu"),
        Column("DNS Domain", "dns_domain"),
        Column("DNS Servers", "dns_servers"),
    ),
    brief=("Name", "Subnets", "Status", "Shared", "MTU"),
)

SUBNET = Resource(
    "subnet",
    "subnets",
    "/v2.0/subnets",
    (
        Column("ID", "id"),
        Column("Name", "name"),
        Column("Network", "network_id", refers_to=("network",)),
        Column("Subnet", "cidr"),
    ),
    (
        Column("Gateway", "gateway_ip"),
        Column("Allocation Pools", "allocation_pools", pools),
        Column("Dynamic Ranges", "dynamic_ranges", pools),
        Column("Static Ranges", "static_ranges", labelled_ranges),
        Column("Address Selection", "address_selection"),
        Column("DHCP", "enable_dhcp"),
        Column("Name Servers", "dns_nameservers"),
        Column("Host Routes", "host_routes"),
        Column("IP Version", "ip_version"),
        Column("Project", "project_id"),
    ),
    brief=("Name", "Network", "Subnet", "Gateway", "DHCP"),
    label="cidr",
)

PORT = Resource(
    "port",
    "ports",
    "/v2.0/ports",
    (
        Column("ID", "id"),
        Column("Name", "name"),
        Column("MAC Address", "mac_address"),
        Column("Fixed IP Addresses", "fixed_ips", addresses),
        Column("Status", "status"),
        Column("Host", "binding:host_id"),
    ),
    (
        Column("Network", "network_id", refers_to=("network",)),
        Column("Device Owner", "device_owner"),
        Column("Device ID", "device_id"),
        Column("DNS Name", "dns_name"),
        Column("State", "admin_state_up"),
        Column("Expires", "expires_at", is_instant=True),
        Column("Project", "project_id"),
    ),
    brief=("Name", "MAC Address", "Fixed IP Addresses", "Status", "Host"),
)

SUBNET_POOL = Resource(
    "subnet pool",
    "subnetpools",
    "/v2.0/subnetpools",
    (Column("ID", "id"), Column("Name", "name"), Column("Prefixes", "prefixes")),
    (
        Column("Default Prefix Length", "default_prefixlen"),
        Column("Address Scope", "address_scope_id", refers_to=("address scope",)),
        Column("Default Subnet Pool", "is_default"),
        Column("Shared", "shared"),
        Column("Min Prefix Length", "min_prefixlen"),
        Column("Max Prefix Length", "max_prefixlen"),
        Column("Default Quota", "default_quota"),
        Column("IP Version", "ip_version"),
        Column("Project", "project_id"),
        Column("Tags", "tags"),
    ),
    wire_name="subnetpool",
    brief=("Name", "Prefixes", "Default Prefix Length", "Shared"),
)

SUBNET_USAGE = Resource(
    "subnet usage",
    "subnet_usages",
    "/v2.0/subnet-usages",
    (
        Column("Name", "name"),
        Column("Subnet", "cidr"),
        Column("Used", "used"),
        Column("Free", "free"),
        Column("Percent", "percent"),
        Column("Bar", "bar"),
        Column("Full", "full"),
    ),
    (
        Column("Total", "total"),
        Column("Held", "held"),
        Column("Dynamic", "dynamic"),
        Column("Static", "static"),
        Column("Cooling", "cooling"),
        Column("Largest Free", "largest_free"),
        Column("Growth per Week", "growth_per_week"),
        Column("Outlook", "outlook"),
        Column("Full On", "full_on"),
        Column("Earliest", "full_on_earliest"),
        Column("Latest", "full_on_latest"),
        Column("Nearly Full", "nearly_full"),
        Column("ID", "id"),
        Column("Network", "network_id", refers_to=("network",)),
        Column("Project", "project_id"),
    ),
    label="cidr",
    listed_by="subnet usage",
)

SUBNET_ADDRESS = Resource(
    "address",
    "addresses",
    "/v2.0/subnets/{subnet_id}/addresses",
    (
        Column("IP Address", "ip_address"),
        Column("State", "state"),
        Column("MAC Address", "mac_address"),
        Column("Hostname", "hostname"),
        Column("Port", "port_id", refers_to=("port",)),
        Column("Device Owner", "device_owner"),
        Column("Device ID", "device_id"),
    ),
    (
        Column("Lease Expires", "lease_expires_at", is_instant=True),
        Column("Free At", "free_at", is_instant=True),
        Column("Project", "project_id"),
    ),
    brief=("IP Address", "State", "MAC Address", "Hostname", "Port"),
    listed_by="subnet addresses",
)

ADDRESS_SCOPE = Resource(
    "address scope",
    "address_scopes",
    "/v2.0/address-scopes",
    (
        Column("ID", "id"),
        Column("Name", "name"),
        Column("IP Version", "ip_version"),
        Column("Shared", "shared"),
        Column("Project", "project_id"),
    ),
)

ALLOCATION_EVENT = Resource(
    "allocation event",
    "allocation_events",
    "/v2.0/allocation-events",
    (
        Column("Time", "occurred_at", is_instant=True),
        Column("Action", "action"),
        Column("IP Address", "ip_address"),
        Column("Port", "port_id", refers_to=("port",)),
        Column("MAC Address", "mac_address"),
        Column("Device Owner", "device_owner"),
        Column("Device ID", "device_id"),
        Column("Project", "project_id"),
    ),
    (
        Column("ID", "id"),
        Column("Network", "network_id", refers_to=("network",)),
        Column("Subnet", "subnet_id", refers_to=("subnet",)),
    ),
    key="id",
    wording="with the id",
    brief=("Time", "Action", "IP Address", "Port", "MAC Address", "Device Owner"),
    listed_by="address history",
)

ADDRESS_HOLDER = Resource(
    "address holder",
    "address_holders",
    "/v2.0/address-holders",
    (
        Column("IP Address", "ip_address"),
        Column("Since", "since"),
        Column("Until", "until"),
        Column("MAC Address", "mac_address"),
        Column("Hostname", "hostname"),
        Column("Host", "host"),
        Column("Port", "port_name"),
        Column("Device ID", "device_id"),
    ),
    (
        Column("Port ID", "port_id"),
        Column("Project", "project_id"),
        Column("Device Owner", "device_owner"),
        Column("Network", "network_id"),
        Column("Subnet", "subnet_id"),
        Column("Lease Since", "lease_since"),
        Column("Lease Until", "lease_until"),
        Column("Lease Expires", "lease_expires_at"),
    ),
    key="port_id",
    brief=("IP Address", "Since", "Until", "MAC Address", "Hostname", "Host", "Port"),
    listed_by="lease history",
)

IMPORT = Resource(
    "import",
    "imports",
    "/v2.0/imports",
    (
        Column("ID", "id"),
        Column("Time", "created_at", is_instant=True),
        Column("Format", "format"),
        Column("Networks", "networks"),
        Column("Subnets", "subnets"),
        Column("Ports", "ports"),
        Column("Undone", "undone_at", is_instant=True),
    ),
    (
        Column("Source", "source"),
        Column("User", "user_id"),
        Column("Project", "project_id"),
    ),
    brief=("ID", "Time", "Format", "Undone"),
)

AUDIT_EVENT = Resource(
    "audit event",
    "audit_events",
    "/v2.0/audit-events",
    (
        Column("Time", "occurred_at", is_instant=True),
        Column("User", "user_name"),
        Column("Operation", "operation"),
        Column("Outcome", "outcome"),
        Column("Object", "object_id"),
        Column("Name", "object_name"),
        Column("Changes", "changes", values_changed, brief=fields_changed),
    ),
    (
        Column("ID", "id"),
        Column("Reason", "reason"),
        Column("Status", "status"),
        Column("Count", "count"),
        Column("User ID", "user_id"),
        Column("User's Project", "user_project_id"),
        Column("Roles", "roles"),
        Column("Authentication", "authentication"),
        Column("Address", "address"),
        Column("Request", "request_id"),
        Column("Path", "path"),
        Column("Object Type", "object_type"),
        Column("Project", "project_id"),
    ),
    key="id",
    wording="with the id",
    brief=("Time", "User", "Operation", "Outcome", "Name", "Changes"),
    listed_by="audit list",
)

LEASE = Resource(
    "lease",
    "leases",
    "/v2.0/leases",
    (
        Column("IP Address", "ip_address"),
        Column("MAC Address", "mac_address"),
        Column("Hostname", "hostname"),
        Column("Expires", "expires_at", or_never, is_instant=True),
        Column("Source", "source"),
        Column("Host", "host"),
        Column("Port", "port_id", refers_to=("port",)),
    ),
    (
        Column("ID", "id"),
        Column("Network", "network_id", refers_to=("network",)),
        Column("First Seen", "first_seen_at", is_instant=True),
        Column("Last Seen", "last_seen_at", is_instant=True),
        Column("Client ID", "client_id"),
        Column("DUID", "duid"),
        Column("IAID", "iaid"),
    ),
    key="ip_address",
    wording="for",
)

DHCP_REFUSAL = Resource(
    "refused machine",
    "dhcp_refusals",
    "/v2.0/dhcp-refusals",
    (
        Column("Machine", "client"),
        Column("Network", "network_id", refers_to=("network",)),
        Column("Host", "host"),
        Column("Tap", "tap"),
        Column("Reason", "reason"),
        Column("Count", "count"),
        Column("First", "first_at", is_instant=True),
        Column("Last", "last_at", is_instant=True),
    ),
    (
        Column("ID", "id"),
        Column("IP Address", "ip_address"),
        Column("Project", "project_id"),
    ),
    key="client",
    brief=("Machine", "Network", "Host", "Reason", "Count", "Last"),
    listed_by="lease refusals",
)

LEASE_EVENT = Resource(
    "lease event",
    "lease_events",
    "/v2.0/lease-events",
    (
        Column("Time", "occurred_at", is_instant=True),
        Column("Action", "action"),
        Column("IP Address", "ip_address"),
        Column("MAC Address", "mac_address"),
        Column("Hostname", "hostname"),
        Column("Host", "host"),
        Column("Port", "port_id", refers_to=("port",)),
        Column("Reason", "details.reason"),
    ),
    (
        Column("ID", "id"),
        Column("Network", "network_id", refers_to=("network",)),
        Column("Expires", "expires_at", is_instant=True),
        Column("Recorded", "recorded_at", is_instant=True),
        Column("Source", "source"),
        Column("Client ID", "client_id"),
        Column("DUID", "duid"),
        Column("IAID", "iaid"),
        Column("Details", "details"),
    ),
    key="id",
    wording="with the id",
    brief=("Time", "Action", "IP Address", "MAC Address", "Hostname", "Host", "Reason"),
    listed_by="lease events",
)

RBAC_POLICY = Resource(
    "rbac policy",
    "rbac_policies",
    "/v2.0/rbac-policies",
    (
        Column("ID", "id"),
        Column("Object Type", "object_type"),
        Column("Object ID", "object_id", refers_to=SHARED_KINDS),
        Column("Action", "action"),
        Column("Target Project", "target_tenant"),
    ),
    (Column("Project", "project_id"),),
    key="id",
    wording="with the id",
    brief=("ID", "Object Type", "Object ID", "Action", "Target Project"),
    listed_by="network rbac list",
)

QUOTA = Resource(
    "quota",
    "quotas",
    "/v2.0/quotas",
    (
        Column("Project ID", "project_id"),
        Column("Networks", "network"),
        Column("Subnets", "subnet"),
        Column("Ports", "port"),
        Column("Subnet Pools", "subnetpool"),
        Column("RBAC Policies", "rbac_policy"),
        Column("Addresses", "fixed_ip"),
    ),
    key="project_id",
    wording="of the project",
)

AGENT = Resource(
    "agent",
    "agents",
    "/v2.0/agents",
    (
        Column("ID", "id"),
        Column("Agent Type", "agent_type"),
        Column("Host", "host"),
        Column("Alive", "alive"),
        Column("State", "admin_state_up"),
        Column("dnsmasq", "configurations.dnsmasq_version"),
        Column("Networks", "configurations.networks"),
        Column("Ports", "configurations.ports"),
        Column("Leases", "configurations.leases"),
    ),
    (
        Column("Binary", "binary"),
        Column("Interface Mappings", "configurations.interface_mappings"),
        Column("Bridge Mappings", "configurations.bridge_mappings"),
        Column("Tunneling IP", "configurations.tunneling_ip"),
        Column("Troubles", "configurations.troubles"),
        Column("Heartbeat", "heartbeat_timestamp", is_instant=True),
        Column("Started", "started_at", is_instant=True),
        Column("Description", "description"),
        Column("Port Filter", "configurations.guard.port_filter"),
        Column("Spoofed Frames", "configurations.guard.spoofed"),
        Column("DHCP Storms", "configurations.guard.storms"),
        Column("DHCP Fenced", "configurations.guard.fenced"),
    ),
    key="host",
    wording="on host",
    brief=("Host", "Alive", "State", "dnsmasq", "Networks", "Ports", "Leases"),
)

IP_AVAILABILITY = Resource(
    "ip availability",
    "network_ip_availabilities",
    "/v2.0/network-ip-availabilities",
    (
        Column("Network ID", "network_id"),
        Column("Network Name", "network_name"),
        Column("Total IPs", "total_ips"),
        Column("Used IPs", "used_ips"),
    ),
    (Column("Project", "project_id"),),
    key="network_name",
    wire_name="network_ip_availability",
    brief=("Network Name", "Total IPs", "Used IPs"),
    label="network_name",
)

AVAILABILITY_ZONE = Resource(
    "availability zone",
    "availability_zones",
    "/v2.0/availability_zones",
    (Column("Zone Name", "name"), Column("Zone Status", "state")),
    (Column("Zone Resource", "resource"),),
)

EXTENSION = Resource(
    "extension",
    "extensions",
    "/v2.0/extensions",
    (
        Column("Name", "name"),
        Column("Alias", "alias"),
        Column("Description", "description"),
    ),
    (Column("Updated", "updated"), Column("Links", "links")),
    key="alias",
    brief=("Alias", "Name"),
)

KINDS = (
    NETWORK,
    SUBNET,
    PORT,
    SUBNET_POOL,
    SUBNET_USAGE,
    SUBNET_ADDRESS,
    ADDRESS_SCOPE,
    ALLOCATION_EVENT,
    ADDRESS_HOLDER,
    IMPORT,
    AUDIT_EVENT,
    LEASE,
    DHCP_REFUSAL,
    LEASE_EVENT,
    RBAC_POLICY,
    QUOTA,
    AGENT,
    IP_AVAILABILITY,
    AVAILABILITY_ZONE,
    EXTENSION,
)
"""Every kind of the API."""
REFERRED = {kind.noun: kind for kind in (NETWORK, SUBNET, PORT, SUBNET_POOL, ADDRESS_SCOPE)}
"""The kinds that others refer to by id, by their nouns."""
