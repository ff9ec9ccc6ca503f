"""What the attributes mean, in a sentence each: the OpenAPI document and docs/api.md show it.

An attribute means the same wherever it stands; where it does not, `OF` has the sentence for the
structs whose names begin so.
"""

from collections.abc import Mapping
from typing import Any, Final

ATTRIBUTES: Final[Mapping[str, str]] = {
    "action": "What happened.",
    "address_scope_id": "The address scope in which the prefixes are unique.",
    "addresses": "The addresses of the subnet that are in use or known from leases.",
    "admin_state_up": "Whether it is switched on; what is off is not served.",
    "agent_type": "Always DHCP agent.",
    "alias": "The word by which clients ask for it.",
    "alive": "Whether the last heartbeat is recent.",
    "allocation_pools": "Ranges from which addresses are given; the whole subnet without its"
    " gateway when left out.",
    "allowed_address_pairs": "Further addresses that the machine may use; a missing mac_address"
    " is the port's.",
    "availability_zone": "The zone that the agent's host is in.",
    "availability_zone_hints": "Zones whose agents are to serve it; any zone when empty.",
    "availability_zones": "Zones of the agents that serve it.",
    "binary": "The agent's program.",
    "binding:host_id": "The host that the machine runs on.",
    "binding:profile": "Nova's own notes, kept as they are.",
    "binding:vif_details": "What the host needs to plug it in.",
    "binding:vif_type": "How it is plugged in: unbound without a host, else as its agent says.",
    "binding:vnic_type": "The kind of network card that is asked for.",
    "binding_host_id": "As binding:host_id.",
    "check_limit": "Refuse limits below what is used.",
    "checks": "What was looked at.",
    "cidr": "The network in prefix notation.",
    "client_id": "The DHCPv4 client identifier, as the client sent it, escaped.",
    "configurations": "What the agent says of itself: versions, counts.",
    "created_at": "When it was made, in UTC.",
    "default_prefixlen": "The prefix length of a subnet that asks for none.",
    "default_quota": "Addresses (IPv6: /64 networks) that one project may have of the pool; null"
    " for no limit.",
    "description": "Free text.",
    "destination": "The network that is reached this way.",
    "detail": "Always empty; clients want it to be there.",
    "details": "Further facts that the DHCP server knew.",
    "device_id": "The machine that has the port; its id in Nova.",
    "device_owner": "What kind of machine, such as compute:nova or network:dhcp.",
    "dhcp_port": "The port that the DHCP server answers from.",
    "digest": "Changes when anything of the network does that an agent serves.",
    "dns_assignment": "The name of each address in DNS.",
    "dns_domain": "The domain of names in the network; the service's own when empty.",
    "dns_name": "The machine's host name; made of the address when empty.",
    "dns_nameservers": "Name servers that clients are told.",
    "dns_publish_fixed_ip": "Always false: no external DNS is fed.",
    "duid": "The DHCPv6 client identifier, as the client sent it, escaped.",
    "enable_dhcp": "Whether DHCP is served.",
    "end": "The last address of the range.",
    "expires_at": "When the lease ends; null for never.",
    "extra_dhcp_opts": "DHCP options of this port alone; a null opt_value takes one away.",
    "first_seen_at": "When the client first had the address.",
    "fixed_ips": "The port's addresses; when left out, one of each IP version.",
    "floatingip": "Kept for clients: there are none.",
    "force": "Set limits below what is used; what clients ask for without check_limit.",
    "fqdn": "The name with its domain.",
    "gateway_ip": "The router that clients are told; null for none, the first address when left"
    " out.",
    "heartbeat_timestamp": "When the agent was last heard of.",
    "host": "The host's name, as in binding:host_id.",
    "host_routes": "Further routes that clients are told.",
    "hostname": "The host name.",
    "iaid": "The DHCPv6 identity association, as the client sent it.",
    "id": "The id, made by the service.",
    "ip_address": "The address.",
    "ip_allocation": "Always immediate: addresses are given when the port is made.",
    "ip_version": "4 or 6.",
    "ipv4_address_scope": "The address scope of its IPv4 subnets.",
    "ipv6_address_mode": "Where IPv6 addresses come from: pools with dhcpv6-stateful, else the"
    " MAC address.",
    "ipv6_address_scope": "The address scope of its IPv6 subnets.",
    "ipv6_ra_mode": "What router advertisements say; null when another router sends them.",
    "is_default": "The one that is used when none is named.",
    "last_seen_at": "When the client last asked for it.",
    "lease_seconds": "How long leases are.",
    "limit": "How many are allowed; -1 for any number.",
    "links": "Always empty.",
    "mac_address": "The MAC address; made by the service when left out.",
    "max_prefixlen": "The longest prefix that a subnet may have.",
    "message": "What is wrong, for people.",
    "min_prefixlen": "The shortest prefix that a subnet may have.",
    "mtu": "The largest packet in bytes; the service's default when left out.",
    "name": "A name for people; need not be unique.",
    "network": "How many networks.",
    "network_id": "The network.",
    "network_name": "The network's name.",
    "nexthop": "The router that is asked.",
    "object_id": "What is shared.",
    "object_type": "The kind of what is shared.",
    "occurred_at": "When it happened, in UTC.",
    "occurred_at_us": "When it happened, in microseconds since 1970.",
    "opt_name": "The option, by dnsmasq's name or number.",
    "opt_value": "Its value.",
    "port": "How many ports.",
    "port_id": "The port that has, or had, the address; null for none.",
    "port_security_enabled": "Kept for clients; packets are not filtered.",
    "ports": "The ports to serve.",
    "prefixes": "The address space, merged where prefixes touch.",
    "prefixlen": "The prefix length, for a subnet whose cidr the pool chooses.",
    "profile": "As binding:profile, for this host.",
    "project_id": "The project that it belongs to; the caller's when left out.",
    "provider:network_type": "How the network is built: flat, vlan, vxlan.",
    "provider:physical_network": "The data centre's network that it is on.",
    "provider:segmentation_id": "Its VLAN or VNI.",
    "qos_network_policy_id": "Always null: there is no QoS.",
    "qos_policy_id": "Always null: there is no QoS.",
    "rbac_policy": "How many RBAC policies.",
    "reason": "Why it does not work; empty when it does.",
    "recorded_at": "When the service learned of it, in UTC.",
    "reserved": "Always 0.",
    "resource": "What the zone is for.",
    "resource_request": "Always null: nothing is asked of Placement.",
    "resources_synced": "Always null; kept for clients.",
    "revision_number": "Grows with each change; for If-Match.",
    "router": "Kept for clients: there are none.",
    "router:external": "Whether it leads outside; all projects then see it.",
    "security_group": "Kept for clients: there are none.",
    "security_group_rule": "Kept for clients: there are none.",
    "security_groups": "Always empty: there are none.",
    "segment_id": "Always null: networks have no segments.",
    "service_types": "The device_owners whose ports get addresses here; any when empty.",
    "shared": "Whether all projects may use it.",
    "start": "The first address of the range.",
    "started_at": "When the agent's process started.",
    "state": "Whether an agent in the zone is alive.",
    "status": "ACTIVE when it works.",
    "subnet": "How many subnets.",
    "subnet_id": "The subnet of the address.",
    "subnet_ip_availability": "The same for each subnet.",
    "subnet_name": "The subnet's name.",
    "subnetpool": "How many subnet pools.",
    "subnetpool_id": "The subnet pool that the cidr comes from; null when it was given.",
    "subnets": "The subnets.",
    "tags": "Words to find it by.",
    "target_tenant": "The project it is shared with; * for all.",
    "tenant_id": "The older name of project_id; bodies may use either.",
    "topic": "Kept for clients.",
    "total_ips": "How many addresses can be given.",
    "type": "The kind of error, for programs.",
    "updated": "When Neutron's extension of this name last changed.",
    "updated_at": "When it was last changed, in UTC.",
    "use_default_subnetpool": "Take the cidr from the default subnet pool.",
    "used": "How many there are.",
    "used_ips": "How many addresses are given.",
    "vif_details": "As binding:vif_details, for this host.",
    "vif_type": "As binding:vif_type, for this host.",
    "vnic_type": "As binding:vnic_type, for this host.",
}

