"""Tables fit a width: the widest columns are wrapped, the narrow ones stay whole."""

import pytest

from ipam.cli.tables import column_widths, table

UUID = "8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55"
TITLES = ["ID", "Name", "MAC Address"]
ROWS = [[UUID, "web-1", "52:54:00:12:34:56"], [UUID, "n" * 255, "52:54:00:12:34:57"]]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_longer_than_the_width(width: int) -> None:
    assert max(map(len, table(TITLES, ROWS, width).split("\n"))) <= width


def test_without_a_width_lines_are_as_long_as_they_need() -> None:
    assert "n" * 255 in table(TITLES, ROWS)


def test_nothing_is_lost_by_wrapping() -> None:
    assert table(TITLES, ROWS, 60).count("n") == 255


def test_the_widest_columns_give_first() -> None:
    assert column_widths([36, 5, 17, 255], [8, 8, 8, 8], 100) == [32, 5, 17, 33]


def test_columns_keep_their_least_width_even_if_the_table_does_not_fit() -> None:
    assert column_widths([36, 36], [8, 10], 20) == [8, 10]


def test_a_column_of_words_gives_before_a_mac_address_is_broken() -> None:
    drawn = table(["Since", "MAC Address"], [["2026-11-29 12:11 UTC", "52:54:00:12:34:56"]], 36)
    assert "52:54:00:12:34:56" in drawn
    assert max(map(len, drawn.split("\n"))) <= 36


def test_a_table_that_fits_is_drawn_as_without_a_width() -> None:
    assert table(TITLES[1:], [["a", "b"]], 80) == table(TITLES[1:], [["a", "b"]])


def test_long_titles_are_wrapped_between_words() -> None:
    drawn = table(["Default Prefix Length"], [["26"]], 14)
    lines = [line.strip("| ") for line in drawn.split("\n")]
    assert lines[1:4] == ["Default", "Prefix", "Length"]


def test_wide_characters_count_as_two() -> None:
    drawn = table(["Name"], [["数" * 40]], 44)
    assert drawn.count("数") == 40
    assert len(drawn.split("\n")) == 6
