"""Address scopes as the API shows and takes them."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from ipam.api.http import writing
from ipam.api.http.kind import Kind
from ipam.errors import AddressScopeNotFound
from ipam.store import address_scopes
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Description, Name, ProjectId


class AddressScopeCreate(Struct, kw_only=True):
    ip_version: Literal[4, 6]
    name: Name = ""
    description: Description = ""
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    shared: bool = False


class AddressScopeUpdate(Struct, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class AddressScopeView(Struct, kw_only=True):
    id: str
    name: Name
    tenant_id: str
    project_id: str
    ip_version: int
    shared: bool
    description: Description
    tags: tuple[str, ...] = ()
    created_at: str
    updated_at: str
    revision_number: int


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
