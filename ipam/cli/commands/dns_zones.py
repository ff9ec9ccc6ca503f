"""`ipam dns zones`, `dns sync` and `dns retry`: zones elsewhere in which ports have records."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam import clock, extras
from ipam.cli import output
from ipam.cli.commands.db import opened_database
from ipam.cli.configured import load_settings
from ipam.cli.options import config_file_option, examples, format_options
from ipam.cli.output import Column
from ipam.cli.printing import print_columns
from ipam.cli.terminal import say
from ipam.errors import NotFound

if TYPE_CHECKING:
    from ipam.rules.dns_records import Differences, Records
    from ipam.settings import Settings
    from ipam.settings.dns import PrimaryServer

ZONE_COLUMNS = (
    Column("Zone", "zone"),
    Column("Server", "server"),
    Column("Waiting", "waiting"),
    Column("Failed", "failed"),
    Column("Oldest", "oldest"),
    Column("Error", "error"),
)
DIFFERENCE_COLUMNS = (
    Column("Name", "name"),
    Column("Difference", "difference"),
    Column("Should Be", "wanted"),
)


@click.command(epilog=examples("ipam dns zones", "sudo ipam dns zones -c Zone -c Error -f json"))
@config_file_option
@format_options
def zones(config_files: Sequence[str], output_format: str, wanted: Sequence[str]) -> None:
    """List the zones elsewhere, and what their servers have not taken yet.

    Run it where the database's URL is in the settings, as `ipam db`.
    """
    settings = load_settings(config_files)
    from ipam.store import dns_changes  # noqa: PLC0415  # SQLAlchemy

    with opened_database(settings) as database:
        waiting = {one.zone: one for one in database.read(dns_changes.waiting)}
    rows = []
    for server in settings.dns.zones:
        one = waiting.get(server.zone.name)
        age = (clock.now_microseconds() - one.oldest_at_us) // 1_000_000 if one else None
        rows.append(
            {
                "zone": server.zone.name,
                "server": server.called,
                "waiting": one.names if one else 0,
                "failed": one.failed if one else 0,
                "oldest": None if age is None else f"{max(age, 0)} s",
                "error": one.last_error if one else "",
            }
        )
    columns = output.select(ZONE_COLUMNS, ZONE_COLUMNS, wanted)
    print_columns(columns, rows, output_format, none="No zones: [dns] zones is not set.")


@click.command(
    epilog=examples("ipam dns sync lab.example --dry-run", "ipam dns sync 2.0.192.in-addr.arpa")
)
@click.argument("zone", metavar="ZONE")
@click.option("--dry-run", is_flag=True, help="Show the differences and change nothing.")
@click.option(
    "--allow-drastic",
    is_flag=True,
    help="Remove also more than half of the names that ipam made in the zone.",
)
@config_file_option
@format_options
def sync(
    *,
    zone: str,
    dry_run: bool,
    allow_drastic: bool,
    config_files: Sequence[str],
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Compare a zone with the ports, by a transfer, and let the worker put it right.

    missing: a port's name is not there. other: its records are not the port's. left over: ipam
    made the name, and no port has it. foreign: somebody else has the name, which stays as it is.

    Run it where the database's URL is in the settings, as `ipam db`.
    """
    settings = load_settings(config_files)
    server = _server(settings, zone)
    with extras.needed_for("`ipam dns sync`"):
        from ipam.zones.name_server import name_server  # noqa: PLC0415  # an optional package
    from ipam.store import dns_changes  # noqa: PLC0415  # SQLAlchemy
    from ipam.zones.comparing import drastic, look  # noqa: PLC0415  # as above
    from ipam.zones.wanted import Wanted  # noqa: PLC0415  # as above

    of_zones = Wanted(settings.dns.known, settings.network.dns_domain)
    with opened_database(settings) as database, name_server(server, settings.dns) as opened:
        found = look(database, opened, of_zones)
        if found.is_drastic and not (dry_run or allow_drastic):
            raise click.ClickException(drastic(server.zone, found))
        places = {(server.zone.name, name) for name in found.to_repair}
        if not dry_run:
            database.write(lambda tx: dns_changes.put(tx, places))
            _wake_worker(settings)
    rows = sorted(_differences(found), key=lambda row: str(row["name"]))
    columns = output.select(DIFFERENCE_COLUMNS, DIFFERENCE_COLUMNS, wanted)
    print_columns(columns, rows, output_format)
    say(_summary(server, found, dry_run=dry_run), err=True)


@click.command(epilog=examples("ipam dns retry", "ipam dns retry lab.example"))
@click.argument("zone", metavar="[ZONE]", required=False)
@config_file_option
def retry(zone: str | None, config_files: Sequence[str]) -> None:
    """Let the worker try again at once what a zone's server has not taken; without ZONE, of all.

    Run it where the database's URL is in the settings, as `ipam db`.
    """
    settings = load_settings(config_files)
    servers = [_server(settings, zone)] if zone else settings.dns.zones
    from ipam.store import dns_changes  # noqa: PLC0415  # SQLAlchemy

    names = [server.zone.name for server in servers]
    with opened_database(settings) as database:
        count = database.write(lambda tx: dns_changes.retry(tx, names))
    _wake_worker(settings)
    say(f"Names to be tried again: {count}.", err=True)


def _server(settings: "Settings", zone: str) -> "PrimaryServer":
    wanted = zone.lower().removesuffix(".")
    for server in settings.dns.zones:
        if server.zone.name == wanted:
            return server
    known = ", ".join(server.zone.name for server in settings.dns.zones) or "none"
    raise NotFound(f"[dns] zones has no zone '{zone}'. It has: {known}.")


def _wake_worker(settings: "Settings") -> None:
    from ipam.protocol.wake import DNS_WORKER_SOCKET, Waker  # noqa: PLC0415  # msgspec

    Waker(str(settings.run_path / DNS_WORKER_SOCKET)).wake()


def _differences(found: "Differences") -> Iterator[dict[str, Any]]:
    for word, names in (
        ("missing", found.missing),
        ("other", found.changed),
        ("foreign", found.foreign),
    ):
        for name, wanted in names.items():
            yield {"name": name, "difference": word, "wanted": _text(wanted)}
    for name in found.left:
        yield {"name": name, "difference": "left over", "wanted": ""}


def _text(records: "Records") -> str:
    return ", ".join(f"{kind} {value}" for kind, value in sorted(records))


def _summary(server: "PrimaryServer", found: "Differences", *, dry_run: bool) -> str:
    name, count = server.zone.name, len(found.to_repair)
    if not count:
        return f"{name} has every name that ipam can give it; {found.owned} are there."
    if dry_run:
        return f"Names of {name} that would be put right: {count}."
    return f"Names of {name} that the worker puts right: {count}."
