"""What a port's DHCP options may be: text that ends up in a DHCP server's files. Pure.

The grammar is closed: what is not known to be a plain value is refused, so that nothing a tenant
writes can become a line, a tag or a keyword of dnsmasq.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ipam import values
from ipam.errors import CallerError, InvalidInput

_OPTION_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}|[1-9][0-9]{0,2}")
_OPTION_TEXT = re.compile(
    r"[A-Za-z0-9._:/@=+~%?&()\[\]${}-]+( [A-Za-z0-9._:/@=+~%?&()\[\]${}-]+)*"
)
_KEYWORD = re.compile(r"\b(set|tag|net|option6?|vendor|encap|vi-encap|match|id):", re.IGNORECASE)
EMPTY_VALUES: Final = ("router", "classless-static-route")
DOMAIN_LISTS: Final = ("domain-search", "119")


def option_faults(options: Sequence[tuple[str, str | None, int]]) -> Iterator[CallerError]:
    """What is wrong with these DHCP options (name, value, IP version)."""
    seen = set()
    for name, value, version in options:
        fault = _name_fault(name) or (None if value is None else _value_fault(name, value))
        if fault:
            yield InvalidInput(f"Invalid input for extra_dhcp_opts. Reason: {fault}.")
        if (name, version) in seen:
            yield InvalidInput(
                f"Invalid input for extra_dhcp_opts. Reason: option {values.shown(name)} of"
                f" IPv{version} is given twice."
            )
        seen.add((name, version))


def _name_fault(name: str) -> str | None:
    if _OPTION_NAME.fullmatch(name) and not (name.isdigit() and int(name) > 254):
        return None
    return (
        f"opt_name {values.shown(name)} is neither a name of lower-case letters, digits and"
        " hyphens nor a number from 1 to 254"
    )


def _value_fault(name: str, value: str) -> str | None:
    shown = f"opt_value {values.shown(value)} of {values.shown(name)}"
    if not value:
        return None if name in EMPTY_VALUES else f"{shown} is empty"
    if "," in value:
        parts = value.split(",")
        if all(map(_is_address_or_cidr, parts)):
            return None
        if name in DOMAIN_LISTS and all(map(values.is_domain, parts)):
            return None
        return f"{shown} has a comma, and is no list of addresses, CIDRs or search domains"
    if found := _KEYWORD.search(value):
        return f"{shown} holds {found[0]!r}, a keyword of the DHCP server"
    if not _OPTION_TEXT.fullmatch(value):
        return f"{shown} may hold letters, digits, single spaces and ._:/@=+~%?&()[]${{}}- only"
    return None


def _is_address_or_cidr(text: str) -> bool:
    base, slash, length = text.partition("/")
    if not values.is_address(base):
        return False
    return not slash or (length.isdecimal() and length.isascii() and int(length) <= 128)


def merged_options(
    present: Sequence[Mapping[str, object]], asked: Sequence[tuple[str, str | None, int]]
) -> list[dict[str, object]]:
    """The options after an update: named ones set, those without a value deleted, others kept."""
    kept = {(option["opt_name"], option["ip_version"]): option["opt_value"] for option in present}
    for name, value, version in asked:
        if value is None:
            kept.pop((name, version), None)
        else:
            kept[(name, version)] = value
    return [
        {"opt_name": name, "opt_value": value, "ip_version": version}
        for (name, version), value in kept.items()
    ]
