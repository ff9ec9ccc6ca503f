"""Formats the options of an offer for an admin to read. Pure."""

import socket
from collections.abc import Callable, Mapping

from ipam.rules import dhcp_option_table as table

LONGEST_TOLD = 100
POINTER = 0xC0
"""An octet of at least this begins the place where a name goes on."""


def in_words(options: Mapping[int, bytes], ip_version: int) -> list[dict[str, str]]:
    """Code, name and value of each option, by code."""
    names, forms = (_NAMES6, _FORMS6) if ip_version == 6 else (_NAMES4, _FORMS4)
    return [
        {
            "code": str(code),
            "name": names.get(code, ""),
            "value": _value(options[code], forms.get(code)),
        }
        for code in sorted(options)
    ]


def named(code: int, ip_version: int) -> str:
    """An option's number, with its name if it has one."""
    name = (_NAMES6 if ip_version == 6 else _NAMES4).get(code, "")
    return f"{code} ({name})" if name else str(code)


def told(code: int, ip_version: int, data: bytes) -> str:
    """An option's value, at most LONGEST_TOLD characters of it."""
    value = _value(data, (_FORMS6 if ip_version == 6 else _FORMS4).get(code))
    return value if len(value) <= LONGEST_TOLD else value[:LONGEST_TOLD] + "…"


def _value(data: bytes, form: Callable[[bytes], str] | None) -> str:
    """The value in the option's form if it has one; else as printable text, or as octets."""
    if form is not None:
        try:
            return form(data)
        except (ValueError, IndexError):
            pass
    text = data.rstrip(b"\0").decode("ascii", errors="replace")
    return text if text and text.isascii() and text.isprintable() else data.hex(":")


def _addresses(size: int, family: socket.AddressFamily) -> Callable[[bytes], str]:
    def form(data: bytes) -> str:
        if len(data) % size:
            raise ValueError(data)
        parts = (data[at : at + size] for at in range(0, len(data), size))
        return ", ".join(socket.inet_ntop(family, part) for part in parts)

    return form


def _number(data: bytes) -> str:
    return str(int.from_bytes(data))


def _routes(data: bytes) -> str:
    """Classless routes (RFC 3442)."""
    found, at = [], 0
    while at < len(data):
        length = data[at]
        size = (length + 7) // 8
        network, router = data[at + 1 : at + 1 + size], data[at + 1 + size : at + 5 + size]
        if length > 32 or len(router) < 4:
            raise ValueError(data)
        where = socket.inet_ntop(socket.AF_INET, network.ljust(4, b"\0"))
        found.append(f"{where}/{length} via {socket.inet_ntop(socket.AF_INET, router)}")
        at += 5 + size
    return ", ".join(found)


def _names(data: bytes) -> str:
    """A search list, which may be compressed (RFC 3397)."""
    found, at = [], 0
    while any(data[at:]):
        labels, at = _labels(data, at)
        found.append(".".join(labels))
    return ", ".join(found)


def _labels(data: bytes, begin: int) -> tuple[list[str], int]:
    """A name's labels, and where the next name begins (RFC 1035, section 4.1.4)."""
    labels: list[str] = []
    at = begin
    while size := data[at]:
        if size >= POINTER:
            target = int.from_bytes(data[at : at + 2]) & 0x3FFF
            if target >= begin:  # each is before the last, so there is an end
                raise ValueError(data)
            return labels + _labels(data, target)[0], at + 2
        labels.append(data[at + 1 : at + 1 + size].decode("ascii", errors="backslashreplace"))
        at += 1 + size
    return labels, at + 1


_IPV4, _IPV6 = _addresses(4, socket.AF_INET), _addresses(16, socket.AF_INET6)
_FORMS4: Mapping[int, Callable[[bytes], str]] = {
    **dict.fromkeys((1, 3, 4, 6, 7, 9, 28, 41, 42, 44, 45, 48, 49, 69, 70, 150), _IPV4),
    **dict.fromkeys((2, 13, 19, 22, 23, 26, 35, 37, 38, 46, 51, 58, 59), _number),
    119: _names,
    121: _routes,
    249: _routes,
}
_FORMS6: Mapping[int, Callable[[bytes], str]] = {
    22: _IPV6,
    23: _IPV6,
    24: _names,
    27: _IPV6,
    31: _IPV6,
}
_NAMES4 = {number: name for name, number in table.NAMES_NOT_TOLD4.items()} | {
    number: name for name, (number, _read) in table.IPV4.items()
}
_NAMES6 = {number: name for name, number in table.NAMES_NOT_TOLD6.items()} | {
    number: name for name, (number, _read) in table.IPV6.items()
}
