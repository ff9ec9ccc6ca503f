"""Gives a subnet a larger or smaller prefix, in which its ports keep their addresses."""

from collections.abc import Sequence

from msgspec import UnsetType

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.api.http import writing
from ipam.api.ports import dhcp_port
from ipam.api.subnets.origin import pool_facts
from ipam.api.subnets.wire import SubnetUpdate
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.rules import subnet_resize
from ipam.rules import subnets as subnet_rules
from ipam.rules.subnets import Shape
from ipam.store import subnet_pools, subnets
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


def check(
    tx: Transaction, network: Record, row: Record, shape: Shape, asked: SubnetUpdate
) -> bool:
    """Whether the DHCP server's address is outside of the prefix of `shape`.

    Raises if the subnet, which the caller has locked, may not have the prefix. Nobody else can get
    an address of it before the transaction ends.
    """
    routes: Sequence[str] = shape.nexthops
    if isinstance(asked.host_routes, UnsetType):
        routes = [route["nexthop"] for route in row.host_routes]
    writing.raise_all(
        subnet_resize.faults(row.cidr, shape.cidr, gateway_ip=shape.gateway_ip, nexthops=routes)
    )
    others = {one.id: one.cidr for one in subnets.of_network(tx, network.pk) if one.pk != row.pk}
    writing.raise_all(subnet_rules.overlapping(shape.cidr, others))
    if row.subnetpool_pk is not None:
        _check_pool(tx, row, shape.cidr)
    machines, server = list[tuple[str, str]](), list[tuple[str, str]]()
    for one in subnets.owned(tx, row.pk):
        of = server if one.device_owner == model.DHCP_PORT_OWNER else machines
        of.append((model.unpack(one.ip), one.id))
    writing.raise_all(subnet_resize.strangers(shape.cidr, machines))
    return bool(subnet_resize.strangers(shape.cidr, server))


def carry_out(
    tx: Transaction,
    allocator: Allocator,
    network: Record,
    row: Record,
    shape: Shape,
    *,
    server_moves: bool,
) -> None:
    """Forget addresses outside of the new prefix, and take the DHCP server's into it."""
    if server_moves:
        dhcp_port.give_back_address(tx, allocator, network.pk, network.id, row.pk)
    allocator.forget_outside(tx, row.pk, subnet_rules.usable_ends(shape.cidr))
    if server_moves:
        dhcp_port.serve(tx, allocator, network, subnet_pk=row.pk, is_automatic=False)


def _check_pool(tx: Transaction, row: Record, cidr: str) -> None:
    """Raise if the subnet pool, which this locks, does not have the prefix free."""
    pool = subnet_pools.locked(tx, row.subnetpool_pk)
    facts = pool_facts(tx, pool, row.project_id, without=[row.cidr])
    subnet_pool_rules.choose(facts, cidr, None)
