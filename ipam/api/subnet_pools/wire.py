"""Subnet pools as the API shows and takes them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http import writing
from ipam.api.http.kind import Kind
from ipam.errors import CallerError, EmptySubnetPoolPrefixList, SubnetPoolNotFound
from ipam.model import ip_version
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.store import subnet_pools
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Cidr, Description, Name, PrefixLength, ProjectId, Tag, Uuid

Quota = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class SubnetPoolCreate(Struct, kw_only=True):
    prefixes: list[Cidr]
    name: Name = ""
    description: Description = ""
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    tags: list[Tag] = []
    min_prefixlen: PrefixLength | None = None
    default_prefixlen: PrefixLength | None = None
    max_prefixlen: PrefixLength | None = None
    default_quota: Quota | None = None
    shared: bool = False
    is_default: bool = False
    address_scope_id: Uuid | None = None


class SubnetPoolUpdate(Struct, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    prefixes: list[Cidr] | UnsetType = UNSET
    min_prefixlen: PrefixLength | UnsetType = UNSET
    default_prefixlen: PrefixLength | UnsetType = UNSET
    max_prefixlen: PrefixLength | UnsetType = UNSET
    default_quota: Quota | UnsetType | None = UNSET
    is_default: bool | UnsetType = UNSET
    address_scope_id: Uuid | UnsetType | None = UNSET


class SubnetPoolView(Struct, kw_only=True):
    id: str
    name: Name
    tenant_id: str
    project_id: str
    prefixes: list[Cidr]
    ip_version: int
    min_prefixlen: int
    default_prefixlen: int
    max_prefixlen: int
    default_quota: int | None
    shared: bool
    is_default: bool
    address_scope_id: Uuid | None
    description: Description
    tags: tuple[str, ...] = ()
    created_at: str
    updated_at: str
    revision_number: int


def views(tx: Transaction, found: Sequence[Record]) -> list[SubnetPoolView]:
    """The pools of these rows."""
    of_pools = subnet_pools.prefixes(tx, [row.pk for row in found])
    return [
        SubnetPoolView(
            **writing.standard_view(row),
            prefixes=of_pools[row.pk],
            ip_version=row.ip_version,
            min_prefixlen=row.min_prefixlen,
            default_prefixlen=row.default_prefixlen,
            max_prefixlen=row.max_prefixlen,
            default_quota=row.default_quota,
            shared=row.shared,
            is_default=row.is_default,
            address_scope_id=row.address_scope_id,
        )
        for row in found
    ]


KIND: Final = Kind(
    "subnetpool", "subnetpools", SubnetPoolView, subnet_pools.COLLECTION, views, SubnetPoolNotFound
)


def create_faults(values: Mapping[str, Any]) -> list[CallerError]:
    """Every rule that a POST breaks, as far as its good values can tell."""
    if "prefixes" not in values:
        return []
    given = values["prefixes"]
    if not given:
        return [EmptySubnetPoolPrefixList("Empty subnet pool prefix list.")]
    if faults := subnet_pool_rules.version_faults(given):
        return faults
    version = ip_version(given[0])
    names = ("min_prefixlen", "default_prefixlen", "max_prefixlen")
    lengths = subnet_pool_rules.lengths(version, *(values.get(name) for name in names))
    return subnet_pool_rules.length_faults(lengths, version)
