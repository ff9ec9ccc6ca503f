"""Decides how a table is drawn and how wide its columns are. Pure."""

from collections.abc import Sequence

LEAST_WIDTH = 8
"""Columns are not made narrower than this, nor than the longest word of their title."""


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """A table of texts that are escaped, except for their line ends.

    With a width, cells of the widest columns are wrapped until a line has no more characters than
    that, as far as it can be done.
    """
    from prettytable import PrettyTable  # noqa: PLC0415  # only when asked for

    fields = [str(at) for at in range(len(titles))]
    drawn = PrettyTable(fields, align="l", header=False)  # whose titles are never wrapped
    if width is not None:
        natural = [
            max(_width(line) for row in (titles, *rows) for line in row[at].split("\n"))
            for at in range(len(titles))
        ]
        least = [_least(title) for title in titles]
        words = [
            max(_width(word) for row in (titles, *rows) for word in (row[at].split() or [""]))
            for at in range(len(titles))
        ]
        # Between words first: a MAC address stays whole as long as it can.
        widths = column_widths(natural, list(map(max, words, least)), width)
        widths = column_widths(widths, least, width)
        drawn.max_width = dict(zip(fields, widths, strict=True))
    drawn.add_row(list(titles), divider=True)
    drawn.add_rows([list(row) for row in rows])
    return str(drawn.get_string())


def column_widths(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """The widths of columns whose table fits: the widest give first, none more than its least."""
    widths = list(natural)
    room = width - 3 * len(widths) - 1
    while sum(widths) > room:
        can_give = [at for at, one in enumerate(widths) if one > least[at]]
        if not can_give:
            break
        widest = max(can_give, key=lambda at: widths[at])
        widths[widest] -= 1
    return widths


def _least(title: str) -> int:
    return max(LEAST_WIDTH, *map(len, title.split()))


def _width(line: str) -> int:
    if line.isascii():  # most are, and counting these is ten times as fast
        return len(line)
    import wcwidth  # noqa: PLC0415  # only when needed

    return wcwidth.width(line)
