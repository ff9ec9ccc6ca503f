"""The lines that give requests the tags of client classes, and those that only they answer. Pure.

dnsmasq reads them at its start alone: it frees what a tag is linked to when it reads a file again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from ipam.agent.dnsmasq import safe_words
from ipam.templating import Word

VENDOR_CLASS, MAC, TAG_IF = Word("dhcp-vendorclass"), Word("dhcp-mac"), Word("tag-if")


@dataclass(frozen=True, slots=True)
class ClientClass:
    """Machines of one subnet that are told apart by what they send."""

    tag: Word
    vendor_class: Word | None
    mac_pattern: Word | None
    has_range: bool = False
    """Whether its machines get addresses that no other machine gets."""
    part: Sequence[tuple[IPv4Address, IPv4Address]] = ()
    """The first and last of those that this host gives."""


def match_lines(classes: Sequence[ClientClass]) -> Iterator[tuple[Word, list[Word]]]:
    """Keyword and fields of each line. With two conditions, a request has to meet both."""
    for one in classes:
        conditions = {VENDOR_CLASS: one.vendor_class, MAC: one.mac_pattern}
        met = []
        for number, (keyword, value) in enumerate(conditions.items()):
            if value is not None:
                tag = safe_words.part_tag(one.tag, number)
                met.append(safe_words.tag(tag))
                yield keyword, [safe_words.set_tag(tag), value]
        yield TAG_IF, [safe_words.set_tag(one.tag), *met]


def outsiders(classes: Sequence[ClientClass]) -> list[Word]:
    """The conditions of a range for machines that have none of their own."""
    return [safe_words.without_tag(one.tag) for one in classes if one.has_range]
