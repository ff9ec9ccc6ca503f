"""Statements on subnet pools, their prefixes and the subnets taken from them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.errors import InvalidInput
from ipam.store import rbac, tables, tags, visibility
from ipam.store.engine import instants, rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record
from ipam.store.engine.retry import is_duplicate_key

_T = tables.subnetpool
_PREFIX = tables.subnetpool_prefix
_SCOPE = tables.address_scope
_SUBNET = tables.subnet

COLLECTION: Final = Collection(
    source=_T.outerjoin(_SCOPE, _SCOPE.c.pk == _T.c.address_scope_pk),
    selected=(*rbac.selected(_T, "subnetpool"), _SCOPE.c.id.label("address_scope_id")),
    columns={
        "id": _T.c.id,
        "name": _T.c.name,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "description": _T.c.description,
        "ip_version": _T.c.ip_version,
        "min_prefixlen": _T.c.min_prefixlen,
        "default_prefixlen": _T.c.default_prefixlen,
        "max_prefixlen": _T.c.max_prefixlen,
        "default_quota": _T.c.default_quota,
        "shared": rbac.shared_for_viewer(_T, "subnetpool"),
        "is_default": _T.c.is_default,
        "address_scope_id": _SCOPE.c.id,
        "revision_number": _T.c.revision_number,
        "created_at": _T.c.created_at,
        "updated_at": _T.c.updated_at,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special={**instants.of_changes(_T), **tags.filters(_T)},
    relations=visibility.SUBNETPOOL,
)


def add(tx: Transaction, row: Mapping[str, Any], prefixes: Sequence[str]) -> int:
    """Insert a pool with its prefixes; its number. Raises InvalidInput for a second default."""
    try:
        pk = rows.insert_one(tx, _T, row)
    except IntegrityError as error:
        raise _explained(error) from error
    _insert_prefixes(tx, pk, prefixes)
    return pk


def change(tx: Transaction, pk: int, values: Mapping[str, Any]) -> None:
    """Set these values and the next revision. Raises InvalidInput for a second default."""
    try:
        rows.touch(tx, _T, pk, values)
    except IntegrityError as error:
        raise _explained(error) from error


def set_prefixes(tx: Transaction, pk: int, prefixes: Sequence[str]) -> None:
    """Replace the prefixes of a pool whose row the caller has locked."""
    tx.execute(delete(_PREFIX).where(_PREFIX.c.subnetpool_pk == pk))
    _insert_prefixes(tx, pk, prefixes)


def prefixes(tx: Transaction, pks: Sequence[int]) -> dict[int, list[str]]:
    """The prefixes of each pool, lowest first."""
    found: dict[int, list[str]] = {pk: [] for pk in pks}
    for some in alternatives(pks):
        query = select(_PREFIX).where(_PREFIX.c.subnetpool_pk.in_(some)).order_by(_PREFIX.c.first)
        for row in tx.execute(query):
            cidr = f"{model.unpack(row.first)}/{row.prefixlen}"
            found[row.subnetpool_pk].append(cidr)
    return found


def bump(tx: Transaction, pool_id: str) -> None:
    """Raise the pool's revision, which locks its row on every database.

    Call this before taking a prefix or changing the prefixes, so that nobody else does meanwhile.
    """
    _raise_revision(tx, _T.c.id == pool_id)


def locked(tx: Transaction, pk: int) -> Record:
    """The row of the pool with this number, locked as by `bump`."""
    _raise_revision(tx, _T.c.pk == pk)
    return tx.execute(select(_T).where(_T.c.pk == pk)).one()


def _raise_revision(tx: Transaction, which: ColumnElement[bool]) -> None:
    raised = {"revision_number": _T.c.revision_number + 1, "updated_at": clock.now_seconds()}
    tx.execute(update(_T).where(which).values(**raised))


def allocations(tx: Transaction, pk: int) -> list[tuple[str, str]]:
    """The CIDR and the project of each subnet that was taken from the pool."""
    query = select(_SUBNET.c.cidr, _SUBNET.c.project_id).where(_SUBNET.c.subnetpool_pk == pk)
    return [(row.cidr, row.project_id) for row in tx.execute(query)]


def in_use(tx: Transaction, pk: int) -> bool:
    """Whether any subnet was taken from the pool."""
    return bool(tx.execute(select(exists().where(_SUBNET.c.subnetpool_pk == pk))).scalar())


def prefixes_of_scope(
    tx: Transaction, scope_pk: int, *, but_pool_pk: int | None
) -> list[tuple[str, str]]:
    """Pool id and prefix of every pool in the scope, except one pool."""
    query = (
        select(_T.c.id, _PREFIX.c.first, _PREFIX.c.prefixlen)
        .join(_PREFIX, _PREFIX.c.subnetpool_pk == _T.c.pk)
        .where(_T.c.address_scope_pk == scope_pk)
    )
    if but_pool_pk is not None:
        query = query.where(_T.c.pk != but_pool_pk)
    return [(row.id, f"{model.unpack(row.first)}/{row.prefixlen}") for row in tx.execute(query)]


def network_with_other_pool(tx: Transaction, pk: int, ip_version: int) -> str | None:
    """The id of a network with subnets of this pool and other subnets of the same IP version."""
    other, network = _SUBNET.alias("other"), tables.network
    query = (
        select(network.c.id)
        .join(_SUBNET, _SUBNET.c.network_pk == network.c.pk)
        .join(other, other.c.network_pk == network.c.pk)
        .where(
            _SUBNET.c.subnetpool_pk == pk,
            other.c.ip_version == ip_version,
            other.c.subnetpool_pk.is_distinct_from(pk),
        )
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()


def scopes(tx: Transaction, pks: AbstractSet[int]) -> dict[int, int | None]:
    """The number of each pool's address scope, None without one.

    Runs no statement without pools.
    """
    if not pks:
        return {}
    query = select(_T.c.pk, _T.c.address_scope_pk).where(_T.c.pk.in_(pks))
    return {row.pk: row.address_scope_pk for row in tx.execute(query)}


def default_id(tx: Transaction, ip_version: int) -> str | None:
    """The id of the default pool of an IP version."""
    query = select(_T.c.id).where(_T.c.default_for == ip_version)
    return tx.execute(query).scalar_one_or_none()


def remove(tx: Transaction, pk: int) -> None:
    """Delete a pool that has no subnets."""
    tags.forget(tx, _T, pk)
    tx.execute(delete(_PREFIX).where(_PREFIX.c.subnetpool_pk == pk))
    tx.execute(delete(_T).where(_T.c.pk == pk))


def _insert_prefixes(tx: Transaction, pk: int, cidrs: Sequence[str]) -> None:
    new = []
    for cidr in cidrs:
        base, _, length = cidr.partition("/")
        row = {"subnetpool_pk": pk, "first": model.pack(base), "prefixlen": int(length)}
        new.append(row)
    tx.execute(insert(_PREFIX), new)


def _explained(error: IntegrityError) -> Exception:
    if is_duplicate_key(error, "uq_subnetpool_default_for"):
        return InvalidInput(
            "A default subnetpool for this IP family has already been set. Only one default may"
            " exist per IP family."
        )
    return error
