"""What helps a dnsmasq that does nothing."""

import pytest

from ipam.agent.liveness import (
    BUSY_CPU_SECONDS,
    HELPER_LOOKS,
    HOOK_LOOKS,
    UNHEARD_QUESTIONS,
    Liveness,
    Remedy,
)
from ipam.agent.outside import Pulse

NETWORK = "n"


def pulse(
    *, stopped: bool = False, asleep: bool = True, cpu_seconds: float = 0.0, hook: int = 0
) -> Pulse:
    return Pulse(stopped, asleep, cpu_seconds, hook)


def looks(pulses: list[Pulse], words: list[int] | None = None) -> list[Remedy | None]:
    """The remedies of looks one after the other."""
    one, said = Liveness(), words or [0] * len(pulses)
    return [one.remedy(NETWORK, p, w) for p, w in zip(pulses, said, strict=True)]


def test_one_that_waits_for_packets_needs_nothing() -> None:
    assert looks([pulse(cpu_seconds=at) for at in range(50)]) == [None] * 50


def test_one_that_a_signal_stopped_is_to_go_on() -> None:
    assert looks([pulse(stopped=True)]) == [Remedy.RESUME]


def test_one_that_only_computes_is_started_again() -> None:
    busy = [pulse(asleep=False, cpu_seconds=7 + at) for at in (0, 1, BUSY_CPU_SECONDS)]
    assert looks(busy) == [None, None, Remedy.RESTART]


def test_one_that_works_hard_says_so() -> None:
    busy = [pulse(asleep=False, cpu_seconds=2.0 * at) for at in range(20)]
    assert looks(busy, words=list(range(20))) == [None] * 20


def test_one_that_is_given_little_time_is_not_taken_for_one_that_hangs() -> None:
    starved = [pulse(asleep=False, cpu_seconds=0.01 * at) for at in range(100)]
    assert looks(starved) == [None] * 100


def test_a_successor_is_not_taken_for_its_predecessor() -> None:
    one = Liveness()
    for cpu_seconds in (90.0, 0.1, 1.0):
        assert one.remedy(NETWORK, pulse(asleep=False, cpu_seconds=cpu_seconds), 5) is None


def test_hooks_that_come_and_go_need_nothing() -> None:
    assert looks([pulse(hook=at + 1) for at in range(50)]) == [None] * 50


def test_a_hook_that_hangs_is_first_to_go_on_then_killed_then_its_server() -> None:
    expected = [
        None,
        *[Remedy.RESUME_HOOK] * (HOOK_LOOKS - 2),
        *[Remedy.KILL_HOOK] * (HELPER_LOOKS - HOOK_LOOKS),
        Remedy.RESTART,
        None,
    ]
    assert looks([pulse(hook=7)] * (HELPER_LOOKS + 1)) == expected


@pytest.mark.parametrize("heard_at", [None, 1])
def test_one_that_hears_no_question_is_started_again(heard_at: int | None) -> None:
    one = Liveness()
    one.remedy(NETWORK, pulse(), 0)
    for number in range(UNHEARD_QUESTIONS):
        one.note_question(NETWORK, was_heard=number == heard_at)
    assert list(one.doubtful()) == [NETWORK], "it is asked again at once"
    expected = None if heard_at is not None else Remedy.RESTART
    assert one.remedy(NETWORK, pulse(), 0) is expected


def test_what_is_no_more_is_forgotten() -> None:
    one = Liveness()
    one.remedy(NETWORK, pulse(), 0)
    one.note_question(NETWORK, was_heard=False)
    one.keep([])
    one.note_question(NETWORK, was_heard=False)
    assert list(one.doubtful()) == []
