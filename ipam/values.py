"""The types of values in bodies and filters, with the rules for a single value.

Each check gives the canonical form (lower-case MAC, RFC 5952 address) or raises ValueError with
the rule. Rules between values (a gateway in its subnet) are in `ipam.rules`.
"""

import re
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta

from ipam import model
from ipam.model import is_uuid as is_uuid  # noqa: PLC0414  # a check like the others here

NAME_LENGTH: Final = 255
TAGS_MAX: Final = 50
"""How many tags a resource may have."""
SQL_INTEGER_MAX: Final = 2**31 - 1
OWNERS: Final = ("compute:", "network:", "neutron:")
"""What the device_owner of ports begins with."""

_MAC = re.compile(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """A text without control characters. PostgreSQL cannot store NUL."""
    if found := _CONTROL.search(text):
        raise ValueError(f"Control character {found[0]!a} is not allowed")
    return text


def readable(text: str) -> str:
    """Like `printable`, but line ends and tabs are allowed."""
    if found := _CONTROL_BUT_LINES.search(text):
        raise ValueError(f"Control character {found[0]!a} is not allowed")
    return text


def uuid(text: str) -> str:
    """A resource id."""
    if not is_uuid(text):
        raise ValueError(f"{shown(text)} is not a valid UUID")
    return text


def address(text: str) -> str:
    """An IPv4 or IPv6 address, in the form of RFC 5952."""
    try:
        return model.unpack(model.pack(text))
    except (OSError, ValueError):
        raise ValueError(f"{shown(text)} is not a valid IP address") from None


def cidr(text: str) -> str:
    """A network in prefix notation; its host bits are dropped, as Neutron drops them."""
    base, slash, length = text.partition("/")
    try:
        packed = model.pack(base)
        bits = int(length) if length.isdecimal() and length.isascii() else -1
    except (OSError, ValueError):
        bits, packed = -1, b""
    if not slash or not 0 <= bits <= len(packed) * 8:
        raise ValueError(f"{shown(text)} is not a valid CIDR such as 10.0.0.0/24")
    return str(ip_network((packed, bits), strict=False))


def route_cidr(text: str) -> str:
    """The destination of a route: a network without host bits, which is not this machine's."""
    right = cidr(text)
    if model.pack(text.partition("/")[0]) != model.pack(right.partition("/")[0]):
        raise ValueError(f"{shown(text)} has host bits set; the network is {right}")
    if ip_network(right).is_loopback:
        raise ValueError(f"{shown(text)} is a loopback network, to which no route leads")
    return right


def prefix_length(text: str) -> int:
    """The number that a prefix length is, from the text that views have of it."""
    if not (text.isdecimal() and text.isascii() and len(text) < 4 and int(text) <= 128):
        raise ValueError(f"{shown(text)} is not a prefix length")
    return int(text)


def mac(text: str) -> str:
    """A unicast MAC address, lower case with colons."""
    if not _MAC.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a valid MAC address such as fa:16:3e:00:00:01")
    canonical = text.lower().replace("-", ":")
    if int(canonical[:2], 16) & 1:
        raise ValueError(f"{canonical} is a multicast MAC address")
    if canonical == "00:00:00:00:00:00":
        raise ValueError(f"{canonical} is no machine's MAC address")
    return canonical


def hostname(text: str) -> str:
    """A host name of RFC 1123 labels in lower case, with or without a final dot; or empty."""
    labels = text.removesuffix(".").split(".")
    if text and not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(
            f"{shown(text)} is not a host name: labels of 1 to 63 letters, digits and hyphens,"
            " none at either end a hyphen, joined by dots"
        )
    if len(labels) > 1 and labels[-1].isdecimal():
        raise ValueError(f"{shown(text)} is not a host name: its last label is a number")
    return text.lower()


def domain(text: str) -> str:
    """A DNS domain, with or without a final dot; or empty."""
    if text and not is_domain(text.removesuffix(".")):
        raise ValueError(
            f"{shown(text)} is not a DNS domain: labels of 1 to 63 letters, digits and hyphens,"
            " none at either end a hyphen, joined by dots"
        )
    return text.lower()


def is_domain(text: str) -> bool:
    """Whether the text is RFC 1123 labels joined by dots, and not longer than DNS allows."""
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def pair_address(text: str) -> str:
    """The address or CIDR of an allowed address pair."""
    found = cidr(text) if "/" in text else address(text)
    if ip_network(found).is_multicast:
        raise ValueError(f"{shown(text)} is a multicast address")
    return found


def zone_name(text: str) -> str:
    """The name of an availability zone."""
    if "," in text:
        raise ValueError("A comma is not allowed")
    return printable(text)


def service_type(text: str) -> str:
    """What the device_owner of ports begins with that a subnet is for."""
    if not text.startswith(OWNERS):
        raise ValueError(f"{shown(text)} begins with none of {', '.join(OWNERS)}")
    return printable(text)


def lower_case(text: str) -> str:
    """A word that is kept in lower case."""
    return printable(text).lower()


def instant(text: str) -> str:
    """An instant in ISO 8601, UTC if it names no zone; in the API's format, to the second."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return model.iso_time(int(moment.timestamp()))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{shown(text)} is no instant such as 2026-11-22T08:00:00Z") from None


def json_object(value: dict[str, Any], most: int = 4095) -> dict[str, Any]:
    """Any JSON object of bounded size; without `most`, of Neutron's limit for binding:profile."""
    text = repr(value)
    if len(text) > most:
        raise ValueError(f"Longer than {most} characters")
    if "\\x00" in text:
        raise ValueError("NUL is not allowed")
    return value


def shown(text: str) -> str:
    """A value from a request, made printable and cut for a message."""
    return repr(text[:100] + ("…" if len(text) > 100 else ""))


_LABEL_PATTERN: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PATTERNS: Final = {
    printable: r"^[^\x00-\x1f\x7f-\x9f]*$",
    readable: r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
    hostname: rf"^({_LABEL_PATTERN}(\.{_LABEL_PATTERN})*\.?)?$",
    domain: rf"^({_LABEL_PATTERN}(\.{_LABEL_PATTERN})*\.?)?$",
}
"""Patterns for the OpenAPI document. The checks themselves are stricter."""


def _text(check: Any, schema_format: str | None = None, **bounds: Any) -> Meta:
    schema = {"format": schema_format} if schema_format else {"pattern": _PATTERNS.get(check)}
    known = {name: value for name, value in schema.items() if value}
    return Meta(extra={"check": check}, extra_json_schema=known or None, **bounds)


Name: TypeAlias = Annotated[str, _text(printable, max_length=NAME_LENGTH)]
Description: TypeAlias = Annotated[str, _text(readable, max_length=NAME_LENGTH)]
ShortName: TypeAlias = Annotated[str, _text(printable, max_length=64)]
ProjectId: TypeAlias = Annotated[str, _text(printable, max_length=NAME_LENGTH)]
Tag: TypeAlias = Annotated[str, _text(printable, min_length=1, max_length=NAME_LENGTH)]
Tags: TypeAlias = Annotated[list[Tag], Meta(max_length=TAGS_MAX)]
Uuid: TypeAlias = Annotated[str, _text(uuid, "uuid")]
IpAddress: TypeAlias = Annotated[str, _text(address, "ip-address", max_length=64)]
Cidr: TypeAlias = Annotated[str, _text(cidr, "cidr", max_length=64)]
RouteCidr: TypeAlias = Annotated[str, _text(route_cidr, "cidr", max_length=64)]
MacAddress: TypeAlias = Annotated[str, _text(mac, "mac-address", max_length=17)]
ServiceType: TypeAlias = Annotated[str, _text(service_type, max_length=NAME_LENGTH)]
LowerCase: TypeAlias = Annotated[str, Meta(extra={"check": lower_case})]
HostName: TypeAlias = Annotated[str, _text(hostname, max_length=NAME_LENGTH)]
Domain: TypeAlias = Annotated[str, _text(domain, max_length=NAME_LENGTH)]
Instant: TypeAlias = Annotated[str, _text(instant, "date-time", max_length=64)]
PairAddress: TypeAlias = Annotated[str, _text(pair_address, max_length=64)]
PrefixLength: TypeAlias = Annotated[int, Meta(ge=0, le=128)]
PrefixLengthText: TypeAlias = Annotated[str, Meta(extra={"check": prefix_length})]
"""How Neutron shows the prefix lengths of subnet pools; a filter compares their number."""
JsonObject: TypeAlias = Annotated[dict[str, Any], Meta(extra={"check": json_object})]
"""JSON objects with any content."""
