"""`ipam find`: what something is, who has it, where, and since when."""

import shutil

import click

from ipam.cli.connection import connect
from ipam.cli.found_things import KINDS, screen
from ipam.cli.options import examples
from ipam.cli.printing import show_record
from ipam.cli.terminal import say_lines

PATH = "/v2.0/find"


@click.command(
    epilog=examples(
        "ipam find 10.0.0.20",
        "ipam find 3e:12:34",
        "ipam find web-1",
        "ipam find 8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55 -f json",
    )
)
@click.argument("anything")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    help="A screen of text, or all that was found.",
)
def find(anything: str, output_format: str) -> None:
    """Find whatever ANYTHING means: what it is, who has it, where, and since when.

    An address, a prefix, a MAC address in any spelling or a part of it, a host name, the id of a
    device or server, or the name or id of anything. The status is 1 if nothing is found.
    """
    answer = connect().get(PATH, {"q": anything})
    is_found = any(answer[name] for name in KINDS)
    if output_format != "table":
        show_record(answer, output_format=output_format, wanted=())
    elif is_found:
        width = shutil.get_terminal_size().columns
        say_lines("\n".join(screen(answer, width)))
    if not is_found:
        raise click.ClickException(f"Nothing is known of {anything!r}.")
