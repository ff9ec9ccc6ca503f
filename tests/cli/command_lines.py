"""Reads command lines as the product does, up to where a command would run."""

import shlex

import click

from ipam.cli.root import root


def parse(line: str) -> None:
    """Read a command line as click does, up to where the command would run."""
    words = shlex.split(line)
    command: click.Command = root
    context = click.Context(root, info_name="ipam", **root.context_settings)
    while isinstance(command, click.Group) and words:
        if words[0].startswith("-"):
            break
        found = command.get_command(context, words[0])
        assert found is not None, f"`ipam {line}`: there is no {words[0]!r}"
        command, words = found, words[1:]
        context = click.Context(command, info_name="x", parent=context)
    if words == ["--help"]:
        return
    has_placeholder = any(word.isupper() for word in words)
    try:
        command.make_context(command.name or "x", [*words], parent=context.parent)
    except (click.MissingParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError):
        pass  # the hint names the command, and its user knows of what
    except click.BadParameter:
        if not has_placeholder:
            raise
