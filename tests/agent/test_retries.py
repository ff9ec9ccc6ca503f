"""Failed keys wait longer after each failure, and are forgotten when they work."""

from ipam.agent.retries import Retries


def test_the_delay_doubles_up_to_the_longest() -> None:
    retries, now = Retries(0.5, 3.0), 100.0
    delays = []
    for _ in range(5):
        delays.append(retries.failed("net", "no bridge", now))
        now += delays[-1]
    assert delays == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_it_may_be_tried_when_its_delay_is_over_and_others_at_any_time() -> None:
    retries = Retries(2.0, 8.0)
    retries.failed("net", "no bridge", 100.0)
    assert [retries.seconds_left("net", now) for now in (100.0, 101.5, 102.0)] == [2.0, 0.5, 0.0]
    assert retries.seconds_left("other", 100.0) == 0.0


def test_success_forgets_trouble_and_delay() -> None:
    retries = Retries(1.0, 8.0)
    retries.failed("net", "no bridge", 100.0)
    retries.failed("net", "no bridge", 101.0)
    assert retries.troubles == {"net": "no bridge"}
    retries.succeeded("net")
    retries.succeeded("net")
    assert retries.troubles == {}
    assert retries.failed("net", "no bridge", 110.0) == 1.0


def test_what_is_due_is_forgotten_and_the_rest_is_not() -> None:
    retries = Retries(5.0, 5.0)
    retries.failed("early", "busy", 100.0)
    retries.failed("late", "busy", 103.0)
    retries.forget_due(105.0)
    assert retries.troubles == {"late": "busy"}
