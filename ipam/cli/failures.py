"""Tells the user of failures: a line or two on standard error."""

import errno
import io
import os
import sys

import click

from ipam.cli.next_steps import next_step
from ipam.cli.terminal import say_lines
from ipam.errors import IpamError

BROKEN_PIPE = 141


def with_next_step(error: IpamError) -> str:
    """The error's message, and what the user can do about it if that is known."""
    step = next_step(error.type, error.status, str(error))
    return "\n".join(filter(None, [str(error) or error.type, step]))


def report(message: str, status: int = 1) -> int:
    """Write the message to standard error, made safe for a terminal. Returns the status."""
    try:
        say_lines(f"ipam: {message}", err=True)
    except OSError:  # standard error is closed, too
        return status
    return status


def report_usage(error: click.UsageError) -> int:
    """Tell a user of a command line that is wrong, as click does. Returns the status."""
    text = io.StringIO()
    error.show(text)
    if isinstance(error, click.exceptions.NoSuchCommand) and not error.possibilities:
        group = error.ctx.command if error.ctx else None
        names = sorted(group.commands) if isinstance(group, click.Group) else []
        text.write(f"There are: {', '.join(names)}.\n" if names else "")
    say_lines(text.getvalue(), err=True, end="")
    return error.exit_code


def end_of_os_error(error: OSError) -> int:
    """Report an error of the system. Returns the exit status."""
    if error.errno == errno.EPIPE:
        # The reader is gone (`| head`). Buffered output must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    where = f"{error.filename}: " if error.filename else ""
    advice = " Run it as root or as the service's own user." if error.errno == errno.EACCES else ""
    return report(f"{where}{error.strerror or error}.{advice}")


def report_bug(error: Exception, *, debug: bool = False) -> int:
    """Report a fault of this program, with `debug` where it happened. Returns the exit status."""
    if debug or os.environ.get("IPAM_DEBUG"):
        import traceback  # noqa: PLC0415  # only for bugs

        say_lines("".join(traceback.format_exception(error)), err=True, end="")
    return report(
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a bug. --debug shows where it happened."
    )
