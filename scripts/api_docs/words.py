"""The hand-written texts of docs/api.md."""

from collections.abc import Mapping
from typing import Final

from ipam import errors
from ipam.errors import IpamError

INTRODUCTION: Final = """\
# The API

The OpenStack Networking API v2.0, for what is served of it, and what this service adds. Made by
`scripts/api-docs` from the routes of the service, and from examples that the tests run: each
answer is a real one, with ids, times and MAC addresses replaced, parts that say nothing new left
out (`…`), and of its headers the status alone. The same as OpenAPI 3.1: `GET /v2.0/openapi.json`.

The examples want two variables; with `auth_strategy = http_basic` write `-u NAME` in place of the
token.

```console
$ IPAM=http://127.0.0.1:9696
$ TOKEN=$(openstack token issue -f value -c id)
```

- **Bodies** are JSON, an item under its name: `{"port": {...}}`. A POST with the plural,
  `{"ports": [{...}, ...]}`, makes several, all or none. An attribute that does not exist, or that
  cannot be set, is refused; all faults of a body are told at once.
- **Lists** are filtered by `attribute=value` (again for "or"), sorted by `sort_key` and `sort_dir`
  (again for further keys), cut by `limit` and `marker` with links `next` and `previous`, and
  `page_reverse=True` goes back. Histories (lease, allocation and audit events) come in pages of at
  most 1000. `fields=` chooses what is shown. Filters on attributes that do not exist are ignored,
  as in Neutron.
- **Who may** names the default rules' personas; `ipam policy sample` prints the rules. What a
  caller may not see does not exist for it: 404, not 403.
- **Changes** are counted in `revision_number`. `If-Match: revision_number=N` refuses with 412 to
  change another revision.
- **`Idempotency-Key`** on a POST: for 24 hours the same request under the same key is answered as
  the first one was, with `Idempotent-Replayed: true`.
- **Refusals** are `{"NeutronError": {"type", "message", "detail"}}`; [Errors](#errors) has the
  types. Any request can meet 400 `HTTPBadRequest`, 401 `Unauthorized`, 403 `PolicyNotAuthorized`,
  413 `HTTPRequestEntityTooLarge`, and with `Retry-After` 429 `TooManyLogins` and 503
  `DatabaseUnavailable`, `ServiceUnavailable`, `TimeLimitExceeded` or, for changes after a restore,
  `ServiceRecovering`; a path with an id the 404 of its kind.
- **`X-Openstack-Request-Id`** of an answer is in the service's log too.

In the tables, `POST!` marks what a POST has to give.
"""

TITLES: Final[Mapping[str, str]] = {
    "": "Versions, health and metrics",
    "v2.0": "Versions, health and metrics",
    "healthcheck": "Versions, health and metrics",
    "metrics": "Versions, health and metrics",
    "v2.0/openapi.json": "Versions, health and metrics",
    "v2.0/ports/bindings": "Port bindings",
    "v2.0/subnetpools": "Subnet pools",
    "v2.0/rbac-policies": "RBAC policies",
    "v2.0/network-ip-availabilities": "Addresses and their history",
    "v2.0/subnets/addresses": "Addresses and their history",
    "v2.0/allocation-events": "Addresses and their history",
    "v2.0/address-holders": "Addresses and their history",
    "v2.0/find": "Addresses and their history",
    "v2.0/subnet-usages": "Addresses and their history",
    "v2.0/leases": "Leases and their history",
    "v2.0/lease-events": "Leases and their history",
    "v2.0/audit-events": "Audit log",
    "v2.0/agents/dhcp-networks": "Scheduling",
    "v2.0/networks/dhcp-agents": "Scheduling",
    "v2.0/networks/hosts": "Scheduling",
    "v2.0/elected-agents": "Scheduling",
    "v2.0/availability_zones": "Scheduling",
    "v2.0/agents/dhcp-state": "What agents ask",
    "v2.0/agents/ready-ports": "What agents ask",
    "v2.0/agents/down-ports": "What agents ask",
    "v2.0/agents/recovery": "What agents ask",
    "v2.0/agents/dns-answer": "What agents ask",
    "v2.0/recovery": "Recovery",
    "v2.0/recovery/finish": "Recovery",
    "v2.0/routers": "Empty lists",
    "v2.0/floatingips": "Empty lists",
    "v2.0/security-groups": "Empty lists",
    "v2.0/service-providers": "Empty lists",
    "v2.0/auto-allocated-topology": "Empty lists",
}
"""By the fixed parts of a path; what is not named here is called after its collection."""

