"""Has each lease of a dynamic range a port, as long as it lasts.

The DHCP server has given the address already, so the port follows. One machine (MAC address) has
one port with all its addresses. A port whose device_owner is another is reserved: no lease makes,
changes or ends it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.rules import dns_names
from ipam.rules.leases import Holder, Key, Lease
from ipam.store import ports
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases import dynamic
from ipam.store.leases.dynamic import DynamicSubnet

DESCRIPTION_MAX: Final = 255


class LeasePorts:
    """The ports of leases. `follow` may raise MacAddressInUse where another made the port.

    `changed` is told the number of a network in which a port was made or ended.
    """

    def __init__(
        self,
        allocator: Allocator,
        changed: Callable[[Transaction, int], None] = lambda _tx, _network_pk: None,
    ) -> None:
        self._allocator = allocator
        self._changed = changed

    def follow(
        self,
        tx: Transaction,
        leases: Mapping[Key, Lease | None],
        vendor_classes: Mapping[Key, str],
    ) -> dict[Key, Holder]:
        """Make and end ports so that these leases have one; the holders that are new, by address.

        None is a lease that has ended. Addresses outside of dynamic ranges only matter if they
        were in one when their leases began.
        """
        ranges = dynamic.ranges_of(tx, {network_id for network_id, _ in leases})
        places = {key: subnet for key in leases if (subnet := dynamic.subnet_of(ranges, key))}
        ended = [key for key, lease in leases.items() if lease is None and key not in places]
        if ended:
            places |= dynamic.left_behind(tx, ended)
        made: dict[Key, Holder] = {}
        for key, subnet in sorted(places.items(), key=lambda place: place[0]):
            holder = self._follow(tx, subnet, key, leases[key], vendor_classes.get(key, ""))
            if holder is not None:
                made[key] = holder
        return made

    def end(self, tx: Transaction, keys: Iterable[Key]) -> None:
        """The leases of these addresses have ended."""
        self.follow(tx, dict.fromkeys(keys), {})

    def _follow(
        self,
        tx: Transaction,
        subnet: DynamicSubnet,
        key: Key,
        lease: Lease | None,
        vendor_class: str,
    ) -> Holder | None:
        ip, mac = key[1], lease.mac_address if lease else None
        owner = dynamic.owner_of(tx, subnet.pk, ip)
        if owner is not None and owner.device_owner != model.LEASE_PORT_OWNER:
            return None
        if owner is not None and owner.mac_address != mac:
            self._take_back(tx, subnet, ip, owner)
            owner = None
        if lease is None or mac is None or owner is not None:
            return None
        port = dynamic.with_mac(tx, subnet.network_pk, mac)
        if port is None:
            (pk,) = ports.add(tx, [_row(subnet, lease, mac, vendor_class)])
            port = dynamic.with_mac(tx, subnet.network_pk, mac)
            assert port is not None, pk
        elif port.device_owner != model.LEASE_PORT_OWNER:
            return None  # a machine with a reservation elsewhere in the network
        if not self._allocator.claim_leased(tx, subnet.pk, ip, port.pk):
            return None
        ports.change(tx, port.pk, {})
        self._changed(tx, subnet.network_pk)
        return Holder(port.project_id, subnet.id, port.id, mac)

    def _take_back(self, tx: Transaction, subnet: DynamicSubnet, ip: bytes, owner: Record) -> None:
        """Take the address from the port, and delete the port if it has no other."""
        self._changed(tx, subnet.network_pk)
        self._allocator.release(tx, subnet.pk, ip, owner.pk)
        if ports.fixed_ips(tx, [owner.pk])[owner.pk]:
            ports.change(tx, owner.pk, {})
        else:
            ports.remove(tx, owner.pk)


def _row(subnet: DynamicSubnet, lease: Lease, mac: str, vendor_class: str) -> dict[str, Any]:
    return rows.with_standard_columns(
        ports.unbound_row(
            network_pk=subnet.network_pk,
            project_id=subnet.project_id,
            mac_address=mac,
            device_owner=model.LEASE_PORT_OWNER,
        )
        | {
            "description": vendor_class[:DESCRIPTION_MAX],
            "dns_name": dns_names.name_of_machine(lease.hostname or ""),
            "port_security_enabled": subnet.port_security_enabled,
        }
    )
