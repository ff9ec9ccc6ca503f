"""The root of the command tree: its options, lazy loading, and one place where errors end."""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import cast

import click

from ipam.cli import main as first_screen
from ipam.cli.connection import Target
from ipam.cli.output import printable
from ipam.errors import IpamError

INTERRUPTED = 130
BROKEN_PIPE = 141


class LazyRoot(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Every command, in the order of the help."""
        return list(first_screen.COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command of that name, imported now."""
        if cmd_name not in first_screen.COMMANDS:
            return None
        module_name, _, attribute = first_screen.COMMANDS[cmd_name][0].partition(":")
        return cast("click.Command", getattr(importlib.import_module(module_name), attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a mistyped command."""
        if args and not args[0].startswith("-") and args[0] not in first_screen.COMMANDS:
            import difflib  # noqa: PLC0415  # for the mistyped alone

            near = difflib.get_close_matches(args[0], first_screen.COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else " `ipam --help` shows what there is."
            ctx.fail(f"No command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002  # click's signature
        """The same first screen as without click."""
        return first_screen.help_text().rstrip()


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from ipam.cli.commands.processes import version_text  # noqa: PLC0415  # importlib.metadata is slow

        click.echo(version_text())
        ctx.exit()


@click.group(cls=LazyRoot, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--socket", metavar="PATH")
@click.option("--url", metavar="URL")
@click.option("--user", metavar="NAME")
@click.option("--password-stdin", is_flag=True)
@click.option("--os-cloud", metavar="NAME")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version
)
@click.pass_context
def root(
    ctx: click.Context,
    *,
    socket: str | None,
    url: str | None,
    user: str | None,
    password_stdin: bool,
    os_cloud: str | None,
) -> None:
    """The options that say which service a command talks to."""
    ctx.obj = Target(socket, url, user, password_stdin, os_cloud)


def run(words: Sequence[str]) -> int:
    """Run one command line to its exit status. Every error ends here, as a line or two."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A name that the terminal's encoding lacks is shown escaped, not as a crash.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = root.main(list(words), prog_name="ipam", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.UsageError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return report(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return report("Interrupted.", INTERRUPTED)
    except IpamError as error:
        return report(with_next_step(error))
    except OSError as error:
        return _end_of_os_error(error)
    except Exception as error:  # noqa: BLE001  # the one broad net of the process
        return _report_bug(error)


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


def _end_of_os_error(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        # The reader has gone (`| head`). What is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    where = f"{error.filename}: " if error.filename else ""
    advice = " Run it as root or as the service's own user." if error.errno == errno.EACCES else ""
    return report(f"{where}{error.strerror or error}.{advice}")


def _report_bug(error: Exception) -> int:
    if os.environ.get("IPAM_DEBUG"):
        import traceback  # noqa: PLC0415  # only for those who look for the bug

        traceback.print_exception(error)
    return report(
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a bug. IPAM_DEBUG=1 in the environment shows where it happened."
    )
