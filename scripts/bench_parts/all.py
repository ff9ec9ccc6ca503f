"""Runs every other part several times, and writes what they found with the machine and versions.

A figure is the median of the runs and their spread. A part that fails, or takes too long, is told
and does not end the others.
"""

import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import psutil

from scripts.bench_parts import progress

RUNS: Final = 3
LONGEST_SECONDS: Final = 1800
"""Of one run of one part."""
PACKAGES: Final = ("SQLAlchemy", "psycopg", "PyMySQL", "falcon", "granian", "msgspec", "waitress")
PROGRAMS: Final = (
    ("dnsmasq", "dnsmasq --version"),
    ("PostgreSQL", "psql --version"),
    ("MariaDB", "mariadbd --version"),
    ("nft", "nft --version"),
)
Found = Mapping[str, Any]


def run(figures: dict[str, Any], *, parts: Sequence[str], quick: bool = False) -> None:
    """Fill in the machine, and the median and spread of each figure of each part."""
    figures["machine"] = machine()
    for part in parts:
        runs = [found for number in range(RUNS) if (found := _run(part, number, quick=quick))]
        figures[part] = merged(runs)
    figures["machine"]["load at the end"] = _load()


def _run(part: str, number: int, *, quick: bool) -> Found | None:
    progress.say(f"{part}: run {number + 1} of {RUNS}")
    command = [sys.executable, "-m", "scripts.bench_parts", part, "--json"]
    try:
        done = subprocess.run(
            [*command, *(["--quick"] if quick else [])],
            stdout=subprocess.PIPE,
            check=True,
            timeout=LONGEST_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        progress.say(f"{part}: {error}")
        return None
    found: Found = json.loads(done.stdout)
    return found


def machine() -> dict[str, str]:
    """What the figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    said = {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": f"{model}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "load at the beginning": _load(),
    }
    said |= {name: _version(command.split()) for name, command in PROGRAMS}
    return said | {name: metadata.version(name) for name in PACKAGES}


def _load() -> str:
    return "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg())


def _version(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return "not there"
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return said.splitlines()[0] if said else "unknown"


def merged(runs: Sequence[Found]) -> dict[str, Any]:
    """One figure for each of the runs' figures: a number's median, least and most."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in runs for name in one):
        values = [one[name] for one in runs if name in one]
        if all(isinstance(value, dict) for value in values):
            found[name] = merged(values)
        elif all(isinstance(value, int | float) for value in values):
            least, most = min(values), max(values)
            found[name] = {"median": statistics.median(values), "least": least, "most": most}
        else:
            found[name] = values[0]
    return found


def document(figures: Found) -> str:
    """The figures as Markdown."""
    lines = ["# Measured", "", "`scripts/bench all --write FILE` wrote this.", ""]
    lines += [f"- {name}: {text}" for name, text in figures["machine"].items()]
    for part, found in figures.items():
        if part == "machine":
            continue
        lines += ["", f"## {part}", "", "| figure | median | least | most |", "|---|---|---|---|"]
        lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in _rows(found)]
    return "\n".join([*lines, ""])


def _rows(found: Found, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    for name, value in found.items():
        path = f"{prefix}, {name}" if prefix else name
        if not isinstance(value, dict):
            yield path, [str(value), "", ""]
        elif value.keys() == {"median", "least", "most"}:
            yield path, [f"{value[key]:g}" for key in ("median", "least", "most")]
        else:
            yield from _rows(value, path)
