"""`ipam config …`: the settings file."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli.configured import load_settings
from ipam.cli.options import config_file_option, examples
from ipam.cli.terminal import say, say_lines

if TYPE_CHECKING:
    from ipam.settings import Settings


@click.group()
def config() -> None:
    """Settings of the API, the agent and the worker, in one file."""


@config.command(epilog=examples("ipam config sample | sudo tee /etc/ipam/ipam.conf"))
def sample() -> None:
    """Print a settings file with every option explained and its default."""
    from ipam.settings.sample import sample_text  # noqa: PLC0415  # imports oslo.config

    say_lines(sample_text(), end="")


@config.command(
    epilog=examples("ipam config show", "ipam config show --changed", "ipam config show -f json")
)
@click.option("--changed", is_flag=True, help="Only settings that differ from their defaults.")
@click.option("-f", "--format", "output_format", type=click.Choice(["ini", "json"]), default="ini")
@config_file_option
def show(changed: bool, output_format: str, config_files: Sequence[str]) -> None:
    """Print the settings in force, passwords hidden."""
    settings = load_settings(config_files)
    groups = {group: dict(_values(settings, group, changed)) for group in _group_names()}
    groups = {group: values for group, values in groups.items() if values}
    if output_format == "json":
        say_lines(json.dumps(groups, indent=2))
        return
    for group, values in groups.items():
        say(f"[{group}]")
        for name, value in values.items():
            say(f"{name} = {value}")


def _group_names() -> list[str]:
    from ipam.settings import GROUPS  # noqa: PLC0415  # oslo.config, for this alone

    return list(GROUPS)


def _values(settings: "Settings", group: str, changed: bool) -> Iterator[tuple[str, Any]]:
    from ipam.settings import GROUPS, is_changed, shown  # noqa: PLC0415  # oslo.config

    for option in GROUPS[group]:
        if not changed or is_changed(settings, group, option):
            yield option.name, shown(settings, group, option)
