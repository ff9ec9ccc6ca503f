"""Draws what `scripts/bench scale --json` found: cores by number of hosts, and what they are for.

Reads the JSON on standard input and prints an SVG.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scripts.bench_parts.scale import CORES

WIDTH: Final = 900
HEIGHT: Final = 400
LEFT, RIGHT, TOP, BOTTOM = 70, 640, 60, 340
COLOURS: Final = {"database": "#e6f2e3", "api": "#e4edf8", "worker": "#fbeed6"}
NAMES: Final = {"database": "PostgreSQL", "api": "API", "worker": "worker"}
Points = Sequence[tuple[int, Mapping[str, float]]]


def drawn(figures: Mapping[str, Any]) -> str:
    """The picture."""
    points = [(int(size), one["cores"]) for size, one in figures["by_hosts"].items()]
    reach = figures["hosts_on_two_cores"]
    most = max(points[-1][0], reach)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
                ' font-family="DejaVu Sans, Verdana, sans-serif" font-size="13.5">'
            ),
            "  <title>Cores used by number of hosts</title>",
            f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            (
                '  <text x="20" y="26" fill="#555">Cores that the service uses, by hosts of 100'
                " ports that poll every 2 s. Nothing was measured beyond the last dot.</text>"
            ),
            *_areas(points, most),
            *_axes(points, most),
            *_limit(reach, most),
            *_legend(),
            "</svg>",
            "",
        ]
    )


def _x(hosts: float, most: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * hosts / most, 1)


def _y(cores: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * cores / (CORES * 1.1), 1)


def _areas(points: Points, most: float) -> Iterator[str]:
    """A layer for each process, the lowest first, on the sum of those below."""
    below = [0.0] * len(points)
    for name, colour in COLOURS.items():
        above = [low + cores[name] for low, (_, cores) in zip(below, points, strict=True)]
        sizes = [hosts for hosts, _ in points]
        there = [f"{_x(h, most)} {_y(c)}" for h, c in zip(sizes, above, strict=True)]
        back = [f"{_x(h, most)} {_y(c)}" for h, c in zip(sizes, below, strict=True)]
        corner = f"{LEFT} {BOTTOM}"
        path = " L".join([corner, *there, *reversed(back), corner])
        yield f'  <path d="M{path}Z" fill="{colour}" stroke="#555"/>'
        below = above
    for (hosts, _), cores in zip(points, below, strict=True):
        yield f'  <circle cx="{_x(hosts, most)}" cy="{_y(cores)}" r="3" fill="#444"/>'


def _axes(points: Points, most: float) -> Iterator[str]:
    yield f'  <path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#444"/>'
    for cores in range(CORES + 1):
        yield f'  <text x="{LEFT - 14}" y="{_y(cores) + 5}" text-anchor="end">{cores}</text>'
    for hosts, _ in points:
        if hosts >= most / 12:
            yield (
                f'  <text x="{_x(hosts, most)}" y="{BOTTOM + 20}" text-anchor="middle">'
                f"{hosts:,}</text>"
            )
    yield f'  <text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 44}" text-anchor="middle">hosts</text>'
    yield f'  <text x="{LEFT - 14}" y="{TOP - 12}" text-anchor="end">cores</text>'


def _limit(reach: int, most: float) -> Iterator[str]:
    yield (
        f'  <path d="M{LEFT} {_y(CORES)}H{RIGHT}" fill="none" stroke="#b04030"'
        ' stroke-width="1.6" stroke-dasharray="6 5"/>'
    )
    yield (
        f'  <path d="M{_x(reach, most)} {_y(CORES)}V{BOTTOM}" fill="none" stroke="#b04030"'
        ' stroke-width="1.6" stroke-dasharray="6 5"/>'
    )
    yield (
        f'  <text x="{RIGHT + 10}" y="{_y(CORES) + 5}" fill="#b04030">two cores: {reach:,} hosts'
        "</text>"
    )


def _legend() -> Iterator[str]:
    for number, (name, colour) in enumerate(reversed(COLOURS.items())):
        top = 170 + 34 * number
        yield (
            f'  <rect x="{RIGHT + 14}" y="{top}" width="26" height="18" fill="{colour}"'
            ' stroke="#555"/>'
        )
        yield f'  <text x="{RIGHT + 50}" y="{top + 14}">{NAMES[name]}</text>'


if __name__ == "__main__":
    sys.stdout.write(drawn(json.load(sys.stdin)))
