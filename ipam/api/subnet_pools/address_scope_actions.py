"""Writing address scopes: subnet pools in which no address occurs twice."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from ipam.api.http import writing
from ipam.api.projects import sharing
from ipam.api.service import Service
from ipam.api.subnet_pools.address_scope_wire import (
    KIND,
    AddressScopeCreate,
    AddressScopeUpdate,
    AddressScopeView,
    views,
)
from ipam.errors import AddressScopeInUse, AddressScopeUpdateError
from ipam.identity.caller import Caller
from ipam.store import address_scopes, rbac, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


class AddressScopeActions:
    """Writes address scopes."""

    create_struct: type[Struct] = AddressScopeCreate
    update_struct: type[Struct] = AddressScopeUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[AddressScopeView]:
        read = writing.read_bodies(AddressScopeCreate, AddressScopeView, bodies)
        new = [_new_row(body, caller) for body in read]

        def work(tx: Transaction) -> list[AddressScopeView]:
            pks = rows.insert_many(tx, tables.address_scope, new)
            made = writing.made(tx, KIND, pks, self._service.settings)
            sharing.follow_new(tx, "address_scope", made)
            return views(tx, made)

        return self._service.database.write(work)

    def update(
        self, _caller: Caller, resource_id: str, body: Any, revision: int | None
    ) -> AddressScopeView:
        asked = writing.given(writing.read_update(AddressScopeUpdate, AddressScopeView, body))

        def work(tx: Transaction) -> AddressScopeView:
            row = self._locked(tx, resource_id, revision)
            values = writing.changed(row, asked)
            if values.get("shared") is False:
                raise AddressScopeUpdateError(
                    f"Unable to update address scope {resource_id} : Shared address scope can't be"
                    " unshared."
                )
            if values:
                sharing.follow_flags(tx, "address_scope", row, values)
                rows.touch(tx, tables.address_scope, row.pk, values)
            view: AddressScopeView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        def work(tx: Transaction) -> None:
            row = self._locked(tx, resource_id, revision)
            if address_scopes.in_use(tx, row.pk):
                raise AddressScopeInUse(
                    f"Unable to complete operation on address scope {resource_id}. There are one"
                    " or more subnet pools in use on the address scope."
                )
            address_scopes.remove(tx, row.pk)
            rbac.forget(tx, resource_id)

        self._service.database.write(work)

    def _locked(self, tx: Transaction, resource_id: str, revision: int | None) -> Record:
        missing = KIND.missing(resource_id)
        return writing.locked(tx, tables.address_scope, resource_id, revision, missing)


def _new_row(body: AddressScopeCreate, caller: Caller) -> dict[str, Any]:
    return rows.with_standard_columns(
        {
            "project_id": writing.project_of(body, caller),
            "name": body.name,
            "description": body.description,
            "ip_version": body.ip_version,
            "shared": body.shared,
        }
    )
