"""Makes random changes to ports. After each a real client asks and decides what is right."""

import argparse
import random
import sys
import time
from typing import Any

from ipam.errors import CallerError
from tests.truth.cell import judge
from tests.truth.changes import CHANGES
from tests.truth.machine import CLIENTS
from tests.truth.site import Site
from tests.truth.states import STATES

CHANGES_PER_SUBJECT = 20
CHANGES_PER_LINE = 25


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """How many changes were made and refused, and every fault with how to find it again."""
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", file=sys.stderr)
    chance = random.Random(seed)
    site = Site()
    site.start()
    result: dict[str, Any] = {"seed": seed, "changes": 0, "refused": 0, "faults": []}
    begun = time.monotonic()
    try:
        while result["changes"] < arguments.changes:
            _subject(site, chance, result, arguments.changes)
    finally:
        site.close()
    return result | {"seconds": round(time.monotonic() - begun)}


def _subject(site: Site, chance: random.Random, result: dict[str, Any], most: int) -> None:
    """One state, and changes to it, each upon what the last one left."""
    state = chance.choice(list(STATES))
    site.client_of_machines = chance.choice(CLIENTS)
    one = STATES[state](site)
    history = [state]
    try:
        for _ in range(min(CHANGES_PER_SUBJECT, most - result["changes"])):
            name = chance.choice(list(CHANGES))
            history.append(name)
            fault = ""
            try:
                CHANGES[name](one)
            except CallerError as error:
                result["refused"] += 1
                history[-1] += f" (refused: {error})"
            except AssertionError as error:
                fault = str(error)[:2000]
            fault = fault or _fault(one, history)
            result["changes"] += 1
            _show(result, most)
            if fault:
                client = one.machine.client
                result["faults"].append({"client": client, "history": history, "fault": fault})
                print(f"\n{client}: {' > '.join(history)}\n  {fault}", file=sys.stderr)
                return
    finally:
        one.close()


def _fault(one: Any, history: list[str]) -> str:
    try:
        return judge(one, history[0], history[-1]).fault
    except AssertionError as error:
        return str(error)[:2000]


def _show(result: dict[str, Any], most: int) -> None:
    """Show how far it is: in one line of a terminal, else every now and then."""
    said = f"{result['changes']} of {most} changes, {len(result['faults'])} faults"
    if sys.stderr.isatty():
        print(f"\r{said}", end="", file=sys.stderr)
    elif result["changes"] % CHANGES_PER_LINE == 0:
        print(said, file=sys.stderr)
