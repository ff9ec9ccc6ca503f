"""Measures what the boot of a server costs Nova: its recorded calls, and the event it awaits.

The calls go to two granian workers with Keystone and MariaDB, whose commits wait for the disk. A
boot's time is the sum of the times of its 14 calls, without what Nova does in between. Each worker
knows each token beforehand, except for `with a new token`, where a worker's first call makes it
ask Keystone. For comparison there are as many calls to a route that does nothing, in the same
rounds, and the peer's figures.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import msgspec

from scripts.bench_parts import api_place, nova_events
from scripts.bench_parts.api_load import Load, Wire, measure
from scripts.bench_parts.nova_calls import CALLS, CREATE, Boot
from scripts.bench_parts.nova_place import Cloud, Session, cloud
from scripts.bench_parts.peers import NEUTRON_29_BOOT
from scripts.bench_parts.processes import quantile

BOOTS: Final = {1: 40, 4: 120, 16: 240}
"""Of one round, by the number of clients."""
ROUNDS: Final = 3
NEW_TOKENS: Final = 20
TARGETS: Final = {
    "boot_ms at 1 client": 30,
    "boots_per_second at 16 clients": 60,
    "bind to plugged p50_ms": nova_events.TARGET_P50_MS,
}

Figures = Mapping[str, float]


def run(*, quick: bool = False) -> dict[str, Any]:
    """Medians of the rounds by number of clients, the floor's, the event's latency, the peer's."""
    rounds, scale = (1, 0.2) if quick else (ROUNDS, 1)
    return {
        **_boots(rounds, scale),
        "bind to plugged": nova_events.latencies(int(nova_events.PORTS * scale)),
        "targets": TARGETS,
        "neutron 29, at least": NEUTRON_29_BOOT,
    }


def _boots(rounds: int, scale: float) -> dict[str, Any]:
    with ExitStack() as stack:
        made = stack.enter_context(cloud())
        floor = stack.enter_context(api_place.granian("scripts.bench_parts.floor_app:application"))
        sessions = [made.session(number) for number in range(max(BOOTS))]
        for session in sessions:
            stack.callback(session.close)
        _measure(made, sessions, 2 * len(sessions))  # each worker has seen each token
        found: dict[str, list[Any]] = {}
        for _ in range(rounds):
            for clients, count in BOOTS.items():
                boots = max(int(count * scale), clients)
                some = sessions[:clients]
                found.setdefault(f"{clients}", []).append(_measure(made, some, boots))
                floors = found.setdefault(f"floor at {clients}", [])
                floors.append(_floor(*floor, clients, boots))
        new = [_with_new_token(made) for _ in range(int(NEW_TOKENS * scale))]
    medians = {name: _medians(each) for name, each in found.items()}
    return {**medians, "with a new token": {"boot_ms": round(quantile(new, 0.5), 1)}}


class Stopwatch:
    """Boots servers and notes what each call took."""

    def __init__(self) -> None:
        self.call_ms: dict[str, list[float]] = {call.name: [] for call in CALLS}
        self.boot_ms: list[float] = []
        self.boots: list[Boot] = []

    def boot(self, session: Session, boot: Boot) -> None:
        """Make the calls of one boot."""
        total = 0.0
        for call in CALLS:
            wire = session.user if call.as_user else session.service
            path, body = call.path_of(boot), call.body(boot)
            begun = time.perf_counter()
            answer = wire.call(call.method, path, body)
            took = (time.perf_counter() - begun) * 1000
            self.call_ms[call.name].append(took)
            total += took
            if call.name == CREATE:
                boot = boot.with_port(msgspec.json.decode(answer)["port"])
        self.boot_ms.append(total)
        self.boots.append(boot)


def _measure(made: Cloud, sessions: Sequence[Session], boots: int) -> dict[str, Any]:
    watch = Stopwatch()

    def work(session: Session, number: int) -> None:
        watch.boot(session, made.boot(session, number))

    measured = measure(Load(work, range), sessions, made.pids, boots)
    made.forget(watch.boots)
    return {
        **_of_boots(measured),
        "boot_ms": quantile(watch.boot_ms, 0.5),
        "call_ms": {name: quantile(took, 0.5) for name, took in watch.call_ms.items()},
    }


def _floor(port: int, pid: int, clients: int, boots: int) -> dict[str, Any]:
    wires = [Wire(port) for _ in range(clients)]

    def work(wire: Wire, _number: int) -> None:
        for _ in CALLS:
            wire.call("GET", "/")

    measured = measure(Load(work, range), wires, {"api": pid}, boots)
    for wire in wires:
        wire.close()
    return {**_of_boots(measured), "boot_ms": measured["p50_ms"]}


def _of_boots(measured: Figures) -> dict[str, float]:
    """What `measure` found, where one call of it was one boot."""
    kept = {name: value for name, value in measured.items() if name.startswith(("cpu", "clients"))}
    return {"boots_per_second": measured["per_second"], **kept}


def _with_new_token(made: Cloud) -> float:
    session, watch = made.session(0), Stopwatch()
    watch.boot(session, made.boot(session, 0))
    session.close()
    made.forget(watch.boots)
    return watch.boot_ms[0]


def _medians(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: _medians([each[name] for each in rounds])
        if isinstance(value, Mapping)
        else round(statistics.median(each[name] for each in rounds), 2)
        for name, value in rounds[0].items()
    }
