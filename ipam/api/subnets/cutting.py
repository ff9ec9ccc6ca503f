"""What splitting and merging of subnets have in common.

Callers have locked the network and its subnets, so that nobody gets an address of them meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.api.ports import dhcp_port
from ipam.errors import CallerError, IpAddressAlreadyAllocated
from ipam.rules import prefixes, subnet_resize
from ipam.rules import subnets as subnet_rules
from ipam.rules.fixed_ips import ROUTER_OWNERS
from ipam.rules.ipv6 import makes_own_addresses
from ipam.rules.subnet_cuts import Cut
from ipam.rules.subnets import Shape
from ipam.store import subnet_counters, subnet_moves, subnet_ranges, subnets, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.subnet_ranges import Range, StaticRange


def cut_of(tx: Transaction, row: Record) -> Cut:
    """The subnet as it is."""
    routes, ranges = row.host_routes, subnet_ranges.every(tx, [row.pk])[row.pk]
    static = [
        (model.unpack(one.first), model.unpack(one.last), one.label, one.owner)
        for one in ranges.static
    ]
    shape = Shape(
        cidr=row.cidr,
        ip_version=row.ip_version,
        gateway_ip=model.unpack(row.gateway_ip) if row.gateway_ip else None,
        pools=_texts(ranges.pools),
        enable_dhcp=row.enable_dhcp,
        ipv6_ra_mode=row.ipv6_ra_mode,
        ipv6_address_mode=row.ipv6_address_mode,
        destinations=[route["destination"] for route in routes],
        nexthops=[route["nexthop"] for route in routes],
        dynamic_ranges=_texts(ranges.dynamic),
        static_ranges=[each[:2] for each in static],
    )
    return Cut(shape, row.client_classes or [], static)


def faults(row: Record, cut: Cut, found: Sequence[Record]) -> list[CallerError]:
    """Faults of ports whose addresses nobody can have in the new subnet, or are its router's."""
    cidr, gateway = cut.shape.cidr, cut.shape.gateway_ip
    mine = [one for one in found if prefixes.has(cidr, one.ip)]
    machines = [one for one in mine if one.device_owner != model.DHCP_PORT_OWNER]
    broken = subnet_resize.strangers(cidr, [(model.unpack(one.ip), one.id) for one in machines])
    if gateway is None or (row.gateway_ip and model.unpack(row.gateway_ip) == gateway):
        return broken
    return [
        *broken,
        *(
            IpAddressAlreadyAllocated(
                f"IP address {gateway} already allocated, to port {one.id}: it cannot become the"
                f" gateway of {cidr}; name another as gateway_ip."
            )
            for one in mine
            if model.unpack(one.ip) == gateway and one.device_owner not in ROUTER_OWNERS
        ),
    ]


def columns(cut: Cut) -> dict[str, Any]:
    """The columns of the subnet that the cut decides."""
    shape = cut.shape
    return {
        "cidr": shape.cidr,
        "gateway_ip": model.pack(shape.gateway_ip) if shape.gateway_ip else None,
        "host_routes": [
            {"destination": destination, "nexthop": hop} for destination, hop in cut.routes
        ],
        "client_classes": list(cut.classes),
    }


def pools(cut: Cut) -> list[Range]:
    """Its allocation pools, packed."""
    return subnet_rules.merged(cut.shape.pools)


def set_ranges(tx: Transaction, subnet_pk: int, cut: Cut) -> None:
    """Write its allocation pools, dynamic and static ranges."""
    subnet_ranges.set_pools(tx, subnet_pk, pools(cut))
    dynamic = subnet_rules.merged(cut.shape.dynamic_ranges)
    subnet_ranges.set_dynamic_ranges(tx, subnet_pk, dynamic)
    static = [
        StaticRange(model.pack(first), model.pack(last), label, owner)
        for first, last, label, owner in cut.static
    ]
    subnet_ranges.set_static_ranges(tx, subnet_pk, static)


@dataclass(frozen=True, slots=True)
class Carving:
    """Changes subnets of a network inside a transaction."""

    allocator: Allocator
    tx: Transaction
    network: Record

    def move(self, old: Record, new: Record, cidr: str) -> None:
        """Take the addresses in this prefix, and what is known of them, to the new subnet."""
        within = prefixes.parse(cidr).ends
        subnet_moves.change_owners(self.tx, old.pk, within)
        self.allocator.move(self.tx, old.pk, new.pk, within)
        subnet_moves.take_history(self.tx, self.network.id, old, new, within)

    def change(self, row: Record, cut: Cut, values: Mapping[str, Any]) -> None:
        """Give the subnet that stays its new values and ranges."""
        set_ranges(self.tx, row.pk, cut)
        self.allocator.change_pools(self.tx, row.pk, pools(cut))
        rows.touch(self.tx, tables.subnet, row.pk, values)

    def settle(self, subnet_pk: int, cut: Cut) -> None:
        """Give the DHCP server an address that it can have, forget what is unusable, and count."""
        tx, network, shape = self.tx, self.network, cut.shape
        usable = subnet_rules.usable_ends(shape.cidr)
        if any(not usable[0] <= one.ip <= usable[1] for one in subnets.owned(tx, subnet_pk)):
            # `faults` has let in no other port.
            dhcp_port.give_back_address(tx, self.allocator, network.pk, network.id, subnet_pk)
        self.allocator.forget_outside(tx, subnet_pk, usable)
        if shape.enable_dhcp:
            own = makes_own_addresses(shape.ipv6_ra_mode, shape.ipv6_address_mode)
            dhcp_port.serve(tx, self.allocator, network, subnet_pk=subnet_pk, is_automatic=own)
        subnet_counters.count_anew(tx, subnet_pk)


def _texts(found: Sequence[Range]) -> list[tuple[str, str]]:
    return [(model.unpack(first), model.unpack(last)) for first, last in found]
