"""Harms the path of leases in every way, and counts what the records then say otherwise."""

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.stress_parts import page
from tests.outages.campaign import Outcome, run_round
from tests.outages.faults import FAULTS, applies
from tests.outages.place import DATABASES, Place

PATIENCE_SECONDS = 30.0
MEMORY_MB = 40.0
"""What agent and API may grow by between the first round and the last."""


class Campaign:
    """What was found so far, with all databases."""

    def __init__(self, seed: int, hook: str) -> None:
        self.outcomes: list[Outcome] = []
        self.faults: list[str] = []
        self._seed = seed
        self._hook = hook

    def harm(self, database: str, names: Iterable[str], rounds: int) -> None:
        """Bring about each of these faults so many times, one after the other in each round."""
        place, memory_mb = _started(database, self._hook), []
        try:
            for number in range(rounds):
                for name in names:
                    chance = random.Random(f"{self._seed} {number} {name}")
                    try:
                        one = run_round(place, name, chance, patience=PATIENCE_SECONDS)
                    except Exception as error:  # noqa: BLE001  # whatever it is, it is this round's
                        said = f"{type(error).__name__}: {str(error)[:3000]}"
                        self._say(f"{database}, {name}, round {number}: {said}", is_fault=True)
                        place.close()
                        place = _started(database, self._hook)
                    else:
                        memory_mb.append(one.memory_mb)
                        self._note(one, number)
        finally:
            place.close()
        if memory_mb and memory_mb[-1] > memory_mb[0] + MEMORY_MB:
            grown = f"memory grew from {memory_mb[0]:.0f} to {memory_mb[-1]:.0f} MB"
            self._say(f"{database}: {grown}", is_fault=True)

    def _note(self, one: Outcome, number: int) -> None:
        self.outcomes.append(one)
        right = f"{one.held} held, right after {one.settled_seconds:.1f} s, {one.memory_mb:.0f} MB"
        said = f"{one.database}, {one.fault}, round {number}: {one.verdict or right}"
        self._say(said, is_fault=bool(one.verdict))

    def _say(self, said: str, *, is_fault: bool) -> None:
        print(said, file=sys.stderr, flush=True)
        if is_fault:
            self.faults.append(said)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """The table, and what is wrong in it."""
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    names = [name for name in FAULTS if arguments.fault in (None, name)]
    if not names:
        raise SystemExit(f"no such fault; there are: {', '.join(FAULTS)}")
    print(f"seed {seed}", file=sys.stderr)
    campaign, begun = Campaign(seed, arguments.hook), time.monotonic()
    for database in [arguments.database] if arguments.database else DATABASES:
        that_can_be = [name for name in names if applies(name, database, arguments.hook)]
        campaign.harm(database, that_can_be, arguments.rounds)
    if arguments.write:
        write(arguments.write, campaign.outcomes)
    table = {f"{fault}, {of}": row for (fault, of), row in rows(campaign.outcomes).items()}
    seconds = round(time.monotonic() - begun)
    return {"seed": seed, **table, "faults": campaign.faults, "seconds": seconds}


def _started(database: str, hook: str) -> Place:
    place = Place(database, hook)
    try:
        place.start()
    except BaseException:
        place.close()
        raise
    return place


def rows(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], dict[str, Any]]:
    """A row for each fault and database."""
    found: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        found[one.fault, one.database].append(one)
    return {
        key: {
            "rounds": len(each),
            "machines": sum(one.machines for one in each),
            "lost": sum(len(one.verdict.lost) for one in each),
            "invented": sum(len(one.verdict.invented) for one in each),
            "silent holes": sum(len(one.verdict.holes) for one in each),
            "right after s": round(max(one.settled_seconds for one in each), 1),
        }
        for key, each in found.items()
    }


def write(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Put the table on the page."""
    table = rows(outcomes)
    names = ["fault", "database", *next(iter(table.values()))]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines += [f"| {' | '.join(map(str, [*key, *row.values()]))} |" for key, row in table.items()]
    page.put(path, "outages", "\n".join(lines))
