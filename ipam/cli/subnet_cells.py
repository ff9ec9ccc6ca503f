"""Decides how a subnet is drawn: 256 cells, each an address or a block of them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

CELLS: Final = 256
COLUMNS: Final = 32

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "free": (".", ""),
    "outside": (" ", ""),
    "static": ("s", "blue"),
    "cooling": ("~", "cyan"),
    "held": ("r", "yellow"),
    "leased": ("l", "magenta"),
    "allocated": ("#", "green"),
    "full": ("@", "red"),
}
"""The character and the colour of each state; an allocated address without a device is `held`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a subnet: its first address, and the state of most of what is not free in it."""

    first: str
    state: str


def cells(
    part: IPv4Network | IPv6Network,
    pools: Sequence[Mapping[str, str]],
    taken: Iterable[Mapping[str, Any]],
    static: Sequence[Mapping[str, str]] = (),
) -> list[Cell]:
    """The cells of this part of a subnet, in order. A cell with a free address of a pool is free.

    `taken` are its addresses that are not free, as the API lists them.
    """
    count = min(CELLS, part.num_addresses)
    size = part.num_addresses // count
    start = int(part.network_address)
    states: list[Counter[str]] = [Counter() for _ in range(count)]
    for item in taken:
        number = (int(ip_address(item["ip_address"])) - start) // size
        if 0 <= number < count:
            states[number][_state(item)] += 1
    ranges = {"free": _numbers(pools), "static": _numbers(static)}
    make = type(part.network_address)
    return [
        Cell(str(make(first)), _of(states[number], size, first, ranges))
        for number in range(count)
        for first in [start + number * size]
    ]


def _state(item: Mapping[str, Any]) -> str:
    is_held = item["state"] == "allocated" and not item["device_id"]
    return "held" if is_held else str(item["state"])


def _numbers(ranges: Sequence[Mapping[str, str]]) -> list[tuple[int, int]]:
    return [(int(ip_address(each["start"])), int(ip_address(each["end"]))) for each in ranges]


def _of(
    found: Counter[str],
    size: int,
    first: int,
    ranges: Mapping[str, Sequence[tuple[int, int]]],
) -> str:
    if found.total() == size > 1:
        return "full"
    if found:
        return found.most_common(1)[0][0]
    for state, some in ranges.items():
        if any(low <= first + size - 1 and first <= high for low, high in some):
            return state
    return "outside"
