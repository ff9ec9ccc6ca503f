"""Checks the client classes of subnets: which machines, which addresses, which options. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ipam import values
from ipam.errors import CallerError, InvalidInput
from ipam.model import ip_version
from ipam.rules import dhcp_options
from ipam.rules.subnets import merged, number

VENDOR_CLASS_MAX: Final = 255
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PREFIX: Final = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,4}")


@dataclass(frozen=True, slots=True)
class ClientClass:
    """Machines that are told apart by what they send."""

    name: str
    vendor_class: str | None = None
    """A text that is somewhere in the vendor class that they send (option 60)."""
    mac_prefix: str | None = None
    """The first octets of their MAC addresses."""
    start: str | None = None
    end: str | None = None
    """The first and the last address of which they get one, and no other machine does."""
    dhcp_options: Sequence[tuple[str, str]] = ()
    """Name and value, as a port has them, in place of the subnet's."""


def read(stored: Sequence[Mapping[str, Any]]) -> list[ClientClass]:
    """The classes of a subnet's row."""
    return [
        ClientClass(
            **{name: value for name, value in one.items() if name != "dhcp_options"},
            dhcp_options=[(each["opt_name"], each["opt_value"]) for each in one["dhcp_options"]],
        )
        for one in stored
    ]


def matches_prefix(mac_address: str, mac_prefix: str) -> bool:
    """Whether the MAC address begins with these octets. Both are in lower case."""
    return f"{mac_address}:".startswith(f"{mac_prefix}:")


def faults(
    classes: Sequence[ClientClass], version: int, dynamic_ranges: Sequence[tuple[str, str]]
) -> list[CallerError]:
    """Every rule that the classes of a subnet break."""
    found = [fault for one in classes for fault in _class_faults(one, version, dynamic_ranges)]
    names = [one.name for one in classes]
    found += [
        _fault(f"two classes have the name {values.shown(name)}")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    return [*found, *_overlaps(classes)]


def _class_faults(
    one: ClientClass, version: int, dynamic_ranges: Sequence[tuple[str, str]]
) -> Iterator[CallerError]:
    named = f"class {values.shown(one.name)}"
    if version != 4:
        yield _fault("an IPv6 subnet has none: its machines do not send a vendor class")
    if not _NAME.fullmatch(one.name):
        yield _fault(
            f"the name {values.shown(one.name)} is not 1 to 32 lower-case letters, digits and"
            " hyphens that begin with a letter"
        )
    if one.vendor_class is None and one.mac_prefix is None:
        yield _fault(f"{named} has neither vendor_class nor mac_prefix")
    if one.vendor_class is not None and not _is_sendable(one.vendor_class):
        yield _fault(f"the vendor_class of {named} is not 1 to {VENDOR_CLASS_MAX} printable ASCII")
    if one.mac_prefix is not None and not _PREFIX.fullmatch(one.mac_prefix):
        yield _fault(
            f"the mac_prefix of {named}, {values.shown(one.mac_prefix)}, is not one to five octets"
            " such as 52:54:00"
        )
    yield from _range_faults(one, named, dynamic_ranges)
    yield from _option_faults(one, named)


def _range_faults(
    one: ClientClass, named: str, dynamic_ranges: Sequence[tuple[str, str]]
) -> Iterator[CallerError]:
    if one.start is None and one.end is None:
        return
    if one.start is None or one.end is None:
        yield _fault(f"{named} has one of start and end without the other")
        return
    span = f"{one.start}-{one.end} of {named}"
    if {ip_version(one.start), ip_version(one.end)} != {4}:
        yield _fault(f"{span} is not of IP version 4")
    elif number(one.start) > number(one.end):
        yield _fault(f"the start of {span} lies after its end")
    elif not any(
        int.from_bytes(low) <= number(one.start) and number(one.end) <= int.from_bytes(high)
        for low, high in merged(dynamic_ranges)
    ):
        yield _fault(f"{span} is not within one of the dynamic_ranges")


def _option_faults(one: ClientClass, named: str) -> Iterator[CallerError]:
    wishes = [(name, value, 4) for name, value in one.dhcp_options]
    for reason in dhcp_options.option_reasons(wishes):
        yield _fault(f"dhcp_options of {named}: {reason}")
    for name, value in one.dhcp_options:
        try:
            option = dhcp_options.parse(name, value, 4)
        except ValueError:
            continue  # said above
        if option.is_lease_time or option.is_client_id:
            yield _fault(f"dhcp_options of {named}: {values.shown(name)} is only for ports")


def _overlaps(classes: Sequence[ClientClass]) -> Iterator[CallerError]:
    ranges = sorted(
        (number(one.start), number(one.end), one.name)
        for one in classes
        if one.start and one.end and {ip_version(one.start), ip_version(one.end)} == {4}
    )
    for lower, upper in pairwise(ranges):
        if upper[0] <= lower[1]:
            yield _fault(f"the ranges of classes {lower[2]} and {upper[2]} overlap")


def _is_sendable(text: str) -> bool:
    return 0 < len(text) <= VENDOR_CLASS_MAX and text.isascii() and text.isprintable()


def _fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for client_classes. Reason: {reason}.")