OF: Final[Mapping[str, Mapping[str, str]]] = {
    "AgentReport": {"started_at": "When the agent's process started, in seconds since 1970."},
    "AvailabilityZone": {"name": "The zone."},
    "Binding": {"status": "ACTIVE on the host that the machine runs on; INACTIVE on another."},
    "Check": {"name": "What was looked at.", "status": "ok or failed."},
    "Extension": {"name": "Its name.", "description": "What it adds."},
    "LeaseEvent": {"hostname": "The name that the client sent, escaped."},
    "LeaseEventCreate": {
        "expires_at": "When the lease ends, in seconds since 1970; null for never.",
        "id": "32 hexadecimal digits, chosen at random by who saw it.",
    },
    "Lease": {"hostname": "The name that the client sent, escaped."},
    "Network": {
        "admin_state_up": "Whether it is switched on; a network that is off gets no DHCP.",
        "status": "Always ACTIVE.",
    },
    "NetworkView": {"subnets": "The ids of its subnets."},
    "Port": {
        "admin_state_up": "Whether it is switched on; a port that is off gets no DHCP.",
        "status": "DOWN until the host can serve it, then ACTIVE.",
    },
    "RbacPolicy": {"action": "access_as_shared, or access_as_external for networks."},
    "Subnet": {
        "cidr": "The network in prefix notation; a subnet pool can choose it.",
        "network_id": "The network that it is on.",
    },
}


def meaning(struct: str, attribute: str) -> str:
    """The sentence for an attribute of the struct with this name; empty where there is none."""
    for length in range(len(struct), 0, -1):
        if attribute in (special := OF.get(struct[:length], {})):
            return special[attribute]
    return ATTRIBUTES.get(attribute, "")


def describe(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Add the sentences to the JSON schemas of structs, by their names."""
    for struct, schema in schemas.items():
        for attribute, described in schema.get("properties", {}).items():
            if sentence := meaning(struct, attribute):
                described.setdefault("description", sentence)
