"""How a benchmark says how far it is, and how it is cut short."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.bench_parts.api_load import Load, measure
from scripts.bench_parts.progress import interruptible

CUTS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@pytest.fixture(autouse=True)
def handlers_stay() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in CUTS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_figures_known_so_far_outlive_the_time_limit(capsys: pytest.CaptureFixture[str]) -> None:
    figures: dict[str, int] = {}
    with interruptible(0.01):
        figures["known"] = 1
        threading.Event().wait(60)
        figures["unknown"] = 2
    assert figures == {"known": 1}
    assert "incomplete" in capsys.readouterr().err


@pytest.mark.parametrize("number", CUTS)
def test_a_signal_ends_a_benchmark_quietly(number: signal.Signals) -> None:
    figures: dict[str, int] = {}
    with interruptible(None):
        os.kill(os.getpid(), number)
        figures["unknown"] = 2
    assert figures == {}


def test_an_interrupted_measurement_stops_its_clients() -> None:
    calls: list[int] = []

    def work(_wire: Any, number: int) -> None:
        calls.append(number)
        if not calls[1:]:
            # To this thread, so that it never wakes the one that waits for the clients.
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        threading.Event().wait(0.05)

    before = threading.enumerate()
    with interruptible(None):
        measure(Load(work, range), [None], {}, 1000)
    for thread in set(threading.enumerate()) - set(before):
        thread.join()
    assert 0 < len(calls) < 1000


def test_an_interrupt_at_the_start_stops_the_clients_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def work(_wire: Any, number: int) -> None:
        calls.append(number)
        threading.Event().wait(0.05)

    def interrupted() -> float:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return 0.0

    before = threading.enumerate()
    monkeypatch.setattr(time, "perf_counter", interrupted)
    with interruptible(None):
        measure(Load(work, range), [None], {}, 1000)
    monkeypatch.undo()
    for thread in set(threading.enumerate()) - set(before):
        thread.join()
    assert len(calls) < 1000
