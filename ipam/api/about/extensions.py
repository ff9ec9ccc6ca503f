"""The aliases of Neutron's extensions that the API serves. Clients choose their requests by them.

An alias is here only if the whole extension works. Names and dates are those of neutron-lib.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from ipam import model


class Extension(Struct, frozen=True):
    """One extension, the same in the list and by itself."""

    alias: Annotated[str, Meta(description="The name by which clients look for it.")]
    name: Annotated[str, Meta(description="Its name.")]
    description: Annotated[str, Meta(description="What it adds.")]
    updated: Annotated[
        str, Meta(description="When Neutron's extension of this name last changed.")
    ] = "2012-01-01T00:00:00-00:00"
    links: Annotated[tuple[str, ...], Meta(description="Always empty.")] = ()


EXTENSIONS: Final = (
    Extension("address-scope", "Address scope", "Subnet pools that share no address"),
    Extension("agent", "agent", "The agents that serve DHCP, and whether they are alive"),
    Extension("agent_sort_key", "Agents Sort Key", "sort_key of agents"),
    Extension("allocation-events", "Allocation history", "Who had which address when (ours)"),
    Extension("allowed-address-pairs", "Allowed Address Pairs", "Further addresses of a port"),
    Extension("availability_zone", "Availability Zone", "The zones that agents are in"),
    Extension("availability_zone_filter", "Availability Zone Filter", "Filters of zones"),
    Extension("binding", "Port Binding", "On which host a port is, and how it is plugged"),
    Extension("binding-extended", "Port Bindings Extended", "Bindings of a port to several hosts"),
    Extension("default-subnetpools", "Default Subnetpools", "is_default of subnet pools"),
    Extension(
        "dhcp-settings",
        "DHCP settings of networks and subnets",
        "dhcp_options, dhcp_boot and lease_time, and what a machine is told in the end (ours)",
    ),
    Extension("dhcp_agent_scheduler", "DHCP Agent Scheduler", "Which agents serve a network"),
    Extension("dns-domain-ports", "dns_domain for ports", "dns_domain of ports"),
    Extension("dns-integration", "DNS Integration", "dns_name of ports, dns_domain of networks"),
    Extension("dry-runs", "Dry runs", "What requests would do to hosts and machines (ours)"),
    Extension("empty-string-filtering", "Empty String Filtering", "name= finds what has none"),
    Extension("external-net", "Neutron external network", "router:external of networks"),
    Extension("extra_dhcp_opt", "Neutron Extra DHCP options", "DHCP options of one port"),
    Extension("idempotency-key", "Idempotency-Key", "A POST sent again is answered again (ours)"),
    Extension("ip-substring-filtering", "IP address substring filtering", "ip_address_substr"),
    Extension("net-mtu", "Network MTU", "mtu of networks"),
    Extension("net-mtu-writable", "Network MTU (writable)", "mtu can be set and changed"),
    Extension(
        "network_availability_zone",
        "Network Availability Zone",
        "availability_zone_hints and availability_zones of networks",
    ),
    Extension(
        "network-dns-servers",
        "Name servers of a network's resolver",
        "dns_servers: whom it asks for names of elsewhere (ours)",
    ),
    Extension("network-ip-availability", "Network IP Availability", "How full networks are"),
    Extension("pagination", "Pagination support", "limit, marker and page_reverse"),
    Extension("port-ends", "Ports that end", "expires_at of ports (ours)"),
    Extension(
        "port-mac-address-regenerate",
        "Neutron Port MAC address regenerate",
        "PUT of mac_address null gives a port another one",
    ),
    Extension(
        "port-security", "Port Security", "port_security_enabled: may a port send from any address"
    ),
    Extension("project-id", "project_id field enabled", "project_id beside tenant_id"),
    Extension("provider", "Provider Network", "provider:* of networks"),
    Extension("quota-check-limit", "Quota check limit", "check_limit when quotas are set"),
    Extension("quota_details", "Quota details management support", "What is used of quotas"),
    Extension("quotas", "Quota management support", "How many of something a project may have"),
    Extension("rbac-address-scope", "RBAC of address scopes", "They are shared by policies too"),
    Extension("rbac-policies", "RBAC Policies", "Sharing with one project, or with all"),
    Extension("rbac-subnetpool", "RBAC of subnet pools", "They are shared by policies too"),
    Extension("revision-if-match", "If-Match constraints", "If-Match: revision_number=N"),
    Extension("sort-key-validation", "Sort keys validation", "A strange sort_key is refused"),
    Extension("sorting", "Sorting support", "sort_key and sort_dir"),
    Extension("standard-attr-description", "standard-attr-description", "description"),
    Extension("standard-attr-revisions", "Resource revision numbers", "revision_number"),
    Extension("standard-attr-tag", "Tag support", "Tags of networks, subnets, pools, ports"),
    Extension("standard-attr-timestamp", "Resource timestamps", "created_at and updated_at"),
    Extension(
        "subnet-address-selection",
        "Address selection of subnets",
        "address_selection: which free address a port gets (ours)",
    ),
    Extension("subnet-addresses", "Addresses of a subnet", "Which are taken, by whom (ours)"),
    Extension(
        "subnet-client-classes",
        "Client classes of subnets",
        "Machines with dynamic addresses or DHCP options of their own (ours)",
    ),
    Extension(
        "subnet-dns-publish-fixed-ip",
        "Subnet DNS publish fixed IP",
        "dns_publish_fixed_ip of subnets: names in zones elsewhere",
    ),
    Extension(
        "subnet-dynamic-ranges",
        "Dynamic ranges of subnets",
        "Machines without a port get addresses of dynamic_ranges (ours)",
    ),
    Extension(
        "subnet-external-network",
        "Subnet belongs to an external network",
        "router:external of subnets; who sees an external network sees its subnets",
    ),
    Extension("subnet-resize", "Resize of subnets", "PUT of cidr around a subnet's ports (ours)"),
    Extension("subnet-split", "Split and merge of subnets", "PUT of split and merge (ours)"),
    Extension("subnet-service-types", "Subnet service types", "service_types of subnets"),
    Extension(
        "subnet-static-ranges",
        "Static ranges of subnets",
        "Addresses of static_ranges are given only to who names them (ours)",
    ),
    Extension("subnet_allocation", "Subnet Allocation", "Subnets from subnet pools"),
    Extension("subnetpool-prefix-ops", "Subnet Pool Prefix Operations", "Add and remove prefixes"),
    Extension("tag-creation", "Tag creation extension", "POST of several tags"),
    Extension("tag-ports-during-bulk-creation", "Tag Ports During Bulk Creation", "tags on POST"),
)


def served(vif_type: str) -> tuple[Extension, ...]:
    """The extensions of a service with this VIF type.

    With `binding-extended`, Nova expects an event when the target of a live migration is plugged.
    With a bridge it would come too late: the interface appears when the machine has arrived.
    """
    left_out = {"binding-extended"} if vif_type != model.VIF_TAP else set()
    return tuple(each for each in EXTENSIONS if each.alias not in left_out)