SECTIONS: Final = (
    "Networks",
    "Subnets",
    "Ports",
    "Port bindings",
    "Subnet pools",
    "Address scopes",
    "Tags",
    "RBAC policies",
    "Quotas",
    "Addresses and their history",
    "Leases and their history",
    "Agents",
    "Scheduling",
    "Dry runs",
    "Imports",
    "Recovery",
    "Audit log",
    "What agents ask",
)
"""The order of the page; sections that are not named here follow."""

PROSE: Final[Mapping[str, str]] = {
    "Subnets": "The first subnet of a network with `enable_dhcp` makes the network's DHCP port,"
    " which takes the lowest address of each pool.\n",
    "Ports": "A port's addresses come from the pools of its network's subnets. An address that was"
    " given back rests a while before another port gets it.\n",
    "Tags": "Networks, subnets, ports and subnet pools have tags, each below its own path."
    " Their lists take `tags`, `tags-any`, `not-tags` and `not-tags-any`. The examples are of a"
    " network.\n",
    "Leases and their history": "An extension of this service: what DHCP servers said about"
    " addresses, and when. A lease belongs to the project of its port, or else of its"
    " network.\n",
    "Addresses and their history": "`allocation-events`, `addresses` and `address-holders` are"
    " extensions of this service. Holders are found by `ip_address`, `mac_address`, `hostname`,"
    " `port_id` or `device_id`, the newest first. If `truncated` is true, there are more: ask with"
    " an earlier `until`.\n",
    "Imports": "What another DHCP server has, made here in one transaction; `ipam import` reads"
    " its files and sends it. An `id` that is named is kept, so that what refers to it stays"
    " true. DHCP starts when every address of the body is taken. An undo is made of"
    " several transactions: one that was cut off is asked for again.\n",
    "Recovery": "After a backup was restored, every change is refused with 503 until the agents"
    " have told what their hosts hold, so that no address is given twice. The status is"
    " `recovering` until then.\n",
    "Audit log": "Each change, and each change that was refused, has an event. An event and its"
    " change are one transaction. An update that changed nothing has none, and nor have reports of"
    " agents. The newest come first; `since` (with it), `until` (without it) and `refused` choose."
    " A project sees the events of what it owns, without `address`.\n",
    "What agents ask": "The agents of this service use these; they may change with any release.\n",
    "Empty lists": "Neutron resources that do not exist here, but that Nova and Horizon ask for"
    " whatever the extensions say.\n",
    "Scheduling": "A network's unbound ports are served by agents that take it by themselves, or"
    " that it is given to.\n",
}

