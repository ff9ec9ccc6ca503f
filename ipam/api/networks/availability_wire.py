"""The bodies of network IP availabilities: how many addresses there are and are used."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from ipam import clock
from ipam.allocator import ranges
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import PROJECT_ID, TENANT_ID
from ipam.errors import NetworkNotFound
from ipam.rules import prefixes
from ipam.store import availability, subnet_counters
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.subnet_ranges import every
from ipam.values import Cidr, Name, ProjectId, Uuid

TOTAL_IPS: Final = Meta(description="How many addresses can be given.")
USED_IPS: Final = Meta(description="How many addresses are given.")


class SubnetAvailability(Struct):
    """One subnet's part. The `total_ips` of an IPv6 subnet may need more than 64 bits."""

    subnet_id: Annotated[Uuid, Meta(description="The subnet of the address.")]
    subnet_name: Annotated[Name, Meta(description="The subnet's name.")]
    cidr: Annotated[Cidr, Meta(description="The network in prefix notation.")]
    ip_version: Annotated[int, Meta(description="4 or 6.")]
    total_ips: Annotated[int, TOTAL_IPS]
    used_ips: Annotated[int, USED_IPS]


class AvailabilityView(Struct):
    """How full a network is. `total_ips` counts allocation pools; without pools, whole subnets."""

    network_id: Annotated[Uuid, Meta(description="The network.")]
    network_name: Annotated[Name, Meta(description="The network's name.")]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    project_id: Annotated[ProjectId, PROJECT_ID]
    total_ips: Annotated[int, TOTAL_IPS]
    used_ips: Annotated[int, USED_IPS]
    subnet_ip_availability: Annotated[
        list[SubnetAvailability], Meta(description="The same for each subnet.")
    ]

    @property
    def id(self) -> str:
        """The marker of a page."""
        return self.network_id


def views(
    tx: Transaction, rows: Sequence[Record], versions: Sequence[str] = ("4", "6")
) -> list[AvailabilityView]:
    """The availability of these networks. Runs a constant number of statements.

    Only subnets of these IP versions are counted.
    """
    subnets = availability.subnets_of(tx, [row.pk for row in rows], set(map(int, versions)))
    pks = [subnet.pk for subnet in subnets]
    counts = subnet_counters.current(tx, clock.now_seconds(), pks)
    of_subnets = every(tx, pks)
    parts: dict[int, list[SubnetAvailability]] = {row.pk: [] for row in rows}
    for subnet in subnets:
        part = SubnetAvailability(
            subnet.id,
            subnet.name,
            subnet.cidr,
            subnet.ip_version,
            total(subnet.cidr, of_subnets[subnet.pk].pools),
            counts[subnet.pk].owned,
        )
        parts[subnet.network_pk].append(part)
    return [
        AvailabilityView(
            network_id=row.id,
            network_name=row.name,
            tenant_id=row.project_id,
            project_id=row.project_id,
            total_ips=sum(part.total_ips for part in parts[row.pk]),
            used_ips=sum(part.used_ips for part in parts[row.pk]),
            subnet_ip_availability=parts[row.pk],
        )
        for row in rows
    ]


def total(cidr: str, pools: Sequence[ranges.AddressRange]) -> int:
    """How many addresses allocation pools have; without pools, the whole prefix, as in Neutron."""
    return sum(map(ranges.size, pools)) or prefixes.parse(cidr).size


KIND: Final = Kind(
    "network_ip_availability",
    "network_ip_availabilities",
    AvailabilityView,
    availability.COLLECTION,
    views,
    NetworkNotFound,
)
