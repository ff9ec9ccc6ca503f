"""A trouble is news when it begins, changes or ends, and never in between."""

from ipam.trouble import Trouble


def test_the_same_trouble_is_news_once() -> None:
    trouble = Trouble()
    assert [trouble.begins(why) for why in ("away", "away", "refused", "refused", "away")] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_its_end_is_news_once_and_only_after_a_trouble() -> None:
    trouble = Trouble()
    assert not trouble.ends()
    trouble.begins("away")
    assert trouble.ends()
    assert not trouble.ends()


def test_what_comes_back_is_news_again() -> None:
    trouble = Trouble()
    trouble.begins("away")
    trouble.ends()
    assert trouble.begins("away")


def test_it_lasts_from_its_begin_to_its_end_even_without_a_reason() -> None:
    trouble = Trouble()
    assert not trouble
    assert trouble.begins("")
    assert trouble
    trouble.ends()
    assert not trouble
