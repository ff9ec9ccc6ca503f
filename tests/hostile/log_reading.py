"""What the service's log says of an attack: each line must be one that the service wrote."""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

WRITTEN: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+: "
)
CONTINUED: Final = "  "
"""How each line of a traceback begins, so that none of them looks like a record."""
TRACEBACK: Final = CONTINUED + "Traceback (most recent call last):"
OF_A_FILE: Final = CONTINUED + '  File "'
DISGUISING: Final = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200b-\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]"
)
SHOWN: Final = 5


class LogReport(Struct):
    """Counts of lines, with the first that should not be: of a traceback, its error and place."""

    lines: int = 0
    bytes_written: int = 0
    longest: int = 0
    tracebacks: int = 0
    forged: int = 0
    """Lines that the service did not begin, and lines with characters that hide or colour text."""
    shown: list[str] = []


def read_log(lines: Iterable[str]) -> LogReport:
    """Judge a log. `lines` are split at line feeds alone."""
    report = LogReport()
    place, is_traced = "", False
    for line in lines:
        text = line.removesuffix("\n")
        report.lines += 1
        report.bytes_written += len(line)
        report.longest = max(report.longest, len(text))
        if text.startswith(TRACEBACK):
            report.tracebacks += 1
            is_traced = True
        elif is_traced and text.startswith(OF_A_FILE):
            place = text.strip()
        elif is_traced and not text.startswith(CONTINUED * 2):
            _show(report, f"{text.strip()} ({place})")
            is_traced = False
        is_own = text.startswith(CONTINUED) or WRITTEN.match(text)
        if DISGUISING.search(text) or not is_own:
            report.forged += 1
            _show(report, text)
    return report


def _show(report: LogReport, text: str) -> None:
    if len(report.shown) < SHOWN:
        report.shown.append(ascii(text[:300]))
