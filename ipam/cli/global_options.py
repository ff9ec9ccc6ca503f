"""The options that every command takes, before its words, between or after them.

They are click's own options, added to each command when it is loaded. A command that has an option
of the same name keeps its own. Help shows them once, on the first screen.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ipam.cli.first_screen import OPTIONS

_KEY = "ipam.cli.global_options"
REHEARSAL = "ipam.cli.rehearsal"
"""Where the command line has its rehearsal, while there is one."""


def given() -> dict[str, Any]:
    """The options of the running command line that were used, by name; empty outside of one."""
    context = click.get_current_context(silent=True)
    found: dict[str, Any] = context.meta.get(_KEY, {}) if context else {}
    return found


def is_dry_run() -> bool:
    """Whether the running command is only to tell what it would do."""
    return bool(given().get("dry_run"))


def put(ctx: click.Context, **values: Any) -> None:
    """Set options as if the user had given them."""
    ctx.meta.setdefault(_KEY, {}).update(values)


def add_to(command: click.Command) -> None:
    """Make the command, and each below it, take these options, too. Twice is as once."""
    taken = {name for param in command.params for name in param.opts}
    command.params.extend(each for each in EVERYWHERE if not taken & set(each.opts))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            add_to(inner)


def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """A callback: `given` has the value, if the option was used."""
    if value not in (None, False):
        put(ctx, **{str(param.name): value})


def _keep_width(ctx: click.Context, param: click.Parameter, value: bool | None) -> None:
    """Like `keep`, of an option that also says no."""
    if value is not None:
        put(ctx, **{str(param.name): value})


def _option(*names: str, **how: Any) -> click.Option:
    first = names[0].partition("/")[0]
    explained = next(text for name, text in OPTIONS.items() if first in _names(name))
    settings: dict[str, Any] = {"callback": keep, "expose_value": False, "hidden": True} | how
    return click.Option(names, help=explained, **settings)


def _names(line: str) -> Sequence[str]:
    """The options in a line of the first screen, such as `-v, --verbose`."""
    return line.replace(",", " ").split()


EVERYWHERE = (
    _option("--socket", metavar="PATH"),
    _option("--url", metavar="URL"),
    _option("--user", metavar="NAME"),
    _option("--password-stdin", is_flag=True),
    _option("--os-cloud", metavar="NAME"),
    _option("--cacert", metavar="FILE", type=Path),
    _option("--cert", metavar="FILE", type=Path),
    _option("--key", metavar="FILE", type=Path),
    _option("--tls-min", type=click.Choice(["1.2", "1.3"])),
    _option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS"),
    _option("--fit-width/--no-fit-width", default=None, callback=_keep_width),
    _option("--max-width", type=click.IntRange(min=0), metavar="COLUMNS", callback=_keep_width),
    _option("-v", "--verbose", is_flag=True),
    _option("-q", "--quiet", is_flag=True),
    _option("--debug", is_flag=True),
)
