"""`ipam import …`: foreign estates, read from files or from another Networking service."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup, output
from ipam.cli.connection import connect
from ipam.cli.instants import Instant
from ipam.cli.options import examples, format_options, list_options
from ipam.cli.output import Column
from ipam.cli.printing import print_columns, show_list, show_record
from ipam.cli.resource_kinds import IMPORT, NETWORK
from ipam.cli.terminal import say, say_lines

if TYPE_CHECKING:
    from datetime import datetime

    from ipam.client import Client
    from ipam.imports.estate import Estate
    from ipam.imports.plan import Plan

FORMATS = ("dnsmasq", "isc", "kea", "libvirt", "incus", "neutron", "nova-network", "netbox",
           "phpipam", "csv")  # fmt: skip
"""As `ipam.imports.reading.FORMATS`, which is imported when it is needed."""


ITEMS_MAX = 5000
"""As the service takes in one request."""


class FromFirst(click.Group):
    """A group in which `import PATH` stands for `import from PATH`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's. A first word that is no command is a path."""
        if args and args[0] not in self.commands and ("/" in args[0] or Path(args[0]).exists()):
            args = ["from", *args]
        return super().resolve_command(ctx, args)


@click.group("import", cls=FromFirst)
def import_() -> None:
    """Bring in what another DHCP server or list has: shown first, made with --yes, undone."""


@import_.command(
    "from",
    epilog=examples(
        "ipam import /etc/dnsmasq.conf /etc/dnsmasq.d /var/lib/misc/dnsmasq.leases",
        "ipam import from kea-dhcp4.conf kea-leases4.csv --network lan --yes",
        "ipam import from --from-os-cloud old-cloud -f json",
    ),
)
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--source-format", "wanted_format", type=click.Choice(FORMATS), help="What the files are."
)
@click.option("--network", metavar="NETWORK", help="Put all into this network, which exists.")
@click.option(
    "--prefix",
    "prefixes",
    multiple=True,
    metavar="CIDR",
    help="A prefix that an interface of the old server has; repeat for more.",
)
@click.option("--vrf", default="", metavar="NAME", help="The VRF to take; the global one if none.")
@click.option(
    "--heading",
    "columns",
    multiple=True,
    metavar="NAME=HEADING",
    help="For CSV: the heading of address, mac, hostname, subnet, status or vrf.",
)
@click.option(
    "--as-of",
    type=Instant(),
    metavar="WHEN",
    help="When the lease files were read: 2h (ago) or an ISO time; now when left out.",
)
@click.option("--from-os-cloud", metavar="NAME", help="Read Neutron of this cloud of clouds.yaml.")
@click.option("--estate", is_flag=True, help="Print only what is understood, as JSON.")
@click.option("--yes", "--apply", "apply", is_flag=True, help="Do it. Without this, only show it.")
@format_options
def import_from(
    paths: Sequence[Path],
    *,
    wanted_format: str | None,
    network: str | None,
    from_os_cloud: str | None,
    estate: bool,
    apply: bool,
    output_format: str,
    wanted: Sequence[str],
    **said: Any,
) -> None:
    """Read files of another DHCP server, show what would be made, and make it with --yes.

    All is made in one transaction, or nothing. `ipam import undo` takes it back.
    """
    if bool(paths) == bool(from_os_cloud):
        raise click.UsageError("Say either PATH... or --from-os-cloud.")
    from ipam.cli.import_files import read_tree  # noqa: PLC0415  # slow

    client = None if estate and not from_os_cloud else connect()
    subnets = client.list("/v2.0/subnets", "subnets") if client else []
    known = [one["cidr"] for one in subnets]
    raw = _of_cloud(from_os_cloud) if from_os_cloud else read_tree(paths)
    found = _understood(raw, wanted_format or "", known=known, **said)
    if estate or client is None:
        _print_estate(found)
        return
    network_id = lookup.find_id(client, NETWORK, network) if network else ""
    made = _planned(client, found, subnets, network_id)
    _print_plan(made, output_format, wanted)
    source = from_os_cloud or ", ".join(map(str, paths))
    if apply and (most := max(len(made.networks), len(made.subnets), len(made.ports))) > ITEMS_MAX:
        raise click.ClickException(
            f"One import makes at most {ITEMS_MAX} things of a kind, and these are {most}: import"
            " file by file, or network by network."
        )
    if apply and not made.is_empty:
        answer = client.post("/v2.0/imports", json={"import": made.body(found.format, source)})
        say(f"Imported. `ipam import undo {answer['import']['id']}` takes it back.", err=True)
    elif apply:
        say("Nothing to import: all of it is here.", err=True)
    else:
        say("Nothing was changed. --yes does it.", err=True)


