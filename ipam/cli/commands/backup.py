"""`ipam backup` and `ipam restore`: the whole database as one file."""

import contextlib
import getpass
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ipam import files
from ipam.cli.commands.db import opened_database
from ipam.cli.commands.processes import version_text
from ipam.cli.configured import load_settings
from ipam.cli.options import config_file_option, examples
from ipam.cli.output import counted
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.store.backup.restoring import Content

SECRETS = (
    "It has no password and no token, but MAC addresses, host names and who changed what: keep it"
    " as private as the database. Settings, users and keys are files of their own: copy them, too."
)


@click.command(
    epilog=examples(
        "ipam backup --to /var/backups/ipam-monday.backup",
        "ipam backup --to - | ssh backup@vault 'cat > ipam.backup'",
    )
)
@click.option(
    "--to", "target", required=True, metavar="FILE", help="The file; - for standard output."
)
@config_file_option
def backup(target: str, config_files: Sequence[str]) -> None:
    """Write all that the database has, as it is at one moment, while the service runs.

    FILE appears when it is whole, with the mode 0600, in the place of an older one. It can be
    restored into each of the databases: SQLite, PostgreSQL and MariaDB.
    """
    if target == "-" and sys.stdout.isatty():
        raise click.UsageError("A terminal is no place for a backup: give --to FILE, or a pipe.")
    from ipam.store.backup import snapshot  # noqa: PLC0415  # SQLAlchemy, for this alone

    settings = load_settings(config_files)
    with opened_database(settings) as database, _target(target) as file:
        rows = snapshot.count_rows(database)
        with _progress(rows, "Backing up") as progress:
            end = snapshot.write_backup(database, file, version_text(), progress)
    say(f"{_rows(end.counts)}. {SECRETS}", err=True)


@click.command(
    epilog=examples(
        "ipam restore /var/backups/ipam-monday.backup --check",
        "ipam restore /var/backups/ipam-monday.backup --replace",
        "ssh backup@vault 'cat ipam.backup' | ipam restore -",
    )
)
@click.argument("source", metavar="FILE")
@click.option("--check", is_flag=True, help="Only read FILE, and say what it has.")
@click.option("--replace", is_flag=True, help="Delete what the database has.")
@config_file_option
def restore(source: str, *, check: bool, replace: bool, config_files: Sequence[str]) -> None:
    """Restore the database from a backup: all of it, or nothing. FILE is - for standard input.

    Stop the API and the worker on all hosts first, but no agent; `ipam up` runs on. Afterwards
    the service is recovering: nothing can be changed until the agents have told which addresses
    their machines hold, which mostly takes half a minute. `ipam recover status` shows how far.
    """
    from ipam.store.backup import restoring  # noqa: PLC0415  # SQLAlchemy, for this alone

    settings = load_settings(config_files)
    name = "Standard input" if source == "-" else source
    with _source(source) as opened:
        with opened() as file:
            content = restoring.check_file(file, name)
        say(_told(content), err=True)
        if check:
            return
        with (
            opened_database(settings) as database,
            _progress(sum(content.counts.values()), "Restoring") as progress,
        ):
            restoring.restore(
                database,
                opened,
                name,
                replace=replace,
                cooling_seconds=max(
                    settings.network.address_cooldown_seconds,
                    settings.network.dhcp_lease_duration,
                ),
                restorer=getpass.getuser(),
                progress=progress,
            )
    say(
        "Restored. Start the API and the worker if they do not run. The service is recovering"
        " until the agents have told what they hold: `ipam recover status`.",
        err=True,
    )


@contextlib.contextmanager
def _target(target: str) -> Iterator[BinaryIO]:
    if target == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    if path.is_dir():
        raise click.UsageError(f"{target} is a directory: name a file in it with --to.")
    if not path.parent.is_dir():
        raise click.UsageError(f"There is no directory {path.parent} for --to {path.name}.")
    with files.replacing(path, durable=True) as file:
        yield file


@contextlib.contextmanager
def _source(source: str) -> Iterator[Callable[[], BinaryIO]]:
    """A function that opens the file, each time from its start."""
    with contextlib.ExitStack() as closing:
        path = Path(source)
        if source == "-":
            kept = closing.enter_context(tempfile.NamedTemporaryFile())  # its mode is 0600
            shutil.copyfileobj(sys.stdin.buffer, kept)
            kept.flush()
            path = Path(kept.name)

        def opened() -> BinaryIO:
            return path.open("rb")

        yield opened


@contextlib.contextmanager
def _progress(rows: int, label: str) -> Iterator[Callable[[int], object]]:
    with click.progressbar(
        length=rows, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield bar.update


def _told(content: "Content") -> str:
    from ipam.model import iso_time  # noqa: PLC0415  # with the rest of this command's imports

    header = content.header
    return (
        f"A backup of {iso_time(header.made_at)} from {header.database}, schema {header.schema}:"
        f" {_rows(content.counts)}."
    )


def _rows(counts: Mapping[str, int]) -> str:
    kinds = ("network", "subnet", "port", "lease")
    shown = [counted(counts.get(name, 0), name) for name in kinds]
    return f"{', '.join(shown)}; {counted(sum(counts.values()), 'row')} in all"
