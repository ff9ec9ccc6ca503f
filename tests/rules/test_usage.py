"""How full a subnet is, and when it will be full."""

import pytest

from ipam.model import pack
from ipam.rules.usage import (
    Forecast,
    TooScatteredError,
    forecast,
    largest_free,
    weekly_peaks,
)

TODAY = 20_000


def history(days: int, start: int, per_day: float) -> dict[int, int]:
    """Peaks of the last days, which end at `start` + growth."""
    return {TODAY - days + 1 + day: int(start + day * per_day) for day in range(days)}


def test_steady_growth_is_full_on_the_day_the_line_reaches_the_size() -> None:
    found = forecast(history(56, 100, 2), 250, TODAY)
    assert found.outlook == "growing"
    assert found.growth_per_week == pytest.approx(14)
    assert found.full_on == TODAY + (250 - 210) // 2
    assert found.full_on_earliest == found.full_on_latest == found.full_on


def test_the_peak_of_a_week_counts_and_one_odd_week_bends_nothing() -> None:
    peaks = history(56, 100, 2)
    quiet = {day: used if day % 7 == TODAY % 7 else used // 3 for day, used in peaks.items()}
    odd = {**quiet, TODAY - 20: 249}
    assert forecast(quiet, 250, TODAY).full_on == TODAY + 20
    assert abs((forecast(odd, 250, TODAY).full_on or 0) - (TODAY + 20)) <= 3


def test_less_than_four_weeks_say_nothing() -> None:
    assert forecast({}, 250, TODAY) == Forecast("unknown")
    assert forecast(history(20, 100, 2), 250, TODAY) == Forecast("unknown")
    assert forecast(history(28, 100, 2), 250, TODAY).outlook == "growing"


def test_a_week_without_samples_ends_the_history() -> None:
    samples = history(56, 100, 2)
    gap = {day: used for day, used in samples.items() if not TODAY - 21 < day < TODAY - 6}
    assert forecast(gap, 250, TODAY) == Forecast("unknown")
    assert len(weekly_peaks(gap, TODAY)) == 1


def test_what_does_not_grow_has_no_day() -> None:
    assert forecast(history(56, 100, 0), 250, TODAY).outlook == "steady"
    assert forecast(history(56, 200, -1), 250, TODAY).outlook == "steady"


def test_a_day_beyond_a_year_is_not_named() -> None:
    found = forecast(history(56, 100, 0.2), 100_000, TODAY)
    assert (found.outlook, found.full_on) == ("beyond", None)


def test_a_full_subnet_is_full_however_short_its_history() -> None:
    assert forecast({TODAY: 250}, 250, TODAY) == Forecast("full")


@pytest.mark.parametrize(
    ("pool", "taken", "block"),
    [
        (("10.0.0.0", "10.0.0.255"), [], "10.0.0.0/24"),
        (("10.0.0.1", "10.0.0.254"), [], "10.0.0.64/26"),
        (("10.0.0.0", "10.0.0.255"), ["10.0.0.5"], "10.0.0.128/25"),
        (("10.0.0.0", "10.0.0.255"), ["10.0.0.130", "10.0.0.9"], "10.0.0.64/26"),
        (("10.0.0.4", "10.0.0.5"), ["10.0.0.4"], "10.0.0.5/32"),
        (("10.0.0.4", "10.0.0.4"), ["10.0.0.4"], "None"),
        (
            ("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"),
            ["2001:db8::5"],
            "2001:db8:0:0:8000::/65",
        ),
    ],
)
def test_the_largest_free_block_is_aligned_and_has_no_address_in_use(
    pool: tuple[str, str], taken: list[str], block: str
) -> None:
    used = sorted(map(pack, taken))

    def first_taken(first: bytes, last: bytes) -> bytes | None:
        return next((ip for ip in used if first <= ip <= last), None)

    found = largest_free([(pack(pool[0]), pack(pool[1]))], first_taken, questions=100)
    assert str(found) == block


def test_a_search_among_scattered_addresses_ends_after_so_many_questions() -> None:
    """Every other address is in use: no block of two is found."""
    asked = []

    def first_taken(first: bytes, last: bytes) -> bytes | None:
        asked.append(first)
        taken = int.from_bytes(first) | 1
        return taken.to_bytes(4) if taken <= int.from_bytes(last) else None

    with pytest.raises(TooScatteredError):
        largest_free([(pack("10.0.0.0"), pack("10.0.0.255"))], first_taken, questions=20)
    assert len(asked) == 20
