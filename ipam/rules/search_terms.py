"""Decides what a text that somebody looks for can be. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from ipam import model
from ipam.rules import prefixes

_SEPARATORS: Final = re.compile(r"[:.-]")
_HEX: Final = re.compile(r"[0-9a-f]{4,12}")
_OCTETS: Final = re.compile(r"[0-9a-f]{1,2}(?:[:-][0-9a-f]{2})*[:-][0-9a-f]{1,2}")
_QUADS: Final = re.compile(r"(?:[0-9a-f]{2}){1,2}(?:[.][0-9a-f]{4})*[.](?:[0-9a-f]{2}){1,2}")


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """The readings of a text. What it cannot be is None or empty."""

    text: str
    """In lower case, for names and their parts."""
    typed: str
    """As it was typed."""
    ip_address: bytes | None = None
    prefix: prefixes.Prefix | None = None
    mac_part: str | None = None
    """A MAC address, or at least four of its digits, with colons as in addresses."""
    resource_id: str | None = None

    @property
    def mac_address(self) -> str | None:
        """The whole MAC address."""
        return self.mac_part if self.mac_part and len(self.mac_part) == 17 else None

    @property
    def is_name(self) -> bool:
        """Whether it can be a name or a part of one: it has no other whole reading."""
        others = (self.ip_address, self.prefix, self.mac_address, self.resource_id)
        return all(each is None for each in others)

    @property
    def enclosing(self) -> list[str]:
        """The CIDRs that have the address or the whole prefix in them, the longest first."""
        if self.ip_address is not None:
            bits = len(self.ip_address) * 8
            inner = prefixes.Prefix(int.from_bytes(self.ip_address), bits, bits)
        elif self.prefix is not None:
            inner = self.prefix
        else:
            return []
        return [str(_cut(inner, length)) for length in range(inner.length, -1, -1)]


def read(text: str) -> SearchTerm:
    """Every reading of this text, whose ends are cut off."""
    bare = text.strip().lower()
    return SearchTerm(
        text=bare,
        typed=text.strip(),
        ip_address=_address(bare),
        prefix=_prefix(bare),
        mac_part=None if _address(bare) else _mac_part(bare),
        resource_id=bare if model.is_uuid(bare) else None,
    )


def _address(text: str) -> bytes | None:
    try:
        return model.pack(text)
    except (OSError, ValueError):
        return None


def _prefix(text: str) -> prefixes.Prefix | None:
    base, slash, length = text.partition("/")
    packed = _address(base)
    if not slash or packed is None or not (length.isdecimal() and length.isascii()):
        return None
    bits = len(packed) * 8
    if len(length) > 3 or int(length) > bits:
        return None
    return _cut(prefixes.Prefix(int.from_bytes(packed), bits, bits), int(length))


def _cut(prefix: prefixes.Prefix, length: int) -> prefixes.Prefix:
    host_bits = prefix.bits - length
    return prefixes.Prefix(prefix.first >> host_bits << host_bits, length, prefix.bits)


def _mac_part(text: str) -> str | None:
    """A text in any spelling. Without separators a part could be any word: all 12 then."""
    digits = _SEPARATORS.sub("", text)
    if not _HEX.fullmatch(digits):
        return None
    if _OCTETS.fullmatch(text):
        return text.replace("-", ":")
    if len(digits) == 12 or _QUADS.fullmatch(text):
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    return None
