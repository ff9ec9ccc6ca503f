"""The bodies of address scopes."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

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
from ipam.errors import AddressScopeNotFound
from ipam.store import address_scopes
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Description, Name, ProjectId

IP_VERSION: Final = Meta(description="4 or 6.")
SHARED: Final = Meta(description="Whether all projects may use it.")


class AddressScopeCreate(Struct, kw_only=True):
    ip_version: Annotated[Literal[4, 6], IP_VERSION]
    name: Annotated[Name, NAME] = ""
    description: Annotated[Description, DESCRIPTION] = ""
    project_id: Annotated[ProjectId | UnsetType, PROJECT_ID] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET
    shared: Annotated[bool, SHARED] = False


class AddressScopeUpdate(Struct, kw_only=True):
    name: Annotated[Name | UnsetType, NAME] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET
    shared: Annotated[bool | UnsetType, SHARED] = UNSET


class AddressScopeView(Struct, kw_only=True):
    id: Annotated[str, ID]
    name: Annotated[Name, NAME]
    tenant_id: Annotated[str, TENANT_ID]
    project_id: Annotated[str, PROJECT_ID]
    ip_version: Annotated[int, IP_VERSION]
    shared: Annotated[bool, SHARED]
    description: Annotated[Description, DESCRIPTION]
    tags: Annotated[tuple[str, ...], TAGS] = ()
    created_at: Annotated[str, CREATED_AT]
    updated_at: Annotated[str, UPDATED_AT]
    revision_number: Annotated[int, REVISION_NUMBER]


def views(_tx: Transaction, found: Sequence[Record]) -> list[AddressScopeView]:
    """The scopes of these rows."""
    return [
        AddressScopeView(
            **writing.standard_view(row), ip_version=row.ip_version, shared=row.shared
        )
        for row in found
    ]


KIND: Final = Kind(
    "address_scope",
    "address_scopes",
    AddressScopeView,
    address_scopes.COLLECTION,
    views,
    AddressScopeNotFound,
)
