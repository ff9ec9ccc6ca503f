"""`ipam audit …`: who changed what, and who was refused."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.configured import load_settings
from ipam.cli.connection import connect
from ipam.cli.instants import Instant
from ipam.cli.options import config_file_option, examples, format_options, given, list_options
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import AUDIT_EVENT
from ipam.cli.terminal import say
from ipam.model import is_uuid

DEFAULT_LIMIT = 100
_KEYSTONE_ID = re.compile("[0-9a-f]{32}|[0-9a-f]{64}")
"""Keystone makes the longer one for users of a directory."""


@click.group()
def audit() -> None:
    """The audit log: who changed what, and who was refused."""


@audit.command(
    "list",
    epilog=examples(
        "ipam audit list --since 2h",
        "ipam audit list --on web --actor alice",
        "ipam audit list --refused --since 2026-11-22T08:00 --until 2026-11-22T09:00 -f csv",
        "ipam audit list --request req-6e0b4d0c-4f0e-4a53-8d7a-3d1d0c0b6a55 --long",
    ),
)
@click.option(
    "--since",
    type=Instant(),
    metavar="WHEN",
    help="From this time on: 2h (ago), yesterday 10:00, or an ISO time.",
)
@click.option("--until", type=Instant(), metavar="WHEN", help="Before this time.")
@click.option(
    "--actor", metavar="USER", help="Only what this user did: its name then, or its Keystone id."
)
@click.option(
    "--on", "on", metavar="OBJECT", help="Only changes of this object: its id, or its name then."
)
@click.option("--request", "request_id", metavar="ID", help="Only what this request did.")
@click.option("--operation", metavar="NAME", help="Only such changes: update_port.")
@click.option("--project", "project_id", metavar="PROJECT", help="Only objects of this project.")
@click.option("--refused/--succeeded", default=None, help="Only what was refused, or was not.")
@list_options
def list_events(
    *,
    since: datetime | None,
    until: datetime | None,
    actor: str | None,
    on: str | None,
    refused: bool | None,
    limit: int | None,
    **options: Any,
) -> None:
    """List changes, the newest first: the last 100, or as many as --limit says."""
    names = ("request_id", "operation", "project_id")
    plain = {name: options.pop(name) for name in names}
    filters = given(
        since=since and since.isoformat(),
        until=until and until.isoformat(),
        refused=None if refused is None else str(refused).lower(),
        **plain,
    )
    if actor:
        filters["user_id" if _KEYSTONE_ID.fullmatch(actor) else "user_name"] = actor
    if on:
        filters["object_id" if is_uuid(on) else "object_name"] = on
    show_list(connect(), AUDIT_EVENT, filters, limit=limit or DEFAULT_LIMIT, **options)


@audit.command(epilog=examples("ipam audit verify --config-file /etc/ipam/ipam.conf"))
@config_file_option
def verify(config_files: Sequence[str]) -> None:
    """Say which events were altered, removed or inserted after they were sealed.

    Events older than [audit] retention_days may be gone.

    Run it where the database's URL and [audit] chain_key_file are in the settings. The status is 1
    if anything is not as it was sealed. An event is sealed minutes after it happened, at most an
    hour. Keep the last digest elsewhere: who has the key, or deletes the newest seals with their
    events, is found by nothing else.
    """
    from ipam.store.audit import seals  # noqa: PLC0415  # SQLAlchemy, for this alone
    from ipam.store.audit.key import read_key  # noqa: PLC0415  # as above
    from ipam.store.engine.database import Database  # noqa: PLC0415  # as above

    settings = load_settings(config_files)
    if settings.audit.chain_key_file is None:
        raise click.ClickException("[audit] chain_key_file is empty: no event is sealed.")
    key = read_key(settings.audit.chain_key_file)
    database = Database(settings.database.connection, pool_size=1)
    count, faults, newest = 0, 0, ""
    for each in seals.verify(database, key, retention_days=settings.audit.retention_days):
        count += 1
        faults += len(each.faults)
        newest = f" The newest is {each.number}: {each.digest}"
        for fault in each.faults:
            say(fault)
    database.dispose()
    if faults:
        raise click.ClickException(f"{faults} faults in {count} seals.")
    say(f"{count} seals, and every event as it was sealed.{newest}", err=True)


@audit.command(epilog=examples("ipam audit show 01a22504-5e1c-77c6-b8be-a69b71ea57bf -f yaml"))
@click.argument("event_id", metavar="EVENT")
@format_options
def show(event_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one event, by its id: who, from where, and each value before and after."""
    found = lookup.find(connect(), AUDIT_EVENT, event_id)
    show_record(found, output_format=output_format, wanted=wanted)
