"""Decides how full a subnet is, and when it will be full. Pure.

The forecast is the Theil-Sen line through the peaks of the last eight weeks: the median of the
slopes between every two peaks. Peaks, since a subnet is full when its busiest moment is; medians,
since one odd week must not bend the line. It errs on the early side.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import combinations
from statistics import median
from typing import Final, Literal, NamedTuple, TypeAlias

from ipam.rules import prefixes

WEEK: Final = 7
WEEKS: Final = 8
WEEKS_LEAST: Final = 4
DAYS_AHEAD: Final = 365

Outlook: TypeAlias = Literal["unknown", "steady", "beyond", "growing", "full"]
"""Too short a history; no growth; full in more than a year; full on a day; full already."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a subnet. The days are given, as numbers, if the outlook is `growing`."""

    outlook: Outlook
    growth_per_week: float | None = None
    full_on: int | None = None
    full_on_earliest: int | None = None
    full_on_latest: int | None = None


def weekly_peaks(peak_by_day: Mapping[int, int], today: int) -> list[tuple[int, int]]:
    """The last day and the peak of each of the last weeks that end today, the oldest first.

    A week without a sample ends the history: what is before it is not looked at.
    """
    found: list[tuple[int, int]] = []
    for number in range(WEEKS):
        last = today - number * WEEK
        in_week = [
            peak_by_day[day] for day in range(last - WEEK + 1, last + 1) if day in peak_by_day
        ]
        if not in_week:
            break
        found.append((last, max(in_week)))
    return found[::-1]


def forecast(peak_by_day: Mapping[int, int], size: int, today: int) -> Forecast:
    """The forecast for a subnet with so many addresses, from the peak of each day."""
    peaks = weekly_peaks(peak_by_day, today)
    oldest = min((day for day in peak_by_day if day > today - WEEKS * WEEK), default=today)
    if peaks and peaks[-1][1] >= size:
        return Forecast("full")
    if len(peaks) < WEEKS_LEAST or today - oldest < (WEEKS_LEAST - 1) * WEEK:
        return Forecast("unknown")
    slope = _slope(peaks)
    if slope <= 0:
        return Forecast("steady", slope * WEEK)
    days = sorted(
        {_full_on(peaks, each, size, today) for each in (slope, _slope(peaks[-WEEKS_LEAST:]))}
    )
    full_on = _full_on(peaks, slope, size, today)
    if full_on > today + DAYS_AHEAD:
        return Forecast("beyond", slope * WEEK)
    return Forecast("growing", slope * WEEK, full_on, days[0], min(days[-1], today + DAYS_AHEAD))


def _slope(peaks: Sequence[tuple[int, int]]) -> float:
    """Addresses a day."""
    return median((b - a) / (late - early) for (early, a), (late, b) in combinations(peaks, 2))


def _full_on(peaks: Sequence[tuple[int, int]], slope: float, size: int, today: int) -> int:
    """The day on which the line reaches the size; a day far off if it never does."""
    if slope <= 0:
        return today + 10 * DAYS_AHEAD
    level = median(peak - slope * (day - today) for day, peak in peaks)
    return today + max(0, min(10 * DAYS_AHEAD, int((size - level) / slope)))


class TooScatteredError(Exception):
    """The addresses in use lie so far apart that the search was given up."""


class _Block(NamedTuple):
    """A block to look at. The largest sorts first, and of these the lowest."""

    length: int
    first: int
    prefix: prefixes.Prefix
    is_free: bool


def largest_free(
    pools: Iterable[tuple[bytes, bytes]],
    first_taken: Callable[[bytes, bytes], bytes | None],
    *,
    questions: float,
) -> prefixes.Prefix | None:
    """The largest aligned block of the pools without an address in use; the lowest of these.

    `first_taken` gives the first address in use from one address to another. Large blocks are
    looked at first, so few questions suffice where most addresses in use lie side by side. Raises
    TooScatteredError if so many do not.
    """
    heap: list[_Block] = []

    def add(low: int, high: int, bits: int, *, is_free: bool) -> None:
        for prefix in prefixes.blocks(low, high, bits):
            heappush(heap, _Block(prefix.length, prefix.first, prefix, is_free))

    for first, last in pools:
        add(int.from_bytes(first), int.from_bytes(last), len(first) * 8, is_free=False)
    while heap:
        block = heappop(heap)
        low, high, bits = block.first, block.prefix.last, block.prefix.bits
        if block.is_free:
            return block.prefix
        if not questions:
            raise TooScatteredError
        questions -= 1
        taken = first_taken(low.to_bytes(bits // 8), high.to_bytes(bits // 8))
        if taken is None:
            return block.prefix
        number = int.from_bytes(taken)
        add(low, number - 1, bits, is_free=True)
        add(number + 1, high, bits, is_free=False)
    return None
