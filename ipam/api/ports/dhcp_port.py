"""The network's DHCP port: one for each network, the same address on every host that serves it.

It is made with the first subnet that has DHCP, and deleted with the network. In each subnet with
DHCP it has the lowest free address of the pools. In a subnet whose machines make their own
addresses, it has the one made from its MAC address, which needs no row.
"""

import secrets

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.errors import IpAddressGenerationFailure
from ipam.store import ports
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


def new_mac() -> str:
    """A random MAC address with Neutron's prefix. A unique key decides collisions."""
    return (model.MAC_PREFIX + secrets.token_bytes(3)).hex(":")


def serve(
    tx: Transaction,
    allocator: Allocator,
    network: Record,
    *,
    subnet_pk: int,
    is_automatic: bool,
    address: bytes | None = None,
) -> None:
    """Give the network's DHCP port an address in a subnet. Makes the port if needed.

    It is none of the pools if machines make their own (`is_automatic`). The caller has locked the
    network's row. Raises IpAddressGenerationFailure, and
    IpAddressAlreadyAllocated if an `address` is named that somebody has.
    """
    device_id = model.dhcp_device_id(network.id)
    existing = ports.dhcp_port(tx, network.pk, device_id)
    owner = existing.pk if existing else _add(tx, network, device_id)
    if address is not None:
        allocator.claim(tx, subnet_pk, address, owner)
        ports.change(tx, owner, {})
    elif not is_automatic:
        _take_address(tx, allocator, owner, subnet_pk)


def give_back_address(
    tx: Transaction, allocator: Allocator, network_pk: int, network_id: str, subnet_pk: int
) -> None:
    """Release the DHCP port's address of this subnet, if it has one.

    It is held, so that the server gets the same address if DHCP is switched on again.
    """
    own = ports.dhcp_port(tx, network_pk, model.dhcp_device_id(network_id))
    if own is None:
        return
    for _, held, address in ports.fixed_ips(tx, [own.pk])[own.pk]:
        if held == subnet_pk:
            allocator.release(tx, subnet_pk, address, own.pk, held=True)
            ports.change(tx, own.pk, {})


def _take_address(tx: Transaction, allocator: Allocator, owner: int, subnet_pk: int) -> None:
    if any(held == subnet_pk for _, held, _ in ports.fixed_ips(tx, [owner])[owner]):
        return
    try:
        if not allocator.reclaim(tx, subnet_pk, owner):
            allocator.allocate_lowest(tx, subnet_pk, owner)
    except IpAddressGenerationFailure as error:
        raise IpAddressGenerationFailure(
            "No more IP addresses available for the DHCP server: a subnet with DHCP needs one"
            " free address in its allocation pools."
        ) from error
    ports.change(tx, owner, {})


def _add(tx: Transaction, network: Record, device_id: str) -> int:
    row = ports.unbound_row(
        network_pk=network.pk,
        project_id=network.project_id,
        mac_address=new_mac(),
        device_owner=model.DHCP_PORT_OWNER,
    )
    row |= {"device_id": device_id, "status": model.ACTIVE}
    (pk,) = ports.add(tx, [rows.with_standard_columns(row)])
    return pk
