"""Attacks a service with each database, and says what an attacker could do to it."""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from scripts.stress_parts import page
from tests.hostile.attacker import Attack, Order
from tests.hostile.place import DATABASES, attacked
from tests.hostile.report import Report, described, too_much, wrong_answers
from tests.hostile.siege import Plan, besiege
from tests.hostile.tally import Tally
from tests.hostile.wire import Connection

QUICK_REQUESTS = 3_000
QUICK_ORDINARY_REQUESTS = 2_000
QUICK_QUIET_SECONDS = 5.0
QUICK_SETTLE_SECONDS = 10.0
SECONDS_PER_LINE = 10


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was found, for each database that was asked for."""
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    kinds = [arguments.database] if arguments.database else list(DATABASES)
    if arguments.only is not None:
        return _one(kinds[0], seed, arguments.only)
    reports = [_attack(kind, seed, arguments) for kind in kinds]
    if arguments.write:
        write(arguments.write, reports)
    faults = [
        f"{report.database}: {fault}"
        for report in reports
        for fault in (*wrong_answers(report), *too_much(report))
    ]
    return {"seed": seed, **rows(reports), "faults": faults}


def _attack(kind: str, seed: int, arguments: argparse.Namespace) -> Report:
    plan = Plan(kind, arguments.requests, seed)
    if arguments.quick:
        plan = Plan(
            kind,
            QUICK_REQUESTS,
            seed,
            ordinary_requests=QUICK_ORDINARY_REQUESTS,
            quiet_seconds=QUICK_QUIET_SECONDS,
            settle_seconds=QUICK_SETTLE_SECONDS,
        )
    shown, told = time.monotonic(), 0

    def show(tally: Tally, seconds: float) -> None:
        nonlocal shown, told
        for fault in tally.faults[told:]:
            print(f"{kind}: {described(fault)}", file=sys.stderr, flush=True)
        told = len(tally.faults)
        if time.monotonic() < shown + SECONDS_PER_LINE:
            return
        shown = time.monotonic()
        wrong = ", ".join(f"{count} {what}" for what, count in tally.wrong.items()) or "no fault"
        said = f"{kind}: {tally.sent} of {plan.requests} requests, {seconds:.0f} s, {wrong}"
        print(said, file=sys.stderr, flush=True)

    return besiege(plan, show)


def _one(kind: str, seed: int, number: int) -> dict[str, Any]:
    """One request of an earlier run, alone, as it is sent and answered."""
    with attacked(kind) as place:
        attack = Attack(Order(place, seed, 0, 1, 0, 1, "127.0.0.2"))
        asked, answer = attack.one(number, Connection(("127.0.0.1", place.port)))
        log = Path(place.log).read_text(errors="replace")
    return {
        "kind": asked.kind,
        "request": ascii(asked.raw.decode("latin-1"))[:4_000],
        "answer": ascii((answer.head + answer.body).decode("latin-1"))[:4_000],
        "seconds": round(answer.seconds, 2),
        "log": log[-4_000:],
        "faults": msgspec.to_builtins(attack.tally.faults),
    }


def rows(reports: list[Report]) -> dict[str, list[Any]]:
    """The table: a row's name, and its value for each report."""
    return {
        "database": [one.database for one in reports],
        "requests": [one.tally.sent for one in reports],
        "per second": [round(one.tally.sent / one.seconds) for one in reports],
        "refused (4xx)": [_share(one, "4") for one in reports],
        "answered (2xx)": [_share(one, "2") for one in reports],
        "asked to come back (429, 503)": [one.tally.asked_to_come_back for one in reports],
        "server errors": [one.tally.wrong.get("server error", 0) for one in reports],
        "hangs": [one.tally.wrong.get("hang", 0) for one in reports],
        "other wrong answers": [
            sum(one.tally.wrong.values())
            - one.tally.wrong.get("server error", 0)
            - one.tally.wrong.get("hang", 0)
            for one in reports
        ],
        "slowest answer in s": [round(one.tally.slowest_seconds, 1) for one in reports],
        "lines forged in the log": [one.log.forged for one in reports],
        "tracebacks in the log": [one.log.tracebacks for one in reports],
        "slow clients that came": [one.slow.came for one in reports],
        "the longest of them in s": [round(one.slow.longest_seconds) for one in reports],
        "bystander's p99 in ms, quiet": [one.quiet["tcp"].p99_ms for one in reports],
        "bystander's p99 in ms, attacked": [one.attacked["tcp"].p99_ms for one in reports],
        "root's p99 in ms, quiet": [one.quiet["unix"].p99_ms for one in reports],
        "root's p99 in ms, attacked": [one.attacked["unix"].p99_ms for one in reports],
        "memory in MB, before": [one.memory_mb["before"] for one in reports],
        "memory in MB, at most": [one.memory_mb["most"] for one in reports],
        "memory in MB, after": [one.memory_mb["after"] for one in reports],
    }


def _share(report: Report, begins: str) -> str:
    counts = report.tally.statuses
    part = sum(count for status, count in counts.items() if status.startswith(begins))
    return f"{part / max(report.tally.sent, 1):.0%}"


def write(path: Path, reports: list[Report]) -> None:
    """Put the table on the page."""
    table = rows(reports)
    head, *rest = (f"| {name} | {' | '.join(map(str, row))} |" for name, row in table.items())
    text = "\n".join([head, "|---" * (len(reports) + 1) + "|", *rest])
    page.put(path, "attack", text)
