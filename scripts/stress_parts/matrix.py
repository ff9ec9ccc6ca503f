"""Runs every cell of the matrix, and prints a table for the documentation."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from ipam import model
from scripts.stress_parts import page
from tests.truth.cell import Outcome, chosen, run_cell
from tests.truth.changes import CHANGES
from tests.truth.site import Site
from tests.truth.states import STATES

GIVEN, SILENT, WRONG = "●", "·", "✗"


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """How many cells there are, and what is wrong with which."""
    cells: dict[tuple[str, str], str] = {}
    faults = []
    begun = time.monotonic()
    site = Site()
    site.start()
    try:
        for state, change, client in chosen(every=not arguments.quick):
            mark, fault = _cell(site, state, change, client)
            cells[change, state] = mark
            if fault:
                faults.append(f"{state}, {change}, {client}: {fault}")
            print(f"{mark} {state}, {change}, {client}", file=sys.stderr)
    finally:
        site.close()
    if arguments.write:
        write(arguments.write, cells)
    return {"cells": len(cells), "faults": faults, "seconds": round(time.monotonic() - begun)}


def _cell(site: Site, state: str, change: str, client: str) -> tuple[str, str]:
    try:
        outcome = run_cell(site, state, change, client)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this cell's fault
        return WRONG, f"{type(error).__name__}: {str(error)[:500]}"
    return _mark(outcome), outcome.fault


def _mark(outcome: Outcome) -> str:
    if outcome.fault:
        return WRONG
    return GIVEN if outcome.status == model.ACTIVE else SILENT


def write(path: Path, cells: dict[tuple[str, str], str]) -> None:
    """Put the table on the page."""
    head = f"| change | {' | '.join(state.replace('_', ' ') for state in STATES)} |"
    rows = [
        f"| {change} | {' | '.join(cells.get((change, state), '') for state in STATES)} |"
        for change in CHANGES
    ]
    table = "\n".join([head, "|---" * (len(STATES) + 1) + "|", *rows])
    page.put(path, "matrix", table)
