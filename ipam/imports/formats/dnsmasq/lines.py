"""The grammar of dnsmasq's lines: comments, quotes, commas. As `read_file` of its option.c."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ipam.imports import words
from ipam.imports.estate import Draft, Place
from ipam.imports.files import Files

LONGEST_BYTES: Final = 1025

_META: Final = " #:.,="
_HIDE: Final = {ord(sign): 0xE000 + ord(sign) for sign in _META}
_SHOW: Final = {hidden: sign for sign, hidden in _HIDE.items()}
_ESCAPES: Final = {"t": "\t", "n": "\n", "b": "\b", "r": "\r", "e": "\x1b"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a configuration. `option` is empty in a hosts file."""

    option: str
    value: str
    place: Place

    def parts(self) -> list[str]:
        """The value, split at its commas. What was quoted is still hidden: see `shown`."""
        return [part.strip(" ") for part in self.value.split(",")]


def shown(part: str) -> str:
    """The text of a part, with what quotes kept apart."""
    return part.translate(_SHOW)


def lines_of(draft: Draft, files: Files, path: str, *, bare: bool = False) -> Iterator[Line]:
    """The lines of a configuration that mean something; of a hosts file if `bare`."""
    for number, text in enumerate(files.texts[path].split("\n"), 1):
        place = Place(path, number)
        if len(text.encode()) >= LONGEST_BYTES:
            draft.problem(
                place,
                "line_too_long",
                str(place),
                f"dnsmasq reads at most {LONGEST_BYTES} bytes of a line: it is left out.",
            )
            continue
        clean = _clean(text)
        if clean is None:
            draft.problem(place, "syntax", str(place), 'A " has no end: the line is left out.')
        elif not clean:
            _commented_out(draft, text, place)
        elif bare:
            yield Line("", clean, place)
        else:
            option, _, value = clean.partition("=")
            yield Line(option.strip(), value.strip(" "), place)


def _clean(text: str) -> str | None:
    """The line without comment, its quotes gone and what they keep apart hidden."""
    kept: list[str] = []
    quoted, white, at = False, True, 0
    while at < len(text):
        sign = text[at]
        at += 1
        if sign == '"':
            quoted, white = not quoted, False
        elif quoted:
            if sign == "\\" and at < len(text) and text[at] in '\\"tnbre':
                sign = _ESCAPES.get(text[at], text[at])
                at += 1
            kept.append(sign.translate(_HIDE))
        elif sign.isspace():
            kept.append(" ")
            white = True
        elif sign == "#" and white:
            break
        else:
            kept.append(sign)
            white = False
    return None if quoted else "".join(kept).strip(" ")


def _commented_out(draft: Draft, text: str, place: Place) -> None:
    """Note a host that a comment takes out of service, for those who look for it."""
    body = text.strip().lstrip("#").strip().removeprefix("dhcp-host").lstrip(" =")
    first = body.partition(",")[0].split()[:1]
    if first and (mac := words.mac(first[0])):
        draft.skip(place, mac, "the line is a comment")