def _understood(
    raw: dict[str, bytes],
    wanted: str,
    *,
    known: Sequence[str],
    prefixes: Sequence[str],
    vrf: str,
    columns: Sequence[str],
    as_of: "datetime | None",
) -> "Estate":
    from ipam.imports import words  # noqa: PLC0415  # slow
    from ipam.imports.estate import Wishes  # noqa: PLC0415  # slow
    from ipam.imports.files import gathered  # noqa: PLC0415  # slow
    from ipam.imports.reading import read  # noqa: PLC0415  # slow

    for one in prefixes:
        if words.prefix(one) is None:
            raise click.BadParameter(f"'{one}' is no prefix such as 192.0.2.0/24.")
    pairs = dict(one.partition("=")[::2] for one in columns)
    now = int(as_of.timestamp()) if as_of else int(time.time())
    wishes = Wishes(now, [*known, *(str(words.prefix(one)) for one in prefixes)], vrf, pairs)
    return read(gathered(raw), wishes, wanted)


def _planned(client: "Client", found: "Estate", subnets: Sequence[Any], network_id: str) -> "Plan":
    from ipam.imports.plan import Existing, plan  # noqa: PLC0415  # slow

    fields = [("fields", name) for name in ("id", "network_id", "mac_address", "fixed_ips")]
    existing = Existing(
        client.list("/v2.0/networks", "networks", [("fields", "id"), ("fields", "name")]),
        subnets,
        client.list("/v2.0/ports", "ports", fields),
    )
    return plan(found, existing, network_id)


def _of_cloud(name: str) -> dict[str, bytes]:
    import json  # noqa: PLC0415  # for this alone

    from ipam.cli.openstack_cloud import cloud_client  # noqa: PLC0415  # slow

    with cloud_client(name) as cloud:
        found = {
            kind: cloud.list(f"/v2.0/{kind}", kind) for kind in ("networks", "subnets", "ports")
        }
    return {f"{name}.json": json.dumps(found, indent=1).encode()}


def _print_estate(found: "Estate") -> None:
    import json  # noqa: PLC0415  # for this alone

    from ipam.imports import neutral  # noqa: PLC0415  # slow

    say_lines(json.dumps(neutral.of(found), indent=1))


COLUMNS = tuple(
    Column(title, title.lower().replace(" ", "_"))
    for title in ("Source", "Action", "Kind", "Subject", "Reason")
)


def _print_plan(made: "Plan", output_format: str, wanted: Sequence[str]) -> None:
    items = [
        {
            "source": row.source,
            "action": row.action,
            "kind": row.kind,
            "subject": row.subject,
            "reason": row.reason,
        }
        for row in made.rows
    ]
    columns = output.select(COLUMNS, COLUMNS, wanted)
    if items:
        print_columns(columns, items, output_format)
    counts = Counter(row.action for row in made.rows)
    said = ", ".join(f"{count} {action}" for action, count in counts.items()) or "nothing"
    say(f"{said}.", err=True)


@import_.command("list", epilog=examples("ipam import list", "ipam import list -f json"))
@list_options
def list_imports(**listing: Any) -> None:
    """List imports, the newest first."""
    show_list(connect(), IMPORT, {}, **listing)


@import_.command(epilog=examples("ipam import show 3f2d3f4e-8c5d-4a0e-9f3b-000000000000"))
@click.argument("import_id", metavar="ID")
@click.option("--report", is_flag=True, help="Print what became of each line that was read.")
@format_options
def show(import_id: str, *, report: bool, output_format: str, wanted: Sequence[str]) -> None:
    """Show one import, or its report."""
    client = connect()
    found = lookup.find(client, IMPORT, import_id)
    if report:
        lines = client.get(f"{IMPORT.path}/{found['id']}/report")["report"]
        say_lines("\n".join(lines))
    else:
        show_record(found, output_format=output_format, wanted=wanted)


@import_.command(epilog=examples("ipam import undo 3f2d3f4e-8c5d-4a0e-9f3b-000000000000"))
@click.argument("import_id", metavar="ID")
def undo(import_id: str) -> None:
    """Delete what an import made and nobody changed or uses since. Ends with 1 if some stays."""
    client = connect()
    found = lookup.find(client, IMPORT, import_id)
    undone = client.put(f"{IMPORT.path}/{found['id']}/undo")["undone"]
    for one in undone["kept"]:
        say(f"{one['kind']} {one['id']} stays: {one['reason']}", err=True)
    say(f"{undone['removed']} deleted, {len(undone['kept'])} kept.", err=True)
    if undone["kept"]:
        raise click.exceptions.Exit(1)
