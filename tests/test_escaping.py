"""What does not show is written as its escape, and what shows is left alone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.escaping import escaped, escaped_lines

INVISIBLE = {
    "line feed": "\n",
    "carriage return": "\r",
    "escape": "\x1b",
    "C1 control": "\x9b",
    "right-to-left override": "\u202e",
    "right-to-left isolate": "\u2067",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\xad",
    "no-break space": "\xa0",
    "Hangul filler": "\u3164",
    "variation selector": "\ufe0f",
    "combining grapheme joiner": "\u034f",
    "tag": "\U000e0041",
    "lone surrogate": "\udc80",
}


@pytest.mark.parametrize("character", INVISIBLE.values(), ids=INVISIBLE)
def test_a_character_that_does_not_show_is_escaped(character: str) -> None:
    text = escaped(f"a{character}b")
    assert text.isascii()
    assert text[1] == "\\"
    assert text[1:-1].encode().decode("unicode_escape") == character


@pytest.mark.parametrize("text", ["", "plain ~!", "né 数", "עברית", "naïve 😀"])
def test_text_that_shows_is_left_alone(text: str) -> None:
    assert escaped(text) == text


@given(st.text())
def test_no_text_makes_a_second_line_or_steers_a_terminal(text: str) -> None:
    result = escaped(text)
    assert len(result.splitlines()) <= 1
    assert all(unicodedata.category(one)[0] != "C" for one in result)
    assert escaped(result) == result


def test_lines_keep_their_feeds_alone() -> None:
    assert escaped_lines("a\r\nb\u2028c\n") == "a\\r\nb\\u2028c\n"
