"""The root of the command tree: lazy loading, and the handling of errors."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, cast

import click

from ipam.cli import first_screen, global_options
from ipam.cli.failures import end_of_os_error, report, report_bug, report_usage, with_next_step
from ipam.cli.next_steps import suggestion
from ipam.cli.terminal import say
from ipam.errors import IpamError

INTERRUPTED = 130


class LazyRoot(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Every command, in the order of the help."""
        return list(first_screen.COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command of that name, which this imports."""
        if cmd_name not in first_screen.COMMANDS:
            return None
        module_name, _, attribute = first_screen.COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module_name), attribute)
        global_options.add_to(command)
        if "_IPAM_COMPLETE" in os.environ:
            from ipam.cli import completing  # noqa: PLC0415  # only for a press of Tab

            completing.add_to(command)
        return cast("click.Command", command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with a suggestion for a mistyped command."""
        if args and not args[0].startswith("-") and args[0] not in first_screen.COMMANDS:
            near = suggestion(args[0], list(first_screen.COMMANDS))
            hint = f" Did you mean '{near}'?" if near else " `ipam --help` shows what there is."
            ctx.fail(f"No command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, then tell or do what it has kept back, also if a part of it failed."""
        try:
            result = super().invoke(ctx)
        except click.exceptions.Exit:
            _finish(ctx)
            raise
        _finish(ctx)
        return result

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002  # click's signature
        """The first screen, the same as without click."""
        return first_screen.help_text().rstrip()


def _finish(ctx: click.Context) -> None:
    if rehearsal := ctx.meta.pop(global_options.REHEARSAL, None):
        rehearsal.finish()


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from ipam.cli.commands.processes import version_text  # noqa: PLC0415  # importlib.metadata is slow

        say(version_text())
        ctx.exit()


@click.group(cls=LazyRoot, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version
)
def root() -> None:
    """Every command. Those options that all of them take are in `ipam.cli.global_options`."""


global_options.add_to(root)


def run(words: Sequence[str]) -> int:
    """Run one command line. Returns its exit status. Every error is reported here."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A name that the terminal's encoding lacks is escaped instead of causing a crash.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = root.main(list(words), prog_name="ipam", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.UsageError as error:
        return report_usage(error)
    except click.ClickException as error:
        return report(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return report("Interrupted.", INTERRUPTED)
    except IpamError as error:
        return report(with_next_step(error))
    except OSError as error:
        return end_of_os_error(error)
    except Exception as error:  # noqa: BLE001  # the only broad one of the process
        return report_bug(error, debug="--debug" in words)
