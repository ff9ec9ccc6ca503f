"""Splits a subnet into several of the same network, in which its ports keep their addresses."""

from collections.abc import Sequence
from typing import Final

from msgspec import UnsetType

from ipam.api.http import writing
from ipam.api.service import Service
from ipam.api.subnets import cutting
from ipam.api.subnets.cut_wire import SubnetPart
from ipam.api.subnets.cutting import Carving
from ipam.api.subnets.wire import KIND
from ipam.errors import CallerError
from ipam.rules import prefixes, subnet_cuts
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.rules.subnet_cuts import Cut
from ipam.rules.subnet_pools import Lengths
from ipam.store import subnet_counters, subnet_pools, subnets, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import NAME_LENGTH

OWN: Final = frozenset({"pk", "id", "revision_number", "created_at", "updated_at"})
"""The columns that a new subnet does not have from the one that was split."""


def split(
    service: Service, tx: Transaction, network: Record, row: Record, parts: Sequence[SubnetPart]
) -> list[int]:
    """Split the subnet; the numbers of the parts. The caller has locked network and subnet.

    Raises with every rule that the parts break.
    """
    cuts, faults = subnet_cuts.split(
        cutting.cut_of(tx, row), [(part.cidr, part.gateway_ip) for part in parts]
    )
    if cuts:
        faults += _pool_faults(tx, row, [part.cidr for part in parts])
        owned = subnets.owned(tx, row.pk)
        faults += [fault for cut in cuts for fault in cutting.faults(row, cut, owned)]
    writing.raise_all(faults)
    carving = Carving(service.allocator, tx, network)
    names = [_name(row, part, number) for number, part in enumerate(parts, 1)]
    pks = [int(row.pk)]
    for cut, name in zip(cuts[1:], names[1:], strict=True):
        pks.append(_add(tx, row, cut, name))
    made = writing.made(tx, KIND, pks[1:], service.settings)
    for new, cut in zip(made, cuts[1:], strict=True):
        carving.move(row, new, cut.shape.cidr)
        cutting.set_ranges(tx, new.pk, cut)
        service.allocator.open_pools(tx, new.pk, cutting.pools(cut))
    first = {**cutting.columns(cuts[0]), "name": names[0]}
    carving.change(row, cuts[0], first)
    tx.note("split", row.cidr, [part.cidr for part in parts])
    for pk, cut in zip(pks, cuts, strict=True):
        carving.settle(pk, cut)
    return pks


def _pool_faults(tx: Transaction, row: Record, cidrs: Sequence[str]) -> list[CallerError]:
    """The lengths that the pool of the subnet, if it is from one, does not give."""
    if row.subnetpool_pk is None:
        return []
    pool = subnet_pools.locked(tx, row.subnetpool_pk)
    allowed = Lengths(pool.min_prefixlen, pool.default_prefixlen, pool.max_prefixlen)
    lengths = {prefixes.parse(cidr).length for cidr in cidrs}
    return [
        fault
        for length in sorted(lengths)
        for fault in subnet_pool_rules.length_broken(length, allowed)
    ]


def _name(row: Record, part: SubnetPart, number: int) -> str:
    if not isinstance(part.name, UnsetType):
        return part.name
    if number == 1 or not row.name:
        return str(row.name)
    return f"{row.name[: NAME_LENGTH - 3]}-{number}"


def _add(tx: Transaction, row: Record, cut: Cut, name: str) -> int:
    same = {column: value for column, value in row._asdict().items() if column not in OWN}
    values = {**same, **cutting.columns(cut), "name": name}
    pk = rows.insert_one(tx, tables.subnet, rows.with_standard_columns(values))
    subnet_counters.open_(tx, pk)
    return pk
