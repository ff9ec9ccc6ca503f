"""Gets the prefix of a new subnet from the request or from a subnet pool."""

from collections.abc import Collection, Sequence

from msgspec import UnsetType
from msgspec.structs import asdict, replace

from ipam.api.http import writing
from ipam.api.subnet_pools.wire import KIND
from ipam.api.subnets.shape import create_faults
from ipam.api.subnets.wire import SubnetCreate
from ipam.errors import CallerError, HTTPBadRequest
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.rules.subnet_pools import Lengths, Origin, Pool
from ipam.store import subnet_pools
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record, Viewer
from ipam.store.engine.reading import read_one


def faults(body: SubnetCreate) -> list[CallerError]:
    """The contradictions between prefix and pool in a POST."""
    pools = body.allocation_pools
    return subnet_pool_rules.source_faults(
        cidr=body.cidr is not None,
        prefixlen=body.prefixlen is not None,
        pool=body.subnetpool_id is not None,
        default_pool=body.use_default_subnetpool,
        allocation_pools=not isinstance(pools, UnsetType) and bool(pools),
    )


def settle(
    tx: Transaction,
    body: SubnetCreate,
    project_id: str,
    others: Sequence[Record],
    viewer: Viewer | None,
) -> tuple[SubnetCreate, int | None]:
    """The body with its prefix, and the number of the pool that the prefix is from.

    `others` are the rows of the network's subnets. `viewer` sees the pools that may be named. The
    caller has locked the network. This locks the pool until the end of the transaction, so that no
    other subnet gets the same prefix, and no project gets more than its quota.
    """
    pool = _pool(tx, body, viewer)
    if pool is not None:
        facts = pool_facts(tx, pool, project_id)
        cidr = subnet_pool_rules.choose(facts, body.cidr, body.prefixlen)
        body = replace(body, cidr=cidr)
        writing.raise_all(create_faults(asdict(body)))
    _check_neighbours(tx, pool, [row for row in others if row.ip_version == body.ip_version])
    return body, None if pool is None else int(pool.pk)


def _pool(tx: Transaction, body: SubnetCreate, viewer: Viewer | None) -> Record | None:
    """The locked pool that the request names. Raises SubnetPoolNotFound."""
    pool_id = body.subnetpool_id
    if pool_id is None and body.use_default_subnetpool:
        pool_id = subnet_pools.default_id(tx, body.ip_version)
        if pool_id is None:
            raise HTTPBadRequest(f"No default subnetpool found for IPv{body.ip_version}.")
    if pool_id is None:
        return None
    subnet_pools.bump(tx, pool_id)
    pool = read_one(tx, KIND.rows, pool_id, viewer)
    if pool is None:
        raise KIND.missing(pool_id)
    if pool.ip_version != body.ip_version:
        raise HTTPBadRequest(
            f"Cannot allocate IPv{body.ip_version} subnet from IPv{pool.ip_version} subnet pool."
        )
    return pool


def pool_facts(
    tx: Transaction, pool: Record, project_id: str, *, without: Collection[str] = ()
) -> Pool:
    """What the rules ask of a locked pool; `without` are prefixes taken from it that end."""
    taken = [one for one in subnet_pools.allocations(tx, pool.pk) if one[0] not in without]
    return Pool(
        lengths=Lengths(pool.min_prefixlen, pool.default_prefixlen, pool.max_prefixlen),
        ip_version=pool.ip_version,
        prefixes=subnet_pools.prefixes(tx, [pool.pk])[pool.pk],
        used=[cidr for cidr, _ in taken],
        used_by_project=[cidr for cidr, owner in taken if owner == project_id],
        quota=pool.default_quota,
    )


def _check_neighbours(tx: Transaction, pool: Record | None, others: Sequence[Record]) -> None:
    scopes = subnet_pools.scopes(tx, {row.subnetpool_pk for row in others} - {None})
    origins = [Origin(row.subnetpool_pk, scopes.get(row.subnetpool_pk)) for row in others]
    new = Origin(None, None) if pool is None else Origin(pool.pk, pool.address_scope_pk)
    subnet_pool_rules.check_neighbours(new, origins)
