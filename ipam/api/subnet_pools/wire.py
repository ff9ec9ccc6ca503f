"""The bodies of subnet pools."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http import writing
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import (
    CREATED_AT,
    DESCRIPTION,
    ID,
    NAME,
    PROJECT_ID,
    REVISION_NUMBER,
    TAGS,
    TENANT_ID,
    UPDATED_AT,
)
from ipam.errors import CallerError, EmptySubnetPoolPrefixList, SubnetPoolNotFound
from ipam.model import ip_version
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.store import subnet_pools
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import (
    Cidr,
    Description,
    Name,
    PrefixLength,
    PrefixLengthText,
    ProjectId,
    Tags,
    Uuid,
)

PREFIXES_MAX: Final = 100
"""How many prefixes a subnet pool may have, merged, and how many one request may name."""

Prefixes = Annotated[list[Cidr], Meta(max_length=PREFIXES_MAX)]
Quota = Annotated[int, Meta(ge=0, le=2**63 - 1)]


PREFIXES: Final = Meta(description="The address space, merged where prefixes touch.")
MIN_PREFIXLEN: Final = Meta(description="The shortest prefix that a subnet may have.")
DEFAULT_PREFIXLEN: Final = Meta(description="The prefix length of a subnet that asks for none.")
MAX_PREFIXLEN: Final = Meta(description="The longest prefix that a subnet may have.")
DEFAULT_QUOTA: Final = Meta(
    description="Addresses (IPv6: /64 networks) that one project may have of"
    " the pool; null for no limit."
)
SHARED: Final = Meta(description="Whether all projects may use it.")
IS_DEFAULT: Final = Meta(description="The one that is used when none is named.")
ADDRESS_SCOPE_ID: Final = Meta(description="The address scope in which the prefixes are unique.")


class SubnetPoolCreate(Struct, kw_only=True):
    prefixes: Annotated[Prefixes, PREFIXES]
    name: Annotated[Name, NAME] = ""
    description: Annotated[Description, DESCRIPTION] = ""
    project_id: Annotated[ProjectId | UnsetType, PROJECT_ID] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET
    tags: Annotated[Tags, TAGS] = []
    min_prefixlen: Annotated[PrefixLength | None, MIN_PREFIXLEN] = None
    default_prefixlen: Annotated[PrefixLength | None, DEFAULT_PREFIXLEN] = None
    max_prefixlen: Annotated[PrefixLength | None, MAX_PREFIXLEN] = None
    default_quota: Annotated[Quota | None, DEFAULT_QUOTA] = None
    shared: Annotated[bool, SHARED] = False
    is_default: Annotated[bool, IS_DEFAULT] = False
    address_scope_id: Annotated[Uuid | None, ADDRESS_SCOPE_ID] = None


class SubnetPoolUpdate(Struct, kw_only=True):
    name: Annotated[Name | UnsetType, NAME] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET
    prefixes: Annotated[Prefixes | UnsetType, PREFIXES] = UNSET
    min_prefixlen: Annotated[PrefixLength | UnsetType, MIN_PREFIXLEN] = UNSET
    default_prefixlen: Annotated[PrefixLength | UnsetType, DEFAULT_PREFIXLEN] = UNSET
    max_prefixlen: Annotated[PrefixLength | UnsetType, MAX_PREFIXLEN] = UNSET
    default_quota: Annotated[Quota | UnsetType | None, DEFAULT_QUOTA] = UNSET
    is_default: Annotated[bool | UnsetType, IS_DEFAULT] = UNSET
    address_scope_id: Annotated[Uuid | UnsetType | None, ADDRESS_SCOPE_ID] = UNSET


class SubnetPoolView(Struct, kw_only=True):
    id: Annotated[str, ID]
    name: Annotated[Name, NAME]
    tenant_id: Annotated[str, TENANT_ID]
    project_id: Annotated[str, PROJECT_ID]
    prefixes: Annotated[list[Cidr], PREFIXES]
    ip_version: Annotated[int, Meta(description="4 or 6.")]
    min_prefixlen: Annotated[PrefixLengthText, MIN_PREFIXLEN]
    default_prefixlen: Annotated[PrefixLengthText, DEFAULT_PREFIXLEN]
    max_prefixlen: Annotated[PrefixLengthText, MAX_PREFIXLEN]
    default_quota: Annotated[int | None, DEFAULT_QUOTA]
    shared: Annotated[bool, SHARED]
    is_default: Annotated[bool, IS_DEFAULT]
    address_scope_id: Annotated[Uuid | None, ADDRESS_SCOPE_ID]
    description: Annotated[Description, DESCRIPTION]
    tags: Annotated[tuple[str, ...], TAGS] = ()
    created_at: Annotated[str, CREATED_AT]
    updated_at: Annotated[str, UPDATED_AT]
    revision_number: Annotated[int, REVISION_NUMBER]


def views(tx: Transaction, found: Sequence[Record]) -> list[SubnetPoolView]:
    """The pools of these rows."""
    of_pools = subnet_pools.prefixes(tx, [row.pk for row in found])
    return [
        SubnetPoolView(
            **writing.standard_view(row),
            prefixes=of_pools[row.pk],
            ip_version=row.ip_version,
            min_prefixlen=str(row.min_prefixlen),
            default_prefixlen=str(row.default_prefixlen),
            max_prefixlen=str(row.max_prefixlen),
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
    """Every rule that a POST breaks, as far as its good values show."""
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
