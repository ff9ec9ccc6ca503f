"""Options that several commands share, and the forms of their values."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ipam.cli import global_options, output

Command = TypeVar("Command", bound=Callable[..., Any])


class KeyValues(click.ParamType[dict[str, str]]):
    """`start=10.0.0.2,end=10.0.0.9`: a value may have commas, but none before a known key."""

    name = "key=value,…"

    def __init__(self, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        self.required = required
        self.keys = (*required, *optional)
        self._separator = re.compile(rf",(?=(?:{'|'.join(map(re.escape, self.keys))})=)")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """The pairs as a dictionary. A usage error says what is wrong."""
        if isinstance(value, dict):
            return value
        pairs: dict[str, str] = {}
        for part in self._separator.split(value):
            key, equals, one = part.partition("=")
            if not equals or key not in self.keys:
                self.fail(
                    f"{part!r} is not one of {', '.join(f'{k}=…' for k in self.keys)}.", param, ctx
                )
            pairs[key] = one
        missing = [key for key in self.required if key not in pairs]
        if missing:
            self.fail(f"{value!r} lacks {', '.join(f'{key}=…' for key in missing)}.", param, ctx)
        return pairs


def examples(*lines: str) -> str:
    """The end of a help text: commands to copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Options as one decorator; help shows them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


format_option = click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(output.FORMATS),
    default="table",
    help="The format of the output.",
)


def format_options(command: Command) -> Command:
    """-f and -c."""
    return stacked(
        format_option,
        click.option(
            "-c",
            "--column",
            "wanted",
            multiple=True,
            metavar="COLUMN",
            help="Show only this column; repeat for more.",
        ),
    )(command)


watch_option = click.option(
    "--watch",
    is_flag=True,
    expose_value=False,
    callback=global_options.keep,
    help="Look again every 2 seconds, until Ctrl-C.",
)


dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    expose_value=False,
    callback=global_options.keep,
    help="Only tell what it would do to hosts and machines.",
)


def _keep_that_it_may_stop(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    global_options.put(ctx, may_stop=True)
    global_options.keep(ctx, param, value)


def told_first(command: Command) -> Command:
    """--dry-run, and --yes: on a terminal, a change that stops machines is asked about."""
    return stacked(
        dry_run_option,
        click.option(
            "--yes",
            is_flag=True,
            expose_value=False,
            callback=_keep_that_it_may_stop,
            help="Do not ask, even if machines lose an address that they use.",
        ),
    )(command)


def list_options(command: Command) -> Command:
    """-f, -c, --long, --limit, --sort-column, --watch."""
    return stacked(
        format_options,
        watch_option,
        click.option("--long", "long_list", is_flag=True, help="More columns."),
        click.option(
            "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many items."
        ),
        click.option(
            "--sort-column",
            "sort_columns",
            multiple=True,
            metavar="COLUMN[:desc]",
            help="Sort by this column; repeat for more.",
        ),
    )(command)


def admin_state_option(command: Command) -> Command:
    """--enable/--disable."""
    return click.option(
        "--enable/--disable",
        "admin_state_up",
        default=None,
        help="Administrative state: up or down.",
    )(command)


def description_option(command: Command) -> Command:
    """--description."""
    return click.option(
        "--description", metavar="TEXT", help="A remark of at most 255 characters."
    )(command)


def list_or_none(
    _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]
) -> list[str] | None:
    """The values as a list, or None, which `given` leaves out, if the option was not used."""
    return list(value) or None


def tag_option(command: Command) -> Command:
    """--tag of `create`."""
    return click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="TAG",
        callback=list_or_none,
        help="A tag to give it; repeat for more.",
    )(command)


def tag_changes(command: Command) -> Command:
    """--tag and --no-tag of `set`."""
    return stacked(
        click.option(
            "--tag",
            "tags",
            multiple=True,
            metavar="TAG",
            callback=list_or_none,
            help="A tag to add; repeat for more.",
        ),
        click.option("--no-tag", is_flag=True, help="Remove all tags, except those of --tag."),
    )(command)


def tag_removals(command: Command) -> Command:
    """--tag and --all-tag of `unset`."""
    return stacked(
        click.option(
            "--tag", "tags", multiple=True, metavar="TAG", help="A tag to remove; repeat for more."
        ),
        click.option("--all-tag", "all_tags", is_flag=True, help="Remove all tags."),
    )(command)


def tag_filters(command: Command) -> Command:
    """--tags, --any-tags, --not-tags, --not-any-tags."""
    return stacked(
        click.option("--tags", metavar="TAG,…", help="Only those with all of these tags."),
        click.option(
            "--any-tags", "tags_any", metavar="TAG,…", help="Only those with any of these tags."
        ),
        click.option(
            "--not-tags", "not_tags", metavar="TAG,…", help="Only those without all of these tags."
        ),
        click.option(
            "--not-any-tags",
            "not_tags_any",
            metavar="TAG,…",
            help="Only those with none of these tags.",
        ),
    )(command)


def wire_filters(fields: dict[str, Any]) -> dict[str, Any]:
    """The filters under their names in the API."""
    wire = {"tags_any": "tags-any", "not_tags": "not-tags", "not_tags_any": "not-tags-any"}
    return {wire.get(name, name): value for name, value in fields.items()}


def project_option(command: Command) -> Command:
    """--project."""
    return click.option("--project", "project_id", metavar="ID", help="The id of the project.")(
        command
    )


def config_file_option(command: Command) -> Command:
    """--config-file."""
    return click.option(
        "--config-file",
        "config_files",
        multiple=True,
        type=click.Path(),
        help="Settings file instead of /etc/ipam/ipam.conf. Repeat for more; the last one wins.",
    )(command)


def given(**fields: Any) -> dict[str, Any]:
    """The fields whose option was used. The value None means that it was not."""
    return {name: value for name, value in fields.items() if value is not None}
