"""Tries each pair of IPv6 modes with each client, and prints a table for the documentation."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from scripts.stress_parts import page
from tests.truth.ipv6.cells import ALL_MODES, CLIENTS, EVERY_CELL, Cell, few_cells
from tests.truth.ipv6.place import tried
from tests.truth.site import Site

RIGHT, WRONG = "●", "✗"
CELLS_AT_ONCE = 18
"""Six networks."""


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """How many cells there are, and what is wrong with which."""
    cells = few_cells() if arguments.quick else list(EVERY_CELL)
    found: dict[Cell, str] = {}
    begun = time.monotonic()
    site = Site()
    site.start()
    try:
        for start in range(0, len(cells), CELLS_AT_ONCE):
            for cell, fault in tried(site, cells[start : start + CELLS_AT_ONCE]):
                found[cell] = fault
                print(f"{WRONG if fault else RIGHT} {cell} {fault}", file=sys.stderr, flush=True)
    finally:
        site.close()
    if arguments.write:
        write(arguments.write, found)
    faults = [f"{cell}: {fault}" for cell, fault in found.items() if fault]
    return {"cells": len(found), "faults": faults, "seconds": round(time.monotonic() - begun)}


def write(path: Path, found: dict[Cell, str]) -> None:
    """Put the table on the page."""
    names = [f"{client}{', dual' if dual else ''}" for dual in (False, True) for client in CLIENTS]
    lines = [f"| ra_mode / address_mode | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for modes in ALL_MODES:
        cells = [Cell(modes, dual, client) for dual in (False, True) for client in CLIENTS]
        marks = ["" if each not in found else WRONG if found[each] else RIGHT for each in cells]
        lines.append(f"| {modes} | {' | '.join(marks)} |")
    page.put(path, "modes", "\n".join(lines))
