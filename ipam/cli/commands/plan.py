"""`ipam plan`: what every agent would do if a command were run."""

from collections.abc import Sequence

import click

from ipam.cli import global_options
from ipam.cli.options import examples


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples(
        "ipam plan subnet set demo-v4 --no-dhcp",
        "ipam plan network delete lab --recursive --yes",
        "ipam plan -f json apply --from-file estate.yaml --yes",
    ),
)
@click.option(
    "-f",
    "--format",
    "plan_format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the output.",
)
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def plan(ctx: click.Context, plan_format: str, words: Sequence[str]) -> None:
    """Show each step of each agent that a command would cause, and do nothing.

    COMMAND is any that has --dry-run, with its arguments. The service tries its requests and takes
    them back; what it would refuse is refused here.
    """
    root = ctx.find_root().command
    assert isinstance(root, click.Group), root
    if not _is_rehearsed(root, words):
        raise click.UsageError(
            f"`ipam {' '.join(words)}` cannot be tried first: it has no --dry-run."
        )
    global_options.put(ctx, dry_run=True, plan_format=plan_format)
    with root.make_context("ipam", list(words), parent=ctx) as inner:
        root.invoke(inner)


def _is_rehearsed(root: click.Group, words: Sequence[str]) -> bool:
    """Whether these words name a command that can be tried first."""
    command: click.Command | None = root
    context = click.Context(root, info_name="ipam")
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(context, word)
    return command is not None and any(one.name == "dry_run" for one in command.params)
