"""The lines that give requests the tag of the firmware that sends them. Pure.

dnsmasq reads them at its start alone, as those of client classes.
"""

from collections.abc import Iterator

from ipam.agent.dnsmasq import safe_words
from ipam.rules.boot import ARCHITECTURES
from ipam.templating import Word

MATCH = Word("dhcp-match")
ARCHITECTURE4, ARCHITECTURE6 = 93, 61


def architecture_lines() -> Iterator[tuple[Word, list[Word]]]:
    """Keyword and fields of each line."""
    for one in ARCHITECTURES:
        tag = safe_words.set_tag(safe_words.condition(one.tag))
        for number in one.numbers:
            value = safe_words.two_octets(number)
            yield MATCH, [tag, safe_words.option_number(ARCHITECTURE4, 4), value]
            yield MATCH, [tag, safe_words.option_number(ARCHITECTURE6, 6), value]
