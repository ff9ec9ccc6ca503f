"""A short attack on the API: nothing fails, hangs, lies in the log or stops honest clients.

The long one, with every database and with measured times and memory, is `scripts/stress hostile`.
"""

from tests.hostile.report import wrong_answers
from tests.hostile.siege import Plan, besiege
from tests.hostile.tally import Tally

SHORT = Plan(
    "sqlite",
    requests=2_000,
    seed=1,
    slow_clients=200,
    guessers=4,
    ordinary_requests=2_000,
    quiet_seconds=0,
    settle_seconds=0,
    processes=1,
)


def test_an_attack_finds_nothing_wrong() -> None:
    report = besiege(SHORT, _unseen)
    assert list(wrong_answers(report)) == []
    assert report.tally.sent >= SHORT.requests
    for door in ("tcp", "unix"):
        assert report.attacked[door].answers, f"nobody was served at the {door} door meanwhile"


def _unseen(_tally: Tally, _seconds: float) -> None:
    """Nobody watches."""
