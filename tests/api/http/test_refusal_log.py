from ipam.api.http.refusal_log import LINES, PERIOD_SECONDS, LineBudget


def test_a_flood_writes_some_lines_and_then_says_how_many_it_did_not() -> None:
    now = 0.0
    budget = LineBudget(lambda: now)
    written = [budget.take() for _ in range(LINES + 100)]
    assert written == [(True, 0)] * LINES + [(False, 0)] * 100
    now = PERIOD_SECONDS
    assert budget.take() == (True, 100)
    assert budget.take() == (True, 0)


def test_a_period_with_few_refusals_leaves_none_out() -> None:
    now = 0.0
    budget = LineBudget(lambda: now)
    budget.take()
    now = PERIOD_SECONDS * 3
    assert budget.take() == (True, 0)
