"""`ipam audit …`: who changed what, and who was refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.instants import Instant
from ipam.cli.options import examples, format_options, given, list_options
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import AUDIT_EVENT
from ipam.model import is_uuid

DEFAULT_LIMIT = 100


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
    help="From this time on: 2h (ago), 7d, or an ISO time.",
)
@click.option("--until", type=Instant(), metavar="WHEN", help="Before this time.")
@click.option("--actor", "user_id", metavar="USER", help="Only what this user did.")
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
    on: str | None,
    refused: bool | None,
    limit: int | None,
    **options: Any,
) -> None:
    """List changes, the newest first: the last 100, or as many as --limit says."""
    names = ("user_id", "request_id", "operation", "project_id")
    plain = {name: options.pop(name) for name in names}
    filters = given(
        since=since and since.isoformat(),
        until=until and until.isoformat(),
        refused=None if refused is None else str(refused).lower(),
        **plain,
    )
    if on:
        filters["object_id" if is_uuid(on) else "object_name"] = on
    show_list(connect(), AUDIT_EVENT, filters, limit=limit or DEFAULT_LIMIT, **options)


@audit.command(epilog=examples("ipam audit show 01a22504-5e1c-77c6-b8be-a69b71ea57bf -f yaml"))
@click.argument("event_id", metavar="EVENT")
@format_options
def show(event_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one event, by its id: who, from where, and each value before and after."""
    found = lookup.find(connect(), AUDIT_EVENT, event_id)
    show_record(found, output_format=output_format, wanted=wanted)
