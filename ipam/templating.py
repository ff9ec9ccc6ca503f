"""Makes text files from templates, with parsed values only.

What is printed for dnsmasq must be a `Word`. Rendering refuses anything else, such as a plain
string, so a value that was not parsed can never become syntax.
"""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2


class Word(str):
    """Text that is safe as one value in a configuration file. Only parsers make it."""

    __slots__ = ()


LINE_OCTETS_MAX: Final = 1023
"""dnsmasq reads 1,024 octets with the line's end, and takes what follows for another line."""


class LineTooLongError(ValueError):
    """A line that its reader would take for two. The text says how long it is."""


class NotAWordError(TypeError):
    """A template was given a value that no parser made."""


def render_lines(lines: Iterable[Sequence[Word]], between: str = ",") -> str:
    """A line for each sequence, its fields with `between` between them. Raises LineTooLongError.

    It is joined here, because a host has a file for each port, and a template takes ten times as
    long.
    """
    return _fitting("".join(f"{between.join(map(_only_words, fields))}\n" for fields in lines))


def render_config(template: str, **values: object) -> str:
    """The file `dnsmasq/<template>` with these values: Words, or sequences of them.

    Raises LineTooLongError.
    """
    return _rendered(template, **values)


def _rendered(template: str, **values: object) -> str:
    return _fitting(_dnsmasq_environment().get_template(template).render(**values))


def _fitting(text: str) -> str:
    if len(text) > LINE_OCTETS_MAX:
        longest = max(text.splitlines(), key=_octets)
        if (length := _octets(longest)) > LINE_OCTETS_MAX:
            raise LineTooLongError(
                f"a line of {length} octets, of which dnsmasq reads {LINE_OCTETS_MAX}:"
                f" {longest[:60]}…"
            )
    return text


def _octets(line: str) -> int:
    return len(line.encode())


def folder() -> Path:
    """The templates' directory: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    shipped = package / "_templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


@functools.cache
def _dnsmasq_environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder() / "dnsmasq"),
        undefined=jinja2.StrictUndefined,
        finalize=_only_words,
        autoescape=False,  # noqa: S701  # not HTML: _only_words protects the syntax
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _only_words(value: Any) -> Word:
    if type(value) is not Word:
        raise NotAWordError(f"{value!r} is no Word: a parser must make what a template prints")
    return value
