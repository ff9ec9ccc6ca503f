"""Parsers that make the only text a dnsmasq file may hold: one function per kind of value.

Each takes text from the API and gives a `Word` that dnsmasq can read in exactly one way, or
raises `UnfitError`. dnsmasq's own reading is meant (option.c): commas split fields, `#` after a
blank starts a comment, quotes hide both, `set:`, `tag:`, `id:` are keywords wherever a field may
start, and a name without a dot is a lease time or `ignore` if it looks like one.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from ipam import model
from ipam.templating import Word

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,14}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PATH = re.compile(r"(/[A-Za-z0-9._+@-]+)+")
_OPTION_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_HEX = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})+", re.IGNORECASE)
_TEXT = re.compile(r"[ !#-\[\]-~]{1,255}")
"""Printable ASCII without the quote and the backslash, which would end or change a quoted text."""


class UnfitError(ValueError):
    """A value that has no safe form in a dnsmasq file; the text says which and why."""


def uuid(text: str) -> Word:
    """A resource id in its canonical form; also safe as a file name."""
    return _fitting(text, "an id", fits=model.is_uuid(text))


def mac(text: str) -> Word:
    """A MAC address, lower case, six octets."""
    return _fitting(text, "a MAC address", fits=model.is_mac(text))


def interface(text: str) -> Word:
    """An interface name."""
    return _matching(_INTERFACE, text, "an interface name")


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
    """The tags that only requests with this MAC address carry all of: one for each octet."""
    octets = mac(mac_address).split(":")
    return tuple(Word(f"m{place}-{octet}") for place, octet in enumerate(octets))


def mac_pattern(place: int, octet: int) -> Word:
    """The MAC addresses with this octet (0 to 255) at this place (0 to 5)."""
    return Word(":".join(f"{octet:02x}" if at == place else "*" for at in range(6)))


def subnet_tag(subnet_id: str) -> Word:
    """The tag of the requests that a subnet's range answers."""
    return Word("subnet-" + uuid(subnet_id))


def tag(name: Word) -> Word:
    """The condition that a request carries the tag."""
    return Word(f"tag:{_word(name)}")


def set_tag(name: Word) -> Word:
    """The instruction to give the request the tag."""
    return Word(f"set:{_word(name)}")


def hostname(text: str) -> Word:
    """One DNS label with a final dot, so that `5d` or `ignore` is a name and nothing else."""
    return Word(_matching(_HOST_NAME, text, "a host name") + ".")


def domain(text: str) -> Word:
    """A domain name in quotes, without the dot at its end."""
    bare = text.removesuffix(".")
    if len(bare) > 253 or not all(_LABEL.fullmatch(label) for label in bare.split(".")):
        raise UnfitError(f"{text!r} is not a domain name")
    return Word(f'"{bare}"')


def address(text: str) -> Word:
    """An address of either version; IPv6 in brackets, as dnsmasq has it."""
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
    """An address as ranges have it: without brackets."""
    return Word(parsed)


def interface_address(text: str) -> Word:
    """An address with its prefix length, as an interface carries it."""
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
    """A DHCP option by its name or number."""
    keyword = "option6" if ip_version == 6 else "option"
    if name.isascii() and name.isdecimal():
        if not 1 <= int(name) <= (65535 if ip_version == 6 else 254):
            raise UnfitError(f"DHCP option {name} does not exist")
        # A bare number is an option of IPv4 to dnsmasq; the keyword makes both versions alike.
        return Word(f"{keyword}:{int(name)}" if ip_version == 6 else int(name))
    return Word(f"{keyword}:{_matching(_OPTION_NAME, name, 'a DHCP option')}")


def option_values(text: str) -> tuple[Word, ...]:
    """An option's value as fields: addresses, networks, numbers, octets; the rest is quoted."""
    if not text:
        return ()
    parts = [_plain_value(part.strip(" ")) for part in text.split(",")]
    if all(part is not None for part in parts):
        return tuple(part for part in parts if part is not None)
    return (Word(f'"{_matching(_TEXT, text, "a DHCP option value")}"'),)


def _plain_value(text: str) -> Word | None:
    if text.isascii() and text.isdecimal() and len(text) <= 10:
        return Word(text)
    if _HEX.fullmatch(text):
        return Word(text)
    for parse in (address, destination):
        try:
            return parse(text)
        except UnfitError:
            continue
    return None


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
