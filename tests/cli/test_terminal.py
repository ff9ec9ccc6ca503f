"""Whatever is printed, the terminal is not steered by it."""

import click
import pytest

from ipam.cli import failures, terminal

HOSTILE = "web\n\x1b[2J\u202e"
SHOWN = "web\\n\\x1b[2J\\u202e"


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(f"Port {HOSTILE}")
    terminal.say_over(HOSTILE)
    assert capsys.readouterr() == (f"Port {SHOWN}\n", f"\r{SHOWN}")


def test_lines_keep_their_feeds(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say_lines(HOSTILE)
    assert capsys.readouterr().out == "web\n\\x1b[2J\\u202e\n"


def test_a_refusal_of_click_is_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.report_usage(click.UsageError(f"no {HOSTILE}")) == 2
    said = capsys.readouterr().err
    assert "\\u202e" in said
    assert "\x1b" not in said


def test_a_traceback_for_a_developer_is_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPAM_DEBUG", "1")
    failures.report_bug(ValueError(HOSTILE))
    assert "\x1b" not in capsys.readouterr().err
