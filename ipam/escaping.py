r"""Text from outside as text that may stand in a log or on a terminal.

No name, path or message of a peer may begin a line, move a cursor, or hide or turn the text
around it: what does not show stands as its escape, such as `\n` or `\u202e`.
"""

import re
from typing import Final

_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Unicode's Default_Ignorable_Code_Point as far as `str.isprintable` takes them for printable."""


def escaped(text: str) -> str:
    """The text on one line: every character that does not show is escaped."""
    if text.isascii():  # most texts; none of these is invisible
        return text if text.isprintable() else _escape(text)
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return _escape(text)


def escaped_lines(text: str) -> str:
    """The text with its line feeds kept, and everything else as in `escaped`."""
    return "\n".join(map(escaped, text.split("\n")))


def _escape(text: str) -> str:
    return "".join(
        one.encode("unicode_escape").decode()
        if not one.isprintable() or _INVISIBLE.match(one)
        else one
        for one in text
    )
