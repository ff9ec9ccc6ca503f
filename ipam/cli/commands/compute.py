"""`ipam compute …`: ports and Nova's servers."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import output
from ipam.cli.connection import connect_with_nova
from ipam.cli.failures import report, with_next_step
from ipam.cli.options import config_file_option, examples, format_options, project_option
from ipam.cli.output import Column
from ipam.cli.printing import print_rows
from ipam.cli.resource_kinds import Resource
from ipam.cli.terminal import say, say_over
from ipam.compute.audit import DEFAULT_GRACE_SECONDS, confirmed, find
from ipam.compute.facts import Listing
from ipam.compute.findings import Finding, Kind
from ipam.compute.reclaiming import drastic
from ipam.errors import IpamError

if TYPE_CHECKING:
    from ipam.compute.auditor import Auditor

DEFAULT_PAUSE_SECONDS = 10

FINDING = Resource(
    "finding",
    "findings",
    "",
    (
        Column("Kind", "kind"),
        Column("Port", "port_id"),
        Column("Server", "server_id"),
        Column("Addresses", "addresses"),
        Column("Age", "age_seconds"),
        Column("Action", "action"),
        Column("Evidence", "evidence"),
    ),
    (
        Column("Project", "project_id"),
        Column("Network", "network"),
        Column("MAC Address", "mac_address"),
        Column("Proposal", "proposal"),
    ),
)
RESULT = Column("Result", "result")


@click.group()
def compute() -> None:
    """Nova: its servers, compared with the ports that they have."""


@compute.command(
    epilog=examples(
        "ipam --os-cloud lab compute audit",
        "ipam compute audit --kind orphan --long -f yaml",
        "ipam compute audit --reclaim --grace 3600",
        "sudo ipam compute audit --config-file /etc/ipam/ipam.conf",
    )
)
@click.option(
    "--reclaim",
    is_flag=True,
    help="Delete or unbind the ports whose server is gone. Without it nothing is changed.",
)
@click.option(
    "--grace",
    "grace_seconds",
    type=click.FloatRange(min=0),
    default=DEFAULT_GRACE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long a port must be unchanged before it counts as an orphan.",
)
@click.option(
    "--pause",
    "pause_seconds",
    type=click.FloatRange(min=0),
    default=DEFAULT_PAUSE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="The pause between the two looks that have to agree.",
)
@click.option(
    "--allow-drastic",
    is_flag=True,
    help="Reclaim even if Nova lists no server, or more than half of the ports look orphaned.",
)
@click.option(
    "--kind",
    type=click.Choice([str(kind) for kind in Kind]),
    help="Only findings of this kind.",
)
@project_option
@config_file_option
@format_options
@click.option("--long", "long_list", is_flag=True, help="More columns.")
def audit(
    *,
    reclaim: bool,
    grace_seconds: float,
    pause_seconds: float,
    allow_drastic: bool,
    kind: str | None,
    project_id: str | None,
    config_files: Sequence[str],
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
) -> None:
    """Compare ports with Nova's servers: what contradicts, why, and what to do about it.

    orphan: a port whose server is gone. stranger: an interface in Nova of which the server has no
    port. wrong host: a port that is bound to another host than the server's. other address: Nova's
    cache has other addresses than the port.

    A finding is shown only if two looks agree. --reclaim deletes the orphans that Nova made for
    their servers. It unbinds those that Nova was given, which keep their addresses.

    Signs in at an OpenStack cloud as an admin. With --config-file it signs in at Nova as [nova]
    says, and uses the API's socket.
    """
    usual = FINDING.every_column if long_list else FINDING.columns
    of_reclaiming = (RESULT,) if reclaim else ()
    columns = output.select(usual + of_reclaiming, FINDING.every_column + of_reclaiming, wanted)
    client, nova = connect_with_nova(config_files)
    # httpx, not needed for help, and optional packages, which signing in has found
    from ipam.compute.auditor import Auditor  # noqa: PLC0415
    from ipam.compute.servers import Servers  # noqa: PLC0415

    auditor = Auditor(client, Servers(nova))
    listing, findings = _two_looks(auditor, grace_seconds, pause_seconds)
    asked = [
        each
        for each in findings
        if kind in (None, each.kind) and project_id in (None, each.project_id)
    ]
    _brake(listing, reclaim=reclaim, allow_drastic=allow_drastic)
    decided = auditor.decided(asked)
    results, failed = _reclaim(auditor, decided) if reclaim else ([""] * len(decided), False)
    rows = [_row(each, result) for each, result in zip(decided, results, strict=True)]
    _say_how_it_is(listing, findings, rows)
    if rows or output_format != "table":
        print_rows(FINDING, columns, rows, output_format)
    if failed:
        raise click.exceptions.Exit(1)


def _two_looks(
    auditor: "Auditor", grace_seconds: float, pause_seconds: float
) -> tuple[Listing, list[Finding]]:
    """The second look, and the findings of both looks."""
    first = find(_look(auditor, 1), grace_seconds=grace_seconds)
    time.sleep(pause_seconds)
    listing = _look(auditor, 2)
    second = find(listing, grace_seconds=grace_seconds)
    return listing, confirmed(first, second)


def _look(auditor: "Auditor", number: int) -> Listing:
    progress = Progress(number)
    listing = auditor.look(progress.show)
    progress.end(listing)
    return listing


def _brake(listing: Listing, *, reclaim: bool, allow_drastic: bool) -> None:
    """Refuse to reclaim after a look that suggests a broken Nova. A dry run only warns."""
    why = drastic(listing)
    if not why or allow_drastic:
        return
    if reclaim:
        raise click.ClickException(
            f"{why} Nothing was reclaimed. If it is so, add --allow-drastic; look first, without"
            " --reclaim."
        )
    say(f"{why} --reclaim would need --allow-drastic.", err=True)


def _reclaim(auditor: "Auditor", findings: Sequence[Finding]) -> tuple[list[str], bool]:
    """What was done about each finding, and whether any action failed."""
    results, failed = [], False
    for finding in findings:
        try:
            results.append(auditor.reclaim(finding))
        except IpamError as error:
            report(f"Port {finding.port and finding.port.id}: {with_next_step(error)}")
            results.append(f"failed: {error}")
            failed = True
    return results, failed


def _row(finding: Finding, result: str) -> Mapping[str, Any]:
    return {
        "kind": str(finding.kind),
        "port_id": finding.port and finding.port.id,
        "server_id": finding.server_id,
        "project_id": finding.project_id,
        "network": finding.network,
        "addresses": list(finding.addresses),
        "mac_address": finding.mac_address,
        "age_seconds": finding.age_seconds,
        "action": str(finding.action),
        "evidence": finding.evidence,
        "proposal": finding.proposal,
        "result": result,
    }


def _say_how_it_is(
    listing: Listing, findings: Sequence[Finding], rows: Sequence[Mapping[str, Any]]
) -> None:
    numbers = f"ports of servers: {listing.servers_ports}, servers: {len(listing.servers)}"
    if not findings:
        say(f"Ports and servers agree; {numbers}.", err=True)
    elif not rows:
        say(f"No such findings among {len(findings)}; {numbers}.", err=True)


class Progress:
    """A line on standard error for each look. On a terminal it is rewritten meanwhile."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._terminal = sys.stderr.isatty()

    def show(self, ports: int, servers: int) -> None:
        """Show how many were read so far."""
        if self._terminal:
            say_over(f"{self._text(ports, servers)} …")

    def end(self, listing: Listing) -> None:
        """Show how many were read in all."""
        text = self._text(len(listing.ports), len(listing.servers))
        if self._terminal:
            say_over(f"{text}. ", end="\n")
        else:
            say(f"{text}.", err=True)

    def _text(self, ports: int, servers: int) -> str:
        return f"Look {self._number} of 2: {ports} ports, {servers} servers"
