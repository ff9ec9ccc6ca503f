"""The bodies of splitting and merging subnets."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http.standard_attributes import NAME
from ipam.values import Cidr, IpAddress, Name, Uuid

PARTS_MAX: Final = 64
"""So many parts a subnet is split into at once, and so many are merged into one."""


class SubnetPart(Struct, kw_only=True):
    """One of the subnets that a subnet is split into."""

    cidr: Annotated[Cidr, Meta(description="Its prefix.")]
    gateway_ip: Annotated[
        IpAddress | UnsetType | None,
        Meta(
            description="Its router; null for none. When left out, the present one in the part"
            " that has it, and the first address of each other part; none where there is none."
        ),
    ] = UNSET
    name: Annotated[
        Name | UnsetType, NAME, Meta(description="When left out, the name so far with a number.")
    ] = UNSET


class SplitStruct(Struct, kw_only=True):
    """What a subnet is split into."""

    subnets: Annotated[
        list[SubnetPart],
        Meta(
            min_length=2,
            max_length=PARTS_MAX,
            description="The parts, which have all of its addresses together. The first one keeps"
            " the subnet's id.",
        ),
    ]


class Merge(Struct, kw_only=True):
    """What becomes one subnet."""

    subnet_ids: Annotated[
        list[Uuid],
        Meta(
            min_length=1,
            max_length=PARTS_MAX,
            description="The subnets that become a part of this one and are gone then.",
        ),
    ]
    cidr: Annotated[
        Cidr | UnsetType,
        Meta(description="The new prefix; when left out, the smallest around all of them."),
    ] = UNSET
    gateway_ip: Annotated[
        IpAddress | UnsetType | None,
        Meta(description="The router; null for none. When left out, this subnet's."),
    ] = UNSET


class MergeStruct(Struct, kw_only=True):
    """What becomes one subnet, in its envelope."""

    subnet: Annotated[Merge, Meta(description="What becomes one subnet.")]