REFUSALS: Final[Mapping[str, tuple[type[IpamError], ...]]] = {
    "Networks": (
        errors.NetworkNotFound,
        errors.InvalidInput,
        errors.AvailabilityZoneNotFound,
        errors.OverQuota,
        errors.FlatNetworkInUse,
        errors.VlanIdInUse,
        errors.TunnelIdInUse,
        errors.NoNetworkAvailable,
        errors.InvalidSharedSetting,
        errors.NetworkInUse,
        errors.NetworkMTUSubnetConflict,
        errors.RevisionNumberConstraintFailed,
    ),
    "Subnets": (
        errors.SubnetNotFound,
        errors.NetworkNotFound,
        errors.InvalidInput,
        errors.DNSNameServersExhausted,
        errors.HostRoutesExhausted,
        errors.InvalidAllocationPool,
        errors.OutOfBoundsAllocationPool,
        errors.OverlappingAllocationPools,
        errors.GatewayConflictWithAllocationPools,
        errors.SubnetPoolNotFound,
        errors.MinPrefixSubnetAllocationError,
        errors.MaxPrefixSubnetAllocationError,
        errors.SubnetAllocationError,
        errors.SubnetPoolQuotaExceeded,
        errors.NetworkAddressScopeAffinityError,
        errors.NetworkSubnetPoolAffinityError,
        errors.OverQuota,
        errors.NetworkMTUSubnetConflict,
        errors.SubnetInUse,
        errors.RevisionNumberConstraintFailed,
    ),
    "Ports": (
        errors.PortNotFound,
        errors.PortProbeNotFound,
        errors.NetworkNotFound,
        errors.SubnetNotFound,
        errors.SecurityGroupNotFound,
        errors.InvalidInput,
        errors.InvalidIpForNetwork,
        errors.InvalidIpForSubnet,
        errors.AllowedAddressPairExhausted,
        errors.DuplicateAddressPairInRequest,
        errors.AddressPairAndPortSecurityRequired,
        errors.IpAddressAlreadyAllocated,
        errors.IpAddressGenerationFailure,
        errors.DeviceIDNotOwnedByTenant,
        errors.MacAddressInUse,
        errors.OverQuota,
        errors.PortInUse,
        errors.RevisionNumberConstraintFailed,
    ),
    "Port bindings": (
        errors.PortNotFound,
        errors.PortBindingNotFound,
        errors.PortBindingAlreadyExists,
        errors.PortBindingError,
        errors.PortBindingAlreadyActive,
    ),
    "Subnet pools": (
        errors.SubnetPoolNotFound,
        errors.AddressScopeNotFound,
        errors.EmptySubnetPoolPrefixList,
        errors.PrefixVersionMismatch,
        errors.IllegalSubnetPoolPrefixBounds,
        errors.IllegalSubnetPoolPrefixUpdate,
        errors.IllegalSubnetPoolUpdate,
        errors.IllegalSubnetPoolIpVersionAssociationToAddressScope,
        errors.AddressScopePrefixConflict,
        errors.InvalidInput,
        errors.OverQuota,
        errors.SubnetPoolInUse,
        errors.RevisionNumberConstraintFailed,
    ),
    "Address scopes": (
        errors.AddressScopeNotFound,
        errors.AddressScopeUpdateError,
        errors.AddressScopeInUse,
        errors.RevisionNumberConstraintFailed,
    ),
    "Tags": (errors.TagNotFound,),
    "RBAC policies": (
        errors.RbacPolicyNotFound,
        errors.InvalidInput,
        errors.DuplicateRbacPolicy,
        errors.RbacPolicyInUse,
        errors.OverQuota,
    ),
    "Addresses and their history": (errors.AllocationEventNotFound,),
    "Audit log": (errors.AuditEventNotFound,),
    "Imports": (errors.ImportNotFound, errors.ImportUndone),
    "Leases and their history": (
        errors.LeaseNotFound,
        errors.LeaseOfMachine,
        errors.LeaseEventNotFound,
        errors.DhcpRefusalNotFound,
    ),
    "Agents": (
        errors.AgentNotFound,
        errors.AgentHostInUse,
        errors.DnsLookupNotFound,
        errors.AddressCheckNotFound,
    ),
    "What agents ask": (errors.AgentReportRequired,),
    "Scheduling": (
        errors.InvalidDHCPAgent,
        errors.NetworkHostedByDHCPAgent,
        errors.NetworkNotHostedByDhcpAgent,
    ),
    "Extensions": (errors.ExtensionNotFound,),
}
"""By section, what a request can be refused with beside what any can."""

ANYWHERE: Final[tuple[type[IpamError], ...]] = (
    errors.HTTPBadRequest,
    errors.Unauthorized,
    errors.PolicyNotAuthorized,
    errors.HTTPNotFound,
    errors.HTTPMethodNotAllowed,
    errors.HTTPRequestEntityTooLarge,
    errors.IdempotencyKeyInUse,
    errors.IdempotencyKeyReused,
    errors.ClientGone,
    errors.TooManyLogins,
    errors.DatabaseUnavailable,
    errors.ServiceUnavailable,
    errors.TimeLimitExceeded,
    errors.ServiceRecovering,
)
"""What any request can be refused with."""
