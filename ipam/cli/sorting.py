"""Decides the order of a list that is sorted by what its columns show. Pure."""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from ipam.cli.output import Column, Record, select

_DIGITS = re.compile(r"(\d+)")
Order = Sequence[tuple[Column, bool]]
"""Columns, the first one foremost; True turns its order round."""


def order(every: Sequence[Column], asked: Sequence[str]) -> Order:
    """What `--sort-column` says: COLUMN, COLUMN:asc or COLUMN:desc, by title or field."""
    found = []
    for one in asked:
        name, _, direction = one.rpartition(":")
        if direction not in ("asc", "desc"):
            name = one
        (column,) = select((), every, [name])
        found.append((column, direction == "desc"))
    return found


def arranged(
    items: Sequence[Record], by: Order, text: Callable[[Column, Record], str]
) -> list[Record]:
    """The items in that order: numbers and addresses by value, names as web-2 before web-10.

    What has no value comes last. `text`: what the column shows of an item.
    """
    found = list(items)
    for column, is_turned in reversed(by):
        known = [one for one in found if column.value(one) not in (None, "", [])]
        unknown = [one for one in found if column.value(one) in (None, "", [])]

        def key(one: Record, column: Column = column) -> tuple[Any, ...]:
            return _key(column.value(one), text(column, one))

        found = sorted(known, key=key, reverse=is_turned) + unknown
    return found


def _key(value: Any, shown: str) -> tuple[Any, ...]:
    if isinstance(value, (bool, int, float)):
        return (0, value)
    first = shown.partition(",")[0].partition("/")[0]
    try:
        address = ip_address(first)
    except ValueError:
        parts = _DIGITS.split(shown.casefold())
        return (2, [(part.isdigit(), int(part) if part.isdigit() else part) for part in parts])
    return (1, address.version, int(address), shown)
