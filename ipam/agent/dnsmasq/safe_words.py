"""Parsers that make the only text that dnsmasq's files may have: a function per kind of value.

Each takes text from the API and gives a `Word` that dnsmasq can read in exactly one way, or raises
`UnfitError`. dnsmasq (option.c) reads as follows: commas split fields, `#` after a blank starts a
comment, quotes hide both, `set:`, `tag:`, `id:` are keywords where a field starts, and a name
without a dot is a lease time or `ignore` if it looks like one.
"""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    ip_address,
    ip_interface,
    ip_network,
)

from ipam import model
from ipam.rules.dhcp_option_values import INFINITE_SECONDS, Value
from ipam.templating import Word

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_DNS_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,14}")
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,14}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PATH = re.compile(r"(/[A-Za-z0-9._+@-]+)+")
_OPTION_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_CONDITION = re.compile(r"!?[a-z][a-z0-9-]{0,31}")
_CLASS_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MAC_PREFIX = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,4}")
LONGEST_TEXT = 255


class UnfitError(ValueError):
    """A value has no safe form in a dnsmasq file. The text says which and why."""


def uuid(text: str) -> Word:
    """A resource id in its canonical form. It is also safe as a file name."""
    return _fitting(text, "an id", fits=model.is_uuid(text))


def mac(text: str) -> Word:
    """A MAC address, lower case, six octets."""
    return _fitting(text, "a MAC address", fits=model.is_mac(text))


def interface(text: str) -> Word:
    """An interface name."""
    return _matching(_INTERFACE, text, "an interface name")


def device(text: str) -> Word:
    """The name of an interface of the administrator's, such as eth1.101."""
    return _matching(_DEVICE, text, "a plain name of an interface")


def user(text: str) -> Word:
    """The name of a user of this host."""
    return _matching(_USER, text, "a user name")


def path(text: str) -> Word:
    """An absolute path without blanks or quotes: dnsmasq runs its script through a shell."""
    return _matching(_PATH, text, "a plain absolute path")


def number(value: int) -> Word:
    """A whole number, not negative."""
    if type(value) is not int or value < 0:
        raise UnfitError(f"{value!r} is not a whole number")
    return Word(value)


def mac_tags(mac_address: str) -> tuple[Word, ...]:
    """The tags of a MAC address, one for each octet. Only its requests have all of them."""
    octets = mac(mac_address).split(":")
    return tuple(Word(f"m{place}-{octet}") for place, octet in enumerate(octets))


def mac_pattern(place: int, octet: int) -> Word:
    """The MAC addresses with this octet (0 to 255) at this place (0 to 5)."""
    return Word(":".join(f"{octet:02x}" if at == place else "*" for at in range(6)))


def subnet_tag(subnet_id: str) -> Word:
    """The tag of the requests that a subnet's range answers."""
    return Word("subnet-" + uuid(subnet_id))


def class_tag(name: str, subnet_id: str) -> Word:
    """The tag of the requests of a subnet's client class."""
    return Word(f"class-{_matching(_CLASS_NAME, name, 'the name of a class')}-{uuid(subnet_id)}")


def part_tag(name: Word, number: int) -> Word:
    """The tag of the requests that meet one of the conditions for another tag."""
    return Word(f"{_word(name)}-{int(number)}")


def vendor_class(text: str) -> Word:
    """What has to be in the vendor class of a request, in quotes."""
    return _quoted(_fitting(text, "a vendor class", fits=bool(text)))


def mac_prefix(text: str) -> Word:
    """The MAC addresses that begin with these octets, of which there are at most five."""
    octets = _matching(_MAC_PREFIX, text, "the first octets of a MAC address").split(":")
    return Word(":".join([*octets, *"*" * (6 - len(octets))]))


def without_tag(name: Word) -> Word:
    """The condition that a request does not have the tag."""
    return Word(f"tag:!{_word(name)}")


def tag(name: Word) -> Word:
    """The condition that a request has the tag."""
    return Word(f"tag:{_word(name)}")


def set_tag(name: Word) -> Word:
    """The instruction to give the request the tag."""
    return Word(f"set:{_word(name)}")


def hostname(text: str) -> Word:
    """One DNS label with a final dot, so that `5d` or `ignore` can only be a name."""
    return Word(_matching(_HOST_NAME, text, "a host name") + ".")


def domain(text: str) -> Word:
    """A domain name in quotes, without the dot at its end."""
    bare = text.removesuffix(".")
    if len(bare) > 253 or not all(_LABEL.fullmatch(label) for label in bare.split(".")):
        raise UnfitError(f"{text!r} is not a domain name")
    return Word(f'"{bare}"')


