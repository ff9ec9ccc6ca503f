"""`ipam explain`: why a machine has its address, or what keeps it from getting one."""

import json
import shutil
import sys

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.explain.chain import ASPECTS
from ipam.cli.explain.chain import explain as explained
from ipam.cli.explain.gathering import gathered
from ipam.cli.explain.screen import lines
from ipam.cli.options import examples
from ipam.cli.resource_kinds import NETWORK
from ipam.cli.terminal import say, say_lines

STATUS = {"fine": 0, "broken": 1, "unknown": 3}
"""The exit status of each verdict; of several, the largest."""


@click.command(
    epilog=examples(
        "ipam explain 52:54:00:12:34:56",
        "ipam explain 10.0.0.20 --network demo",
        "ipam explain web-1 --why dns",
        "ipam explain 8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55 -f json",
    )
)
@click.argument("what", metavar="MAC|ADDRESS|PORT|SERVER")
@click.option("--network", metavar="NETWORK", help="The network, if several have such a machine.")
@click.option(
    "--why",
    type=click.Choice(ASPECTS),
    default="address",
    help="Why it gets no address; or no route, DNS server, name, or another MTU.",
)
@click.option("--all", "to_the_end", is_flag=True, help="Go on behind the first broken link.")
@click.option(
    "--probe-seconds",
    type=click.FloatRange(min=0),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for what the DHCP server would answer the machine; 0: do not ask.",
)
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="A screen of text, or the same as a list of objects.",
)
def explain(
    what: str,
    *,
    network: str | None,
    why: str,
    to_the_end: bool,
    probe_seconds: float,
    output_format: str,
) -> None:
    """Say why a machine has its address, or what keeps it from getting one.

    From server and port to agent, DHCP server and lease, each link is told with who says it and
    how long ago that was. The first broken one is the cause; below it is what mends it. A server
    is named by its id. The status is 1 if something is broken, 3 if that cannot be told.
    """
    client = connect()
    network_id = lookup.find_id(client, NETWORK, network) if network else None
    found = list(gathered(client, what, network_id, probe_seconds))
    explanations = [explained(facts, why, to_the_end=to_the_end) for facts in found]
    if output_format == "json":
        records = [one.as_record() for one in explanations]
        say_lines(json.dumps(records, indent=2))
    else:
        width = shutil.get_terminal_size().columns
        has_marks = (sys.stdout.encoding or "").lower().startswith("utf")
        for number, (facts, one) in enumerate(zip(found, explanations, strict=True)):
            if number:
                say()
            say_lines("\n".join(lines(one, facts.now, has_marks=has_marks, width=width)))
    if status := max(STATUS[one.verdict] for one in explanations):
        raise click.exceptions.Exit(status)
