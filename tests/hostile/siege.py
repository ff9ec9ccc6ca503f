"""A whole attack on one service: who attacks, who watches, and what is found."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import psutil
from msgspec import Struct

from ipam.api.serving.garbage_collection import TIDY_SECONDS
from tests.hostile import attacker, slow_clients, stateful
from tests.hostile.bystander import Bystander
from tests.hostile.log_reading import read_log
from tests.hostile.place import Place, attacked
from tests.hostile.report import Report, Waits, waits
from tests.hostile.slow_clients import SlowReport
from tests.hostile.tally import Tally

ROOT: Final = Path(__file__).parents[2]
CHAINS_SHARE: Final = 0.03
GUESSES_SHARE: Final = 0.02
NICENESS: Final = 10
"""Attackers leave the processor to the service, as if they had machines of their own."""


class Plan(Struct):
    """How strong the attack is."""

    database: str
    requests: int
    seed: int
    processes: int = 2
    threads: int = 2
    guessers: int = 16
    slow_clients: int = 1_000
    ordinary_requests: int = 8_000
    """So many of an honest client fill the caches, before the memory is measured: a service
    holds that much without an attack."""
    quiet_seconds: float = 30.0
    settle_seconds: float = 2.5 * TIDY_SECONDS
    """After it, before the memory is measured: what is free is given back each so often."""


HONEST: Final = "127.0.0.9"
ANSWERS_BEFORE: Final = 200


def besiege(plan: Plan, show: Callable[[Tally, float], None]) -> Report:
    """Attack a service of its own. `show` is told every second how it stands."""
    begun = time.monotonic()
    with attacked(plan.database) as place:
        watchers = {"tcp": Bystander(place), "unix": Bystander(place, unix=True)}
        for one in watchers.values():
            one.start()
        _use_ordinarily(place, plan)
        for one in watchers.values():
            one.until_answered(ANSWERS_BEFORE)
            one.taken()
        time.sleep(plan.quiet_seconds)
        quiet = _waits(watchers)
        memory = {"before": memory_mb(place.pid)}
        tally = Tally()
        with _slow(place, plan.slow_clients) as slow:
            memory["most"] = _attack(plan, place, tally, lambda: show(tally, _since(begun)))
        under_attack = _waits(watchers)
        time.sleep(plan.settle_seconds)
        memory["after"] = memory_mb(place.pid)
        for one in watchers.values():
            one.stop()
        with open(place.log, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:  # noqa: PTH123  # line by line
            log = read_log(lines)
        return Report(
            plan.database,
            round(_since(begun), 1),
            tally,
            log,
            slow,
            {name: round(value, 1) for name, value in memory.items()},
            quiet,
            under_attack,
            [failure for one in watchers.values() for failure in one.failures],
            _afterwards(place),
        )


def memory_mb(pid: int) -> float:
    """What the process holds, without pages of files.

    The kernel can drop those, and how many count depends on who else runs Python.
    """
    maps = psutil.Process(pid).memory_maps()
    return sum(float(each.anonymous + each.swap) for each in maps) / 1e6


def _since(begun: float) -> float:
    return time.monotonic() - begun


def _use_ordinarily(place: Place, plan: Plan) -> None:
    order = attacker.Order(
        place, plan.seed, 0, 1, plan.ordinary_requests, plan.threads, HONEST, kinds=["plain"]
    )
    process = _started(attacker, order)
    process.communicate()


def _attack(plan: Plan, place: Place, tally: Tally, show: Callable[[], None]) -> float:
    """Run every attacking process to its end; the most memory that the service had meanwhile."""
    most = [memory_mb(place.pid)]
    lock = threading.Lock()
    processes = [_started(module, order) for module, order in _orders(plan, place)]

    def hear(output: IO[bytes]) -> None:
        for line in output:
            told = msgspec.json.decode(line, type=Tally)
            with lock:
                tally.add(told)

    listeners = [threading.Thread(target=hear, args=(one.stdout,)) for one in processes]
    for thread in listeners:
        thread.start()
    while any(thread.is_alive() for thread in listeners):
        time.sleep(1)
        with lock:
            show()
        with contextlib.suppress(psutil.NoSuchProcess):
            most.append(memory_mb(place.pid))
    for one in processes:
        one.communicate()
    if failed := [(one.returncode, one.args) for one in processes if one.returncode]:
        raise RuntimeError(f"an attacker failed: {failed}")
    return max(most)


def _orders(plan: Plan, place: Place) -> Iterator[tuple[Any, Any]]:
    """Which programs to start with which orders."""
    chains = int(plan.requests * CHAINS_SHARE)
    guesses = int(plan.requests * GUESSES_SHARE)
    share = (plan.requests - chains - guesses) // plan.processes
    yield stateful, stateful.Order(place, plan.seed, chains)
    yield (
        attacker,
        attacker.Order(
            place, plan.seed, 0, 1, guesses, plan.guessers, source="127.0.0.4", kinds=["login"]
        ),
    )
    for number in range(plan.processes):
        yield (
            attacker,
            attacker.Order(
                place, plan.seed, number, plan.processes, share, plan.threads, source="127.0.0.2"
            ),
        )


def _started(module: Any, order: Any) -> "subprocess.Popen[bytes]":
    words = ["setpriv", "--pdeathsig", "KILL", "nice", "-n", str(NICENESS), sys.executable]
    name = module.__spec__.name
    command = [*words, "-m", name, msgspec.json.encode(order).decode()]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@contextlib.contextmanager
def _slow(place: Place, clients: int) -> Iterator[SlowReport]:
    """So many slow clients meanwhile; the report is filled in at the end."""
    report = SlowReport()
    process = _started(slow_clients, slow_clients.Order(place, clients))
    try:
        yield report
    finally:
        output, _ = process.communicate()
    told = msgspec.json.decode(output, type=SlowReport)
    for name in told.__struct_fields__:
        setattr(report, name, getattr(told, name))


def _waits(watchers: dict[str, Bystander]) -> dict[str, Waits]:
    return {name: waits(one.taken()) for name, one in watchers.items()}


def _afterwards(place: Place) -> str:
    """What honest clients cannot do any more."""
    status, made = place.call("POST", "/v2.0/networks", {"network": {}}, "bystander")
    if status != 201:
        return f"POST of a network: {status} {made}"
    gone, said = place.call(
        "DELETE", f"/v2.0/networks/{made['network']['id']}", persona="bystander"
    )
    return "" if gone == 204 else f"DELETE of a network: {gone} {said}"
