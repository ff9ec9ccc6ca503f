"""The only place that writes to the terminal: nothing that it writes can steer the terminal."""

from collections.abc import Sequence

import click

from ipam.cli import global_options
from ipam.escaping import escaped, escaped_lines


def say(text: str = "", *, err: bool = False) -> None:
    """Write one line to standard output; or a note to standard error, unless --quiet is given."""
    if err and global_options.given().get("quiet"):
        return
    click.echo(escaped(text), err=err)


def say_lines(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Write lines: a text whose parts from outside were escaped where it was put together."""
    click.echo(escaped_lines(text) + end, nl=False, err=err)


def say_coloured(parts: Sequence[tuple[str, str]]) -> None:
    """Write one line of texts, each in its colour; "" is none."""
    click.echo("".join(click.style(escaped(text), fg=colour or None) for text, colour in parts))


def say_over(text: str, *, end: str = "") -> None:
    """Write over the current line of a terminal's standard error."""
    click.echo(f"\r{escaped(text)}{end}", nl=False, err=True)


def clear() -> None:
    """Empty the terminal's screen."""
    click.clear()
