"""What the user is told when something failed: a line or two on standard error."""

import errno
import os
import sys

import click

from ipam.cli.output import printable
from ipam.errors import IpamError

BROKEN_PIPE = 141


def with_next_step(error: IpamError) -> str:
    """The sentence of the service, and what the user can do about it where that is known."""
    steps = {
        401: "Check --user and the password; `ipam user list` on the service's machine shows who"
        " is known.",
        403: "Sign in as a user with the role admin; `ipam user add` makes one.",
        412: "Somebody changed it at the same time: look at it again and repeat the command.",
    }
    step = steps.get(error.status, "")
    return "\n".join(filter(None, [str(error) or error.type, step]))


def report(message: str, status: int = 1) -> int:
    """Write the message to standard error, safe for a terminal; gives the status back."""
    try:
        lines = map(printable, f"ipam: {message}".split("\n"))
        click.echo("\n".join(lines), err=True)
    except OSError:  # standard error is gone, too
        return status
    return status


def end_of_os_error(error: OSError) -> int:
    """Say what the system refused; gives the exit status."""
    if error.errno == errno.EPIPE:
        # The reader has gone (`| head`). What is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    where = f"{error.filename}: " if error.filename else ""
    advice = " Run it as root or as the service's own user." if error.errno == errno.EACCES else ""
    return report(f"{where}{error.strerror or error}.{advice}")


def report_bug(error: Exception) -> int:
    """Say that this program erred; gives the exit status."""
    if os.environ.get("IPAM_DEBUG"):
        import traceback  # noqa: PLC0415  # only for those who look for the bug

        traceback.print_exception(error)
    return report(
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a bug. IPAM_DEBUG=1 in the environment shows where it happened."
    )
