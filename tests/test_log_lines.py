"""A record is one line, and no text in it begins another."""

import io
import logging
from collections.abc import Iterator

import pytest

from ipam import log_lines

FORGED = "x\n2026-01-01 00:00:00,000 ERROR ipam: FORGED\x1b[31m\u202e"


def fail() -> None:
    raise ValueError(FORGED)


class Log:
    """A logger of its own, with the processes' format."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        handler = logging.StreamHandler(self.text)
        handler.setFormatter(log_lines.LineFormatter("%(levelname)s %(name)s: %(message)s"))
        self.logger = logging.Logger("outside")  # noqa: LOG001  # no other test sees it
        self.logger.addHandler(handler)

    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    before = logging.getLogRecordFactory()
    log_lines.escape_records()
    yield Log()
    logging.setLogRecordFactory(before)


def test_a_message_is_one_line_whether_its_text_or_its_argument_is_hostile(log: Log) -> None:
    log.logger.warning("no port %s", FORGED)
    log.logger.warning(FORGED)
    first, second = log.lines()
    assert first.startswith("WARNING outside: no port x\\n2026")
    assert second.startswith("WARNING outside: x\\n2026")
    assert (first + second).isascii()


def test_no_line_of_a_traceback_looks_like_a_record(log: Log) -> None:
    try:
        fail()
    except ValueError:
        log.logger.exception("failed", stack_info=True)
    first, *rest = log.lines()
    assert first == "ERROR outside: failed"
    assert any("FORGED\\x1b[31m\\u202e" in line for line in rest)
    assert all(line.startswith("  ") for line in rest)


def test_another_formatter_gets_escaped_messages_too(log: Log) -> None:
    log.logger.handlers[0].setFormatter(logging.Formatter("%(message)s"))
    log.logger.warning("%s", FORGED)
    assert len(log.lines()) == 1


def test_arguments_that_do_not_fit_are_an_error_as_ever(log: Log) -> None:
    with pytest.raises(TypeError):
        logging.getLogRecordFactory()("n", 30, "p", 1, "%s %s", ("a",), None).getMessage()
