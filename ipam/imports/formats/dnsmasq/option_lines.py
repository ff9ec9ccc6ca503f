"""`dhcp-option` lines, and which of them a range's machines get.

As `parse_dhcp_opt` and `option_filter` of dnsmasq.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipam.imports.estate import Draft
from ipam.imports.formats.dnsmasq.lines import Line, shown
from ipam.imports.told import Option, number_of

INNER = ("encap", "vi-encap", "vendor")
"""Options inside of others, or for some clients alone: no subnet has them."""


@dataclass(frozen=True, slots=True)
class OptionLine:
    """An option and the tags that a machine must have to get it (`!` in front: must not have)."""

    option: Option
    conditions: tuple[str, ...]

    def fits(self, tags: set[str]) -> bool:
        """Whether machines with these tags get it."""
        return all(
            one[1:] not in tags if one.startswith("!") else one in tags for one in self.conditions
        )


def read_option(draft: Draft, line: Line) -> OptionLine | None:
    """The option of a line; None for one that cannot be told of a subnet, which is reported."""
    conditions: list[str] = []
    parts = line.parts()
    while parts:
        word, colon, rest = shown(parts[0]).partition(":")
        if colon and word in ("tag", "net"):
            conditions.append(rest)
        elif not colon and not word.isdecimal() and len(parts) > 1 and not conditions:
            conditions.append(word)  # an old form: a bare word in front is a tag
        else:
            break
        parts.pop(0)
    word, _, name = shown(parts[0]).partition(":") if parts else ("", "", "")
    if word in INNER:
        _report(draft, line, "it is inside of another option or for some clients alone")
        return None
    version = 6 if word == "option6" else 4
    number = number_of(name if word in ("option", "option6") else word, version)
    if number is None:
        _report(draft, line, "dnsmasq knows no such option")
        return None
    values = tuple(shown(part) for part in parts[1:])
    if version == 4 and any(part.startswith("[") for part in parts[1:]):
        version = 6
    option = Option(number, version, values, line.place, name or word)
    return OptionLine(option, tuple(conditions))


def options_for(lines: Sequence[OptionLine], tags: Iterable[str], version: int) -> list[Option]:
    """The options that machines with these tags get: the last line of each, tagged before not."""
    own = set(tags)
    found: dict[int, Option] = {}
    for tagged in (False, True):
        for line in lines:
            same_kind = line.option.version == version and bool(line.conditions) == tagged
            if same_kind and line.fits(own):
                found[line.option.number] = line.option
    return list(found.values())


def unused(draft: Draft, lines: Sequence[OptionLine], known_tags: Sequence[set[str]]) -> None:
    """Report options for tags that no range sets: they are for some machines alone."""
    for line in lines:
        if line.conditions and not any(line.fits(tags) for tags in known_tags):
            draft.problem(
                line.option.place,
                "option_of_tag",
                f"option {line.option.shown}",
                f"Only machines with the tags {', '.join(line.conditions)} get it, and no range"
                " sets these: it is left out. `ipam port set --extra-dhcp-option` gives it to a"
                " port.",
            )


def _report(draft: Draft, line: Line, reason: str) -> None:
    draft.problem(
        line.place,
        "option_not_taken",
        shown(line.value)[:100],
        f"The option is left out: {reason}.",
    )
