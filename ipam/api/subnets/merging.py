"""Makes one subnet of several of a network, in which their ports keep their addresses."""

from collections.abc import Collection, Sequence

from msgspec import UnsetType

from ipam.api.http import writing
from ipam.api.service import Service
from ipam.api.subnets import cutting
from ipam.api.subnets.cut_wire import Merge
from ipam.api.subnets.cutting import Carving
from ipam.api.subnets.origin import pool_facts
from ipam.errors import CallerError, InvalidInput
from ipam.rules import subnet_cuts
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.rules import subnets as subnet_rules
from ipam.store import subnet_pools, subnets, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


def merge(service: Service, tx: Transaction, network: Record, row: Record, asked: Merge) -> None:
    """Make the others a part of the subnet. The caller has locked network and subnet.

    Raises with every rule that this breaks.
    """
    there = {one.id: one for one in subnets.of_network(tx, network.pk)}
    writing.raise_all(_strange(row, asked.subnet_ids, there))
    others = [one for one in there.values() if one.id in asked.subnet_ids]
    for one in others:
        rows.lock(tx, tables.subnet, one.id)
    writing.raise_all(
        [
            InvalidInput(f"Subnets {row.cidr} and {one.cidr} are of different IP versions.")
            for one in others
            if one.ip_version != row.ip_version
        ]
    )
    cidr = None if isinstance(asked.cidr, UnsetType) else asked.cidr
    kept, found = cutting.cut_of(tx, row), [cutting.cut_of(tx, one) for one in others]
    cut, faults = subnet_cuts.merge(kept, found, cidr=cidr, gateway=asked.gateway_ip)
    faults = [fault for one in others for fault in subnet_cuts.unlike(row, one)] + faults
    mine = {row.id, *(one.id for one in others)}
    beside = {one.id: one.cidr for one in there.values() if one.id not in mine}
    faults += subnet_rules.overlapping(cut.shape.cidr, beside)
    owned = [each for one in (row, *others) for each in subnets.owned(tx, one.pk)]
    faults += cutting.faults(row, cut, owned)
    writing.raise_all([*faults, *_pool_faults(tx, row, others, cut.shape.cidr)])
    carving = Carving(service.allocator, tx, network)
    for one in others:
        carving.move(one, row, one.cidr)
        service.allocator.close_pools(tx, one.pk)
        subnets.remove(tx, one.pk)
    carving.change(row, cut, cutting.columns(cut))
    tx.note("merged", [one.cidr for one in (row, *others)], cut.shape.cidr)
    carving.settle(row.pk, cut)


def _strange(row: Record, ids: Sequence[str], there: Collection[str]) -> list[CallerError]:
    """A fault for each id that is this subnet's own, or of no subnet of its network."""
    found: list[CallerError] = []
    for one in dict.fromkeys(ids):
        if one == row.id:
            found.append(InvalidInput(f"Subnet {one} cannot be merged with itself."))
        elif one not in there:
            found.append(InvalidInput(f"Subnet {one} is not on the network of subnet {row.id}."))
    return found


def _pool_faults(
    tx: Transaction, row: Record, others: Sequence[Record], cidr: str
) -> list[CallerError]:
    """What the subnet pools of the subnets say to the new prefix. Locks the pool."""
    if any(one.subnetpool_pk != row.subnetpool_pk for one in others):
        return [
            InvalidInput(
                f"Subnets {', '.join(one.cidr for one in (row, *others))} are not all from one"
                " subnet pool, or all from none."
            )
        ]
    if row.subnetpool_pk is None:
        return []
    pool = subnet_pools.locked(tx, row.subnetpool_pk)
    mine = [one.cidr for one in (row, *others)]
    try:
        subnet_pool_rules.choose(pool_facts(tx, pool, row.project_id, without=mine), cidr, None)
    except CallerError as error:
        return [error]
    return []
