"""Writing subnet pools."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ipam.api.http import writing
from ipam.api.projects import sharing
from ipam.api.service import Service
from ipam.api.subnet_pools.scope_entry import (
    change_scope,
    enter_scope,
    held_scope,
    require_own_scope,
)
from ipam.api.subnet_pools.wire import (
    KIND,
    PREFIXES_MAX,
    SubnetPoolCreate,
    SubnetPoolUpdate,
    SubnetPoolView,
    create_faults,
    views,
)
from ipam.errors import InvalidInput, SubnetPoolInUse
from ipam.identity.caller import Caller
from ipam.model import ip_version
from ipam.rules import prefixes
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.rules.subnet_pools import Lengths
from ipam.store import address_scopes, rbac, subnet_pools, tables, tags
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

Change = Callable[[Transaction, Caller, Record, Sequence[str], Sequence[str]], list[str]]
"""Gives the new prefixes of a pool, from the caller, its row, its prefixes and the body's."""


class SubnetPoolActions:
    """Writes subnet pools. A pool's row is the lock under which its prefixes change."""

    create_struct: type[Struct] = SubnetPoolCreate
    update_struct: type[Struct] = SubnetPoolUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[SubnetPoolView]:
        read = writing.read_bodies(SubnetPoolCreate, SubnetPoolView, bodies, create_faults)

        def work(tx: Transaction) -> list[SubnetPoolView]:
            pks = [_add(tx, caller, body) for body in read]
            made = writing.made(tx, KIND, pks, self._service.settings)
            sharing.follow_new(tx, "subnetpool", made)
            return views(tx, made)

        return self._service.database.write(work)

    def update(
        self, caller: Caller, resource_id: str, body: Any, revision: int | None
    ) -> SubnetPoolView:
        asked = writing.read_update(SubnetPoolUpdate, SubnetPoolView, body)

        def work(tx: Transaction) -> SubnetPoolView:
            row = self._locked(tx, resource_id, revision)
            _change(tx, caller, row, asked)
            view: SubnetPoolView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        def work(tx: Transaction) -> None:
            row = self._locked(tx, resource_id, revision)
            if subnet_pools.in_use(tx, row.pk):
                raise SubnetPoolInUse(
                    f"Unable to complete operation on subnet pool {resource_id}. Subnet pool has"
                    " existing allocations."
                )
            subnet_pools.remove(tx, row.pk)
            rbac.forget(tx, resource_id)

        self._service.database.write(work)

    def change_prefixes(
        self, caller: Caller, resource_id: str, given: Sequence[str], change: Change
    ) -> list[str]:
        """Change only the prefixes of a pool. Gives the new ones."""

        def work(tx: Transaction) -> list[str]:
            row = self._locked(tx, resource_id, None)
            present = subnet_pools.prefixes(tx, [row.pk])[row.pk]
            new = change(tx, caller, row, present, given)
            if new != present:
                _refuse_many(new, present)
                subnet_pools.set_prefixes(tx, row.pk, new)
                subnet_pools.bump(tx, resource_id)
                tx.note("prefixes", present, new)
            return new

        return self._service.database.write(work)

    def _locked(self, tx: Transaction, resource_id: str, revision: int | None) -> Record:
        missing = KIND.missing(resource_id)
        return writing.locked(tx, tables.subnetpool, resource_id, revision, missing)


def _add(tx: Transaction, caller: Caller, body: SubnetPoolCreate) -> int:
    version = ip_version(body.prefixes[0])
    compact = prefixes.compact(body.prefixes)
    lengths = subnet_pool_rules.lengths(
        version, body.min_prefixlen, body.default_prefixlen, body.max_prefixlen
    )
    project_id = writing.project_of(body, caller)
    scope_pk = None
    if body.address_scope_id is not None:
        scope_pk = held_scope(tx, body.address_scope_id, project_id, version)
        others = subnet_pools.prefixes_of_scope(tx, scope_pk, but_pool_pk=None)
        subnet_pool_rules.check_scope(compact, others)
    row = rows.with_standard_columns(
        {
            "project_id": project_id,
            "name": body.name,
            "description": body.description,
            "tags": tags.for_row(body.tags),
            "ip_version": version,
            "min_prefixlen": lengths.least,
            "default_prefixlen": lengths.default,
            "max_prefixlen": lengths.most,
            "default_quota": body.default_quota,
            "shared": body.shared,
            "is_default": body.is_default,
            "default_for": version if body.is_default else None,
            "address_scope_pk": scope_pk,
        }
    )
    return subnet_pools.add(tx, row, compact)


def _change(tx: Transaction, caller: Caller, row: Record, asked: SubnetPoolUpdate) -> None:
    values = writing.given(asked)
    present = subnet_pools.prefixes(tx, [row.pk])[row.pk]
    new = present
    if "prefixes" in values:
        given = values.pop("prefixes")
        writing.raise_all(subnet_pool_rules.version_faults([*present, *given]))
        new = subnet_pool_rules.grown(present, given)
        if new != present:
            require_own_scope(tx, row, caller)
    if "address_scope_id" in values:
        scope_id = values.pop("address_scope_id")
        values["address_scope_pk"] = change_scope(tx, row, scope_id, new)
    elif new != present and row.address_scope_pk is not None:
        enter_scope(tx, address_scopes.of_number(tx, row.address_scope_pk).id, row, new)
    if "is_default" in values:
        values["default_for"] = row.ip_version if values["is_default"] else None
    writing.raise_all(subnet_pool_rules.length_faults(_lengths_after(row, values), row.ip_version))
    values = writing.changed(row, values)
    if new != present:
        _refuse_many(new, present)
        subnet_pools.set_prefixes(tx, row.pk, new)
    if values or new != present:
        subnet_pools.change(tx, row.pk, values)


def _refuse_many(new: Sequence[str], present: Sequence[str]) -> None:
    """Refuse to let a pool grow beyond the prefixes that it may have."""
    if len(new) > max(PREFIXES_MAX, len(present)):
        raise InvalidInput(
            f"Invalid input for prefixes. Reason: The pool would have {len(new)} prefixes; at most"
            f" {PREFIXES_MAX} are allowed."
        )


def _lengths_after(row: Record, values: Mapping[str, Any]) -> Lengths:
    names = ("min_prefixlen", "default_prefixlen", "max_prefixlen")
    return Lengths(*(values.get(name, getattr(row, name)) for name in names))
