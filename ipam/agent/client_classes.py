"""Makes the client classes of a subnet, from the API's description, for dnsmasq's files. Pure.

A class without a safe form is left out and named in `faults`.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.client_classes import ClientClass
from ipam.agent.dnsmasq.config import Option
from ipam.protocol.dhcp_state import ServedClientClass, ServedDhcpOption, ServedSubnet
from ipam.rules import client_classes, dhcp_options


def dnsmasq_classes(subnet: ServedSubnet, faults: list[str]) -> list[ClientClass]:
    """The classes, as dnsmasq is told of them."""
    found = []
    for one in subnet.client_classes:
        try:
            found.append(_class(subnet, one))
        except ValueError as error:
            faults.append(f"subnet {subnet.id}: client class {one.name!r}: {error}")
    return found


def class_options(subnet: ServedSubnet, faults: list[str]) -> Iterator[Option]:
    """What machines of the classes are sent in place of the subnet's options.

    Of two lines with the same option dnsmasq sends the later one, and the first class counts.
    """
    for one in reversed(subnet.client_classes):
        for wish in one.dhcp_options:
            try:
                yield _option(subnet, one, wish)
            except ValueError as error:
                faults.append(f"subnet {subnet.id}: client class {one.name!r}: {error}")


def options_of_mac(subnet: ServedSubnet, mac_address: str) -> list[ServedDhcpOption]:
    """What a machine that sends no vendor class gets by its MAC address alone, the first last."""
    classes: Iterable[ServedClientClass] = reversed(subnet.client_classes)
    return [
        wish
        for one in classes
        if one.mac_prefix and not one.vendor_class
        if client_classes.matches_prefix(mac_address, one.mac_prefix)
        for wish in one.dhcp_options
    ]


def _class(subnet: ServedSubnet, one: ServedClientClass) -> ClientClass:
    return ClientClass(
        safe_words.class_tag(one.name, subnet.id),
        safe_words.vendor_class(one.vendor_class) if one.vendor_class else None,
        safe_words.mac_prefix(one.mac_prefix) if one.mac_prefix else None,
        one.has_range,
        [(IPv4Address(each.start), IPv4Address(each.end)) for each in one.part],
    )


def _option(subnet: ServedSubnet, one: ServedClientClass, wish: ServedDhcpOption) -> Option:
    option = dhcp_options.parse(wish.opt_name, wish.opt_value or "", 4)
    tags = (
        safe_words.subnet_tag(subnet.id),
        safe_words.class_tag(one.name, subnet.id),
        *map(safe_words.condition, option.conditions),
    )
    values = tuple(map(safe_words.option_value, option.values))
    return Option(tags, safe_words.option_number(option.number, 4), values)