def dns_name(text: str) -> Word:
    """A name that a resolver answers, or a zone: labels of letters, digits and hyphens."""
    fits = len(text) <= 253 and all(_DNS_LABEL.fullmatch(label) for label in text.split("."))
    return _fitting(text, "a name of DNS", fits=fits)


def name_server(ip_address_text: str, port: int) -> Word:
    """A name server at a port."""
    return Word(f"{bare_address(ip_address(ip_address_text))}#{number(port)}")


def zone(name: Word) -> Word:
    """The zone of which nobody else is asked."""
    return Word(f"/{_word(name)}/")


def address(text: str) -> Word:
    """An address of either version. IPv6 addresses are in brackets, as dnsmasq wants it."""
    try:
        parsed = ip_address(text)
    except ValueError as error:
        raise UnfitError(str(error)) from error
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id:
            raise UnfitError(f"{text!r} has a scope")
        return Word(f"[{parsed}]")
    return Word(parsed)


def bare_address(parsed: IPv4Address | IPv6Address) -> Word:
    """An address without brackets, for ranges."""
    return Word(parsed)


def interface_address(text: str) -> Word:
    """An address with its prefix length, for an interface."""
    try:
        return Word(ip_interface(text).with_prefixlen)
    except ValueError as error:
        raise UnfitError(str(error)) from error


def destination(text: str) -> Word:
    """The IPv4 network of a classless route."""
    try:
        parsed = ip_network(text)
    except ValueError as error:
        raise UnfitError(str(error)) from error
    if parsed.version != 4:
        raise UnfitError(f"{text!r} is not an IPv4 network")
    return Word(parsed)


def option(name: str, ip_version: int) -> Word:
    """A DHCP option by dnsmasq's name."""
    keyword = "option6" if ip_version == 6 else "option"
    return Word(f"{keyword}:{_matching(_OPTION_NAME, name, 'a DHCP option')}")


def option_number(number: int, ip_version: int) -> Word:
    """A DHCP option by its number: 1 to 255 for IPv4, where 255 is the next server, not an option.

    A bare number is an option of IPv4 to dnsmasq.
    """
    if not 1 <= number <= (65535 if ip_version == 6 else 255):
        raise UnfitError(f"DHCP option {number} does not exist")
    return Word(f"option6:{number}" if ip_version == 6 else number)


def condition(text: str) -> Word:
    """A tag that requests must have, or with `!` must not have."""
    return _matching(_CONDITION, text, "a tag")


def option_value(value: Value) -> Word:
    """One value of an option, in the form that dnsmasq sends unchanged."""
    match value:
        case IPv6Address():
            return Word(f"[{value}]")
        case IPv4Address() | IPv4Network():
            return Word(value)
        case int():
            return Word(int(value))
        case bytes():
            # One octet in hex would be a decimal number, whose width dnsmasq does not know of 43.
            return Word(value.hex(":") if len(value) > 1 else f"{value[0]}b")
        case _:
            return _quoted(value)


def two_octets(value: int) -> Word:
    """A number of two octets, also in an option whose type dnsmasq does not know."""
    if not 0 <= value < 2**16:
        raise UnfitError(f"{value!r} does not fit into two octets")
    return Word(f"{number(value)}s")


def client_id(octets: bytes) -> Word:
    """The client identifier that a machine sends, octet by octet."""
    if len(octets) < 2:
        raise UnfitError(f"{octets!r} is too short for a client identifier")
    return Word("id:" + octets.hex(":"))


def lease_time(seconds: int) -> Word:
    """The length of a lease. All bits set means infinite."""
    return Word("infinite") if seconds == INFINITE_SECONDS else number(seconds)


def _quoted(text: str) -> Word:
    """The text in quotes, in which only the quote and the backslash have a meaning."""
    if not (text.isascii() and text.isprintable() and len(text) <= LONGEST_TEXT):
        raise UnfitError(f"{text!r} is not {LONGEST_TEXT} characters of printable ASCII")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return Word(f'"{escaped}"')


def _matching(pattern: re.Pattern[str], text: str, kind: str) -> Word:
    return _fitting(text, kind, fits=pattern.fullmatch(text) is not None)


def _fitting(text: str, kind: str, *, fits: bool) -> Word:
    if not fits:
        raise UnfitError(f"{text!r} is not {kind}")
    return Word(text)


def _word(value: Word) -> Word:
    if type(value) is not Word:
        raise UnfitError(f"{value!r} was not parsed")
    return value
