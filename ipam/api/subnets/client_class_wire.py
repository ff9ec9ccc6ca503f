"""The client classes in the bodies of subnets."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ipam import values
from ipam.rules.client_classes import VENDOR_CLASS_MAX
from ipam.values import IpAddress, ShortName

CLASSES_MAX: Final = 16
CLASS_OPTIONS_MAX: Final = 20
CLIENT_CLASSES: Final = Meta(
    description="Machines that are told apart by what they send, with dynamic addresses or DHCP"
    " options of their own; only IPv4. Of two that a machine is in, the first counts."
)


class ClassOption(Struct, kw_only=True):
    opt_name: Annotated[ShortName, Meta(description="By dnsmasq's name or number.")]
    opt_value: Annotated[
        Annotated[str, Meta(max_length=values.NAME_LENGTH)],
        Meta(description="Its value, in dnsmasq's form for its type."),
    ]


ClassOptions = Annotated[list[ClassOption], Meta(max_length=CLASS_OPTIONS_MAX)]


class ClientClass(Struct, kw_only=True):
    name: Annotated[ShortName, Meta(description="A name, in this subnet.")]
    vendor_class: Annotated[
        Annotated[str, Meta(max_length=VENDOR_CLASS_MAX)] | None,
        Meta(description="A text within the vendor class that the machine sends (option 60)."),
    ] = None
    mac_prefix: Annotated[
        Annotated[str, Meta(max_length=14)] | None,
        Meta(
            description="The first octets of the machine's MAC address, such as 52:54:00. With"
            " vendor_class, both are to fit."
        ),
    ] = None
    start: Annotated[
        IpAddress | None,
        Meta(
            description="The first of the addresses that machines of the class get, and no others;"
            " in the dynamic ranges. The class has none of its own when left out."
        ),
    ] = None
    end: Annotated[IpAddress | None, Meta(description="The last of these addresses.")] = None
    dhcp_options: Annotated[
        ClassOptions,
        Meta(description="What the machine is sent in place of the subnet's own values."),
    ] = []


ClientClasses = Annotated[list[ClientClass], Meta(max_length=CLASSES_MAX)]


def for_row(given: Sequence[ClientClass]) -> list[dict[str, Any]]:
    """The classes as the table has them."""
    return [
        {
            "name": one.name,
            "vendor_class": one.vendor_class,
            "mac_prefix": one.mac_prefix.lower() if one.mac_prefix else one.mac_prefix,
            "start": one.start,
            "end": one.end,
            "dhcp_options": [
                {"opt_name": each.opt_name, "opt_value": each.opt_value}
                for each in one.dhcp_options
            ],
        }
        for one in given
    ]
