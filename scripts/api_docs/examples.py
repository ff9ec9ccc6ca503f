"""The examples of docs/api.md, in the order in which they are run on an empty service.

`$name` in a path or a body is a value kept from an earlier answer. Every operation of the API has
an example here, except that tags have examples for only one kind of resource.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Example:
    """A request, what is to come of it, and how much of the answer the page shows."""

    title: str
    method: str
    path: str
    body: Any = None
    status: int = 200
    caller: str = "member"
    """Who sends it: member, admin or service, each of a project of its own."""
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    """Names for values of the answer: `{"port": "port.id"}`."""
    shown: tuple[str, ...] = ()
    """The attributes of each item that the page shows; all when empty, none when ("",)."""


NETWORKS: Final = (
    Example(
        "Make a network",
        "POST",
        "/v2.0/networks",
        {"network": {"name": "lan", "description": "The office", "tags": ["office"]}},
        201,
        keep={"network": "network.id", "project": "network.project_id"},
    ),
    Example(
        "Make several, all or none",
        "POST",
        "/v2.0/networks",
        {"networks": [{"name": "guests", "mtu": 1400}, {"name": "spare"}]},
        201,
        keep={"spare": "networks.1.id"},
        shown=("id", "name", "mtu"),
    ),
    Example(
        "Make a network on a VLAN that everybody may use, as an admin",
        "POST",
        "/v2.0/networks",
        {
            "network": {
                "name": "servers",
                "shared": True,
                "provider:network_type": "vlan",
                "provider:physical_network": "room-1",
                "provider:segmentation_id": 12,
            }
        },
        201,
        caller="admin",
        keep={"servers": "network.id"},
        shown=(
            "id",
            "name",
            "shared",
            "provider:network_type",
            "provider:physical_network",
            "provider:segmentation_id",
        ),
    ),
    Example(
        "Find networks by name or tag, sorted, and show some fields only",
        "GET",
        "/v2.0/networks?tags=office&sort_key=name&fields=id&fields=name",
    ),
    Example(
        "List page by page: follow the link `next`",
        "GET",
        "/v2.0/networks?limit=1&sort_key=name&fields=name&fields=id",
    ),
    Example(
        "Have a network's resolver ask a name server of its own, as an admin; [] for none",
        "PUT",
        "/v2.0/networks/$servers",
        {"network": {"dns_servers": ["192.0.2.53"]}},
        caller="admin",
        shown=("id", "dns_servers"),
    ),
    Example("Show one", "GET", "/v2.0/networks/$network"),
    Example(
        "Change it, unless somebody else changed it first",
        "PUT",
        "/v2.0/networks/$network",
        {"network": {"description": "The office, second floor"}},
        headers={"If-Match": "revision_number=0"},
        shown=("id", "description", "revision_number", "updated_at"),
    ),
    Example(
        "The same once more is refused: it has another revision by now",
        "PUT",
        "/v2.0/networks/$network",
        {"network": {"description": "The attic"}},
        412,
        headers={"If-Match": "revision_number=0"},
    ),
    Example("Delete one", "DELETE", "/v2.0/networks/$spare", status=204),
)

POOLS: Final = (
    Example(
        "Make an address scope",
        "POST",
        "/v2.0/address-scopes",
        {"address_scope": {"name": "routed", "ip_version": 4}},
        201,
        keep={"scope": "address_scope.id"},
    ),
    Example("List", "GET", "/v2.0/address-scopes?ip_version=4", shown=("id", "name")),
    Example("Show one", "GET", "/v2.0/address-scopes/$scope", shown=("id", "name", "shared")),
    Example(
        "Change its name",
        "PUT",
        "/v2.0/address-scopes/$scope",
        {"address_scope": {"name": "routed-v4"}},
        shown=("id", "name", "revision_number"),
    ),
    Example(
        "Make a subnet pool in the address scope",
        "POST",
        "/v2.0/subnetpools",
        {
            "subnetpool": {
                "name": "office",
                "prefixes": ["10.20.0.0/16"],
                "default_prefixlen": 24,
                "min_prefixlen": 22,
                "address_scope_id": "$scope",
            }
        },
        201,
        keep={"pool": "subnetpool.id"},
    ),
    Example("List", "GET", "/v2.0/subnetpools", shown=("id", "name", "prefixes")),
    Example(
        "Show one",
        "GET",
        "/v2.0/subnetpools/$pool",
        shown=("id", "prefixes", "min_prefixlen", "max_prefixlen"),
    ),
    Example(
        "Change the prefix length of subnets that ask for none",
        "PUT",
        "/v2.0/subnetpools/$pool",
        {"subnetpool": {"default_prefixlen": 25}},
        shown=("id", "default_prefixlen", "revision_number"),
    ),
    Example(
        "Add prefixes: those that touch become one",
        "PUT",
        "/v2.0/subnetpools/$pool/add_prefixes",
        {"prefixes": ["10.21.0.0/16", "10.40.0.0/16"]},
    ),
    Example(
        "Remove prefixes that no subnet needs",
        "PUT",
        "/v2.0/subnetpools/$pool/remove_prefixes",
        {"prefixes": ["10.40.0.0/16"]},
    ),
)

SUBNETS: Final = (
    Example(
        "Make a subnet",
        "POST",
        "/v2.0/subnets",
        {
            "subnet": {
                "network_id": "$network",
                "name": "lan-v4",
                "ip_version": 4,
                "cidr": "10.0.0.0/24",
                "allocation_pools": [{"start": "10.0.0.100", "end": "10.0.0.199"}],
                "dns_nameservers": ["10.0.0.53"],
            }
        },
        201,
        keep={"subnet": "subnet.id"},
    ),
    Example(
        "Make an IPv6 subnet whose machines make their addresses themselves",
        "POST",
        "/v2.0/subnets",
        {
            "subnet": {
                "network_id": "$network",
                "ip_version": 6,
                "cidr": "2001:db8:1::/64",
                "ipv6_address_mode": "slaac",
                "ipv6_ra_mode": "slaac",
            }
        },
        201,
        keep={"subnet6": "subnet.id"},
        shown=("id", "cidr", "gateway_ip", "ipv6_address_mode", "ipv6_ra_mode"),
    ),
    Example(
        "Let a subnet pool choose the prefix",
        "POST",
        "/v2.0/subnets",
        {
            "subnet": {
                "network_id": "$servers",
                "name": "servers-v4",
                "ip_version": 4,
                "subnetpool_id": "$pool",
                "prefixlen": 26,
            }
        },
        201,
        caller="admin",
        keep={"pooled": "subnet.id"},
        shown=("id", "cidr", "subnetpool_id"),
    ),
    Example("List", "GET", "/v2.0/subnets?ip_version=4&sort_key=cidr", shown=("id", "cidr")),
    Example(
        "Show one",
        "GET",
        "/v2.0/subnets/$subnet?fields=cidr&fields=gateway_ip&fields=allocation_pools",
    ),
    Example(
        "Give clients another router and name server",
        "PUT",
        "/v2.0/subnets/$subnet",
        {"subnet": {"gateway_ip": "10.0.0.254", "dns_nameservers": ["10.0.0.54"]}},
        shown=("id", "gateway_ip", "dns_nameservers"),
    ),
    Example(
        "Set a DHCP option, how long leases are, and what machines boot from",
        "PUT",
        "/v2.0/subnets/$subnet",
        {
            "subnet": {
                "dhcp_options": [{"opt_name": "ntp-server", "opt_value": "10.0.0.7"}],
                "lease_time": 43200,
                "dhcp_boot": {
                    "tftp_server": "10.0.0.9",
                    "bios": "undionly.kpxe",
                    "uefi_x64": "ipxe.efi",
                    "ipxe_script": "http://10.0.0.9/boot.ipxe",
                },
            }
        },
        shown=("id", "dhcp_options", "lease_time", "dhcp_boot"),
    ),
    Example(
        "See what a machine without a port is told there, and who says so",
        "GET",
        "/v2.0/subnets/$subnet/dhcp-options",
    ),
    Example(
        "Keep addresses for what is set up by hand",
        "PUT",
        "/v2.0/subnets/$subnet",
        {
            "subnet": {
                "static_ranges": [
                    {
                        "start": "10.0.0.240",
                        "end": "10.0.0.250",
                        "label": "printers",
                        "owner": "facilities",
                    }
                ]
            }
        },
        shown=("id", "static_ranges", "allocation_pools"),
    ),
    Example(
        "A pool that leaves its subnet is refused",
        "PUT",
        "/v2.0/subnets/$subnet",
        {"subnet": {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.1.9"}]}},
        400,
    ),
)

PORTS: Final = (
    Example(
        "Make a port with any address",
        "POST",
        "/v2.0/ports",
        {"port": {"network_id": "$network", "name": "printer", "dns_name": "printer"}},
        201,
        keep={"port": "port.id"},
    ),
    Example(
        "Make a port with a given address and MAC address, and tell its machine where to boot",
        "POST",
        "/v2.0/ports",
        {
            "port": {
                "network_id": "$network",
                "fixed_ips": [{"subnet_id": "$subnet", "ip_address": "10.0.0.20"}],
                "mac_address": "52:54:00:12:34:56",
                "extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "pxelinux.0"}],
            }
        },
        201,
        keep={"spare_port": "port.id"},
        shown=("id", "fixed_ips", "mac_address", "extra_dhcp_opts"),
    ),
    Example(
        "Sent twice under one Idempotency-Key it is made once",
        "POST",
        "/v2.0/ports",
        {"port": {"network_id": "$network", "name": "camera"}},
        201,
        headers={"Idempotency-Key": "make-the-camera"},
        keep={"camera": "port.id"},
        shown=("id", "name"),
    ),
    Example(
        "The second time",
        "POST",
        "/v2.0/ports",
        {"port": {"network_id": "$network", "name": "camera"}},
        201,
        headers={"Idempotency-Key": "make-the-camera"},
        shown=("id", "name"),
    ),
    Example(
        "Have it end by itself",
        "PUT",
        "/v2.0/ports/$camera",
        {"port": {"expires_at": "2099-01-31T18:00:00Z"}},
        shown=("id", "expires_at"),
    ),
    Example(
        "An address that is taken is refused",
        "POST",
        "/v2.0/ports",
        {"port": {"network_id": "$network", "fixed_ips": [{"ip_address": "10.0.0.20"}]}},
        409,
    ),
    Example(
        "Find a port by a part of its address",
        "GET",
        "/v2.0/ports?fixed_ips=ip_address_substr%3D0.0.20&fields=id&fields=fixed_ips",
    ),
    Example(
        "Show one",
        "GET",
        "/v2.0/ports/$port",
        shown=("id", "name", "status", "fixed_ips", "dns_assignment"),
    ),
    Example(
        "Say on which host its machine runs, as Nova does",
        "PUT",
        "/v2.0/ports/$port",
        {"port": {"binding:host_id": "host-1", "device_owner": "compute:nova"}},
        caller="service",
        shown=("id", "binding:host_id", "binding:vif_type", "binding:vif_details", "status"),
    ),
    Example(
        "See what its machine is told by DHCP, and who says so",
        "GET",
        "/v2.0/ports/$port/dhcp-options",
    ),
    Example("Delete one", "DELETE", "/v2.0/ports/$spare_port", status=204),
)

BINDINGS: Final = (
    Example(
        "Bind it on the target of a live migration too",
        "POST",
        "/v2.0/ports/$port/bindings",
        {"binding": {"host": "host-2"}},
        201,
        caller="service",
    ),
    Example(
        "List",
        "GET",
        "/v2.0/ports/$port/bindings",
        caller="service",
        shown=("host", "status"),
    ),
    Example(
        "Show one",
        "GET",
        "/v2.0/ports/$port/bindings/host-2",
        caller="service",
        shown=("host", "status", "vif_type"),
    ),
    Example(
        "Change one",
        "PUT",
        "/v2.0/ports/$port/bindings/host-2",
        {"binding": {"profile": {"migrating": "yes"}}},
        caller="service",
        shown=("host", "profile"),
    ),
    Example(
        "The machine runs there from now on",
        "PUT",
        "/v2.0/ports/$port/bindings/host-2/activate",
        caller="service",
        shown=("host", "status"),
    ),
    Example(
        "Forget the source",
        "DELETE",
        "/v2.0/ports/$port/bindings/host-1",
        status=204,
        caller="service",
    ),
)

ADDRESSES: Final = (
    Example(
        "Who has which address",
        "GET",
        "/v2.0/subnets/$subnet/addresses?limit=2",
    ),
    Example("How full networks are", "GET", "/v2.0/network-ip-availabilities", caller="admin"),
    Example(
        "How full one network is",
        "GET",
        "/v2.0/network-ip-availabilities/$network",
        caller="admin",
        shown=("network_name", "total_ips", "used_ips"),
    ),
    Example(
        "How full subnets are, and when they will be full",
        "GET",
        "/v2.0/subnet-usages?network_id=$network&limit=1",
    ),
    Example(
        "How full one subnet is",
        "GET",
        "/v2.0/subnet-usages/$subnet",
        shown=("cidr", "used", "free", "outlook"),
    ),
    Example(
        "Who had an address, the last first; `at=` asks for one moment",
        "GET",
        "/v2.0/allocation-events?ip_address=10.0.0.20&since=2020-01-01T00:00:00Z",
        keep={"allocation_event": "allocation_events.0.id"},
    ),
    Example(
        "Show one",
        "GET",
        "/v2.0/allocation-events/$allocation_event",
        shown=("id", "action", "ip_address", "occurred_at"),
    ),
    Example(
        "Who held an address at one moment, from both histories",
        "GET",
        "/v2.0/address-holders?ip_address=10.0.0.20&at=2100-01-01T00:00:00Z",
    ),
    Example(
        "Find whatever a text means; each list has things of one kind, in their usual form",
        "GET",
        "/v2.0/find?q=guests",
    ),
)

IMPORTS: Final = (
    Example(
        "Import an estate, all or nothing",
        "POST",
        "/v2.0/imports",
        {
            "import": {
                "format": "dnsmasq",
                "source": "/etc/dnsmasq.conf",
                "networks": [{"ref": "old", "body": {"name": "old"}}],
                "subnets": [
                    {
                        "network": "old",
                        "server_address": "192.0.2.2",
                        "body": {"cidr": "192.0.2.0/24", "ip_version": 4},
                    }
                ],
                "ports": [
                    {
                        "network": "old",
                        "body": {
                            "name": "web",
                            "mac_address": "52:54:00:00:00:01",
                            "fixed_ips": [{"ip_address": "192.0.2.10"}],
                        },
                    }
                ],
                "report": ["dnsmasq.conf:3: take host 52:54:00:00:00:01: 192.0.2.10"],
            }
        },
        201,
        caller="admin",
        keep={"import": "import.id"},
    ),
    Example("List them", "GET", "/v2.0/imports", caller="admin", shown=("id", "source")),
    Example("Show one", "GET", "/v2.0/imports/$import", caller="admin", shown=("id", "ports")),
    Example("Show its report", "GET", "/v2.0/imports/$import/report", caller="admin"),
    Example("Undo it", "PUT", "/v2.0/imports/$import/undo", caller="admin"),
)

DRY_RUNS: Final = (
    Example(
        "Ask what a change would do to hosts and machines",
        "POST",
        "/v2.0/dry-runs",
        {
            "dry_run": {
                "requests": [
                    {
                        "method": "PUT",
                        "path": "/v2.0/subnets/$subnet",
                        "body": {"subnet": {"dns_nameservers": ["9.9.9.9"]}},
                    }
                ]
            }
        },
        caller="admin",
    ),
)

RECOVERY: Final = (
    Example("Show how far it is", "GET", "/v2.0/recovery", caller="admin"),
    Example(
        "End it without the hosts that have not told",
        "PUT",
        "/v2.0/recovery/finish",
        caller="admin",
        shown=("status", "missing"),
    ),
)

AUDIT: Final = (
    Example(
        "Who changed a port last",
        "GET",
        "/v2.0/audit-events?object_id=$port&operation=update_port&limit=1",
        caller="admin",
        keep={"audit_event": "audit_events.0.id"},
    ),
    Example(
        "Show one",
        "GET",
        "/v2.0/audit-events/$audit_event",
        caller="admin",
        shown=("user_id", "operation", "outcome", "changes"),
    ),
)

TAGS: Final = (
    Example("List", "GET", "/v2.0/networks/$network/tags"),
    Example(
        "Add some", "POST", "/v2.0/networks/$network/tags", {"tags": ["floor-2", "wired"]}, 201
    ),
    Example("Replace all", "PUT", "/v2.0/networks/$network/tags", {"tags": ["office"]}),
    Example("Add one", "PUT", "/v2.0/networks/$network/tags/quiet", status=201),
    Example("Ask for one", "GET", "/v2.0/networks/$network/tags/quiet", status=204),
    Example("Remove one", "DELETE", "/v2.0/networks/$network/tags/quiet", status=204),
    Example("Remove all", "DELETE", "/v2.0/networks/$network/tags", status=204),
)

SHARING: Final = (
    Example(
        "Share a network with one project",
        "POST",
        "/v2.0/rbac-policies",
        {
            "rbac_policy": {
                "object_type": "network",
                "object_id": "$network",
                "action": "access_as_shared",
                "target_tenant": "b0a1c2d3e4f5460798a9b0c1d2e3f405",
            }
        },
        201,
        keep={"policy": "rbac_policy.id"},
    ),
    Example(
        "List",
        "GET",
        "/v2.0/rbac-policies?object_type=network&object_id=$network",
        shown=("id", "target_tenant"),
    ),
    Example("Show one", "GET", "/v2.0/rbac-policies/$policy", shown=("id", "action")),
    Example(
        "Share it with another project instead",
        "PUT",
        "/v2.0/rbac-policies/$policy",
        {"rbac_policy": {"target_tenant": "c1b2a3d4e5f6470898b9a0d1c2e3f506"}},
        shown=("id", "target_tenant"),
    ),
    Example("Stop sharing it", "DELETE", "/v2.0/rbac-policies/$policy", status=204),
)

QUOTAS: Final = (
    Example("Show a project's quotas", "GET", "/v2.0/quotas/$project"),
    Example(
        "Set some, as an admin",
        "PUT",
        "/v2.0/quotas/$project",
        {"quota": {"network": 20, "port": 200, "check_limit": True}},
        caller="admin",
        shown=("network", "port"),
    ),
    Example("Projects with quotas of their own", "GET", "/v2.0/quotas", caller="admin"),
    Example(
        "With what is used",
        "GET",
        "/v2.0/quotas/$project/details",
        shown=("network", "subnet", "port"),
    ),
    Example(
        "The same, under the name that older clients use",
        "GET",
        "/v2.0/quotas/$project/details.json",
        shown=("network",),
    ),
    Example(
        "The default quotas",
        "GET",
        "/v2.0/quotas/$project/default",
        shown=("network", "subnet", "port"),
    ),
    Example("Whose quotas these are", "GET", "/v2.0/quotas/project"),
    Example("Under its older name", "GET", "/v2.0/quotas/tenant"),
    Example(
        "Give a project the default quotas again",
        "DELETE",
        "/v2.0/quotas/$project",
        status=204,
        caller="admin",
    ),
)

AGENTS: Final = (
    Example(
        "A heartbeat; the first one makes the agent",
        "POST",
        "/v2.0/agents",
        {
            "agent": {
                "host": "host-1",
                "started_at": 1_800_000_000,
                "availability_zone": "room-1",
                "configurations": {"dnsmasq_version": "2.90", "networks": 2, "ports": 17},
                "networks": {
                    "$network": {"bridge": "brq5a1f0e9c-1d", "state": "local", "taps": 1}
                },
            }
        },
        caller="agent",
        keep={"agent": "agent.id"},
    ),
    Example(
        "List those that live",
        "GET",
        "/v2.0/agents?alive=true",
        caller="admin",
        shown=("id", "host", "alive"),
    ),
    Example(
        "Show one",
        "GET",
        "/v2.0/agents/$agent",
        caller="admin",
        shown=("id", "host", "availability_zone", "configurations"),
    ),
    Example(
        "Switch one off: other agents take its networks",
        "PUT",
        "/v2.0/agents/$agent",
        {"agent": {"admin_state_up": False, "description": "New disk"}},
        caller="admin",
        shown=("id", "admin_state_up", "description"),
    ),
    Example(
        "And on again",
        "PUT",
        "/v2.0/agents/$agent",
        {"agent": {"admin_state_up": True}},
        caller="admin",
        shown=("id", "admin_state_up"),
    ),
    Example(
        "Availability zones",
        "GET",
        "/v2.0/availability_zones",
    ),
    Example(
        "Let an agent serve a network",
        "POST",
        "/v2.0/agents/$agent/dhcp-networks",
        {"network_id": "$servers"},
        201,
        caller="admin",
    ),
    Example(
        "Which networks an agent serves",
        "GET",
        "/v2.0/agents/$agent/dhcp-networks?fields=id&fields=name",
        caller="admin",
    ),
    Example(
        "Which agents serve a network",
        "GET",
        "/v2.0/networks/$servers/dhcp-agents?fields=id&fields=host",
        caller="admin",
    ),
    Example(
        "Where a network is, as the agents of its hosts say",
        "GET",
        "/v2.0/networks/$network/hosts",
        caller="admin",
    ),
    Example(
        "Have an agent ask a network's resolver on its host",
        "POST",
        "/v2.0/agents/$agent/dns-lookup",
        {"dns_lookup": {"network_id": "$servers", "questions": ["web", "10.0.0.20"]}},
        202,
        caller="admin",
        keep={"lookup": "dns_lookup.id"},
    ),
    Example(
        "The agent answers",
        "POST",
        "/v2.0/agents/$agent/dns-answer",
        {
            "dns_answer": {
                "id": "$lookup",
                "answers": [
                    {"question": "web", "code": "NOERROR", "records": ["10.0.0.20"]},
                    {"question": "10.0.0.20", "code": "NOERROR", "records": ["web.lab.example."]},
                ],
            }
        },
        204,
        caller="agent",
    ),
    Example(
        "See what it said",
        "GET",
        "/v2.0/agents/$agent/dns-lookup",
        caller="admin",
    ),
    Example(
        "Ask who uses an address, before it is given by hand",
        "POST",
        "/v2.0/networks/$servers/address-checks",
        {"address_check": {"ip_addresses": ["10.0.0.77"]}},
        202,
        caller="admin",
        keep={"check": "address_check.id"},
    ),
    Example(
        "An agent answers: a machine has it",
        "POST",
        "/v2.0/agents/$agent/address-checks",
        {
            "address_check": {
                "id": "$check",
                "machines": [{"ip_address": "10.0.0.77", "mac_address": "52:54:00:99:88:77"}],
            }
        },
        204,
        caller="agent",
    ),
    Example(
        "See what was heard",
        "GET",
        "/v2.0/networks/$servers/address-checks/$check",
        caller="admin",
    ),
    Example(
        "Which addresses of ports other machines have",
        "GET",
        "/v2.0/address-conflicts?network_id=$servers",
        caller="admin",
    ),
    Example(
        "Which agent answers machines behind the uplink of a network",
        "GET",
        "/v2.0/elected-agents?network_id=$servers",
        caller="admin",
    ),
    Example(
        "Take the network from the agent",
        "DELETE",
        "/v2.0/agents/$agent/dhcp-networks/$servers",
        status=204,
        caller="admin",
    ),
    Example(
        "What an agent serves now",
        "GET",
        "/v2.0/agents/$agent/dhcp-state",
        caller="agent",
    ),
    Example(
        "One network in full",
        "GET",
        "/v2.0/agents/$agent/dhcp-state?network_id=$network",
        caller="agent",
        keep={
            "ready_port": "networks.0.ports.0.id",
            "ready_revision": "networks.0.ports.0.revision_number",
        },
    ),
    Example(
        "The names that its resolver answers, on every host that serves it",
        "GET",
        "/v2.0/agents/$agent/dhcp-state?names_of=$network",
        caller="agent",
    ),
    Example(
        "Say that a port can be used now",
        "POST",
        "/v2.0/agents/$agent/ready-ports",
        {"ports": [{"id": "$ready_port", "revision_number": "$ready_revision"}]},
        caller="agent",
    ),
    Example(
        "Ask what its machine would get by DHCP",
        "POST",
        "/v2.0/ports/$ready_port/probe",
        status=202,
        keep={"probe": "probe.id"},
    ),
    Example(
        "Answer what its machine would get",
        "POST",
        "/v2.0/agents/$agent/probes",
        {
            "probes": [
                {
                    "id": "$probe",
                    "offers": [
                        {
                            "server": "10.0.0.2",
                            "address": "10.0.0.20",
                            "prefix_length": 24,
                            "lease_seconds": 86400,
                            "options": [{"code": "3", "name": "router", "value": "10.0.0.1"}],
                        }
                    ],
                }
            ]
        },
        caller="agent",
    ),
    Example("See the answer", "GET", "/v2.0/ports/$ready_port/probe"),
    Example(
        "Tell of a machine that DHCP did not answer",
        "POST",
        "/v2.0/agents/$agent/dhcp-refusals",
        {
            "dhcp_refusals": [
                {
                    "network_id": "$network",
                    "client": "52:54:00:dd:ee:ff",
                    "reason": "no address available",
                    "count": 3,
                    "first_at": 1_760_000_000,
                    "last_at": 1_760_000_009,
                }
            ]
        },
        caller="agent",
    ),
    Example(
        "Tell what the host holds, after a backup was restored",
        "POST",
        "/v2.0/agents/$agent/recovery",
        {
            "part": 0,
            "is_last": True,
            "networks": [],
            "leases": [
                {
                    "network_id": "$network",
                    "ip_address": "10.0.0.20",
                    "mac_address": "52:54:00:aa:bb:cc",
                    "expires_at": 4_000_000_000,
                }
            ],
        },
        caller="agent",
    ),
    Example(
        "Say that its tap has gone",
        "POST",
        "/v2.0/agents/$agent/down-ports",
        {"ports": [{"id": "$ready_port", "revision_number": "$ready_revision"}]},
        caller="agent",
    ),
)

LEASES: Final = (
    Example(
        "Record what a DHCP server did, each id once",
        "POST",
        "/v2.0/lease-events",
        {
            "lease_events": [
                {
                    "id": "0123456789abcdef0123456789abcdef",
                    "network_id": "$network",
                    "host": "host-1",
                    "action": "add",
                    "ip_address": "10.0.0.77",
                    "mac_address": "52:54:00:aa:bb:cc",
                    "hostname": "laptop",
                    "client_id": "01:52:54:00:aa:bb:cc",
                    "expires_at": 4_000_000_000,
                    "occurred_at_us": 1_760_000_000_000_000,
                    "details": {"vendor_class": "MSFT 5.0"},
                }
            ]
        },
        caller="agent",
    ),
    Example(
        "What happened to an address in a time, the last first",
        "GET",
        "/v2.0/lease-events?ip_address=10.0.0.77&since=2020-01-01T00:00:00Z",
        keep={"lease_event": "lease_events.0.id"},
    ),
    Example(
        "Show one",
        "GET",
        "/v2.0/lease-events/$lease_event",
        shown=("id", "action", "ip_address", "occurred_at"),
    ),
    Example(
        "Which leases there are",
        "GET",
        "/v2.0/leases?network_id=$network",
        keep={"lease": "leases.0.id"},
    ),
    Example("Show one", "GET", "/v2.0/leases/$lease", shown=("id", "ip_address", "expires_at")),
    Example(
        "End it now",
        "PUT",
        "/v2.0/leases/$lease/release",
        caller="admin",
        shown=("id", "ip_address", "host"),
    ),
    Example(
        "Which machines ask in vain",
        "GET",
        "/v2.0/dhcp-refusals",
        keep={"refusal": "dhcp_refusals.0.id"},
    ),
    Example("Show one", "GET", "/v2.0/dhcp-refusals/$refusal", shown=("id", "client", "count")),
)

REST: Final = (
    Example("What is served", "GET", "/v2.0/extensions", shown=("",)),
    Example("Whether one is served", "GET", "/v2.0/extensions/quotas"),
    Example("One that is not", "GET", "/v2.0/extensions/router", status=404),
    Example("No routers", "GET", "/v2.0/routers"),
    Example("No floating IPs", "GET", "/v2.0/floatingips"),
    Example("No security groups", "GET", "/v2.0/security-groups"),
    Example("No service providers", "GET", "/v2.0/service-providers"),
    Example("No automatic networks", "GET", "/v2.0/auto-allocated-topology/$project", status=409),
    Example("Versions", "GET", "/", caller=""),
    Example("The main resources", "GET", "/v2.0", caller="", shown=("name", "collection")),
    Example("Health, for load balancers", "GET", "/healthcheck", caller=""),
    Example("Health, with reasons", "GET", "/healthcheck?detailed", caller=""),
    Example("Health, without a body", "HEAD", "/healthcheck", caller=""),
    Example("Figures for Prometheus", "GET", "/metrics", caller="", shown=("",)),
    Example("The OpenAPI document", "GET", "/v2.0/openapi.json", caller="", shown=("",)),
)

LAST: Final = (
    Example(
        "Split a subnet into two",
        "PUT",
        "/v2.0/subnets/$pooled/split",
        {
            "subnets": [
                {"cidr": "10.20.0.0/27"},
                {"cidr": "10.20.0.32/27", "name": "servers-upper"},
            ]
        },
        caller="admin",
        keep={"upper": "subnets.1.id"},
        shown=("id", "name", "cidr", "gateway_ip"),
    ),
    Example(
        "Make one of them again",
        "PUT",
        "/v2.0/subnets/$pooled/merge",
        {"subnet": {"subnet_ids": ["$upper"]}},
        caller="admin",
        shown=("id", "cidr", "gateway_ip"),
    ),
    Example("Delete one", "DELETE", "/v2.0/subnets/$pooled", status=204, caller="admin"),
    Example("Delete one", "DELETE", "/v2.0/subnetpools/$pool", status=204),
    Example("Delete one", "DELETE", "/v2.0/address-scopes/$scope", status=204),
    Example(
        "A network with ports is not deleted", "DELETE", "/v2.0/networks/$network", status=409
    ),
    Example("Delete one", "DELETE", "/v2.0/agents/$agent", status=204, caller="admin"),
)

EXAMPLES: Final = (
    *NETWORKS,
    *POOLS,
    *SUBNETS,
    *PORTS,
    *BINDINGS,
    *AGENTS,
    *ADDRESSES,
    *DRY_RUNS,
    *IMPORTS,
    *AUDIT,
    *RECOVERY,
    *TAGS,
    *SHARING,
    *QUOTAS,
    *LEASES,
    *REST,
    *LAST,
)
