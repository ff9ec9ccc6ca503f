"""How the processes log: one line per record on standard error, which no text can forge.

What is logged comes in good part from outside: paths of requests, names of machines, lines of
dnsmasq, errors of databases. It is escaped here, where every record passes, not call by call.
"""

import logging
from types import TracebackType
from typing import TypeAlias

from ipam.escaping import escaped, escaped_lines

_ExceptionInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class EscapedRecord(logging.LogRecord):
    """A record whose message is one escaped line, whatever handler formats it."""

    def getMessage(self) -> str:  # noqa: N802  # logging's name
        """The message with its arguments, escaped."""
        return escaped(super().getMessage())


class LineFormatter(logging.Formatter):
    """Escapes tracebacks, too. Their lines are indented, so that none looks like a record."""

    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802  # logging's name
        """The traceback, indented."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  # logging's name
        """The stack, indented."""
        return _indented(super().formatStack(stack_info))


def escape_records() -> None:
    """Escape the message of every later record of this process."""
    logging.setLogRecordFactory(EscapedRecord)


def log_to_stderr(level: str) -> None:
    """Log what is at least of this level, and Python's warnings, to standard error."""
    escape_records()
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(True)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in escaped_lines(text).split("\n"))
