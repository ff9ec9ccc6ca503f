"""`ipam db …`: the database's schema. Only these commands access the database directly."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ipam.cli.configured import load_settings
from ipam.cli.options import config_file_option, examples
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.settings import Settings
    from ipam.store.engine.database import Database


@click.group()
def db() -> None:
    """The database's schema. Run these on a machine with the database's URL in its settings."""


@db.command(
    epilog=examples("ipam db upgrade", "ipam db upgrade --config-file /etc/ipam/ipam.conf")
)
@click.argument("revision", default="head")
@config_file_option
def upgrade(revision: str, config_files: Sequence[str]) -> None:
    """Bring the schema to the newest REVISION, or to the one named. Safe to repeat."""
    from ipam.store import schema  # noqa: PLC0415  # SQLAlchemy and Alembic, for this alone

    with _database(config_files) as database:
        before = schema.current(database)
        schema.upgrade(database, revision)
        say(_change(before, schema.current(database)), err=True)


@db.command(epilog=examples("ipam db downgrade 0001", "ipam db downgrade base --yes"))
@click.argument("revision")
@click.option(
    "--yes", is_flag=True, help="Do not ask. Data that the older schema has no place for is lost."
)
@config_file_option
def downgrade(revision: str, yes: bool, config_files: Sequence[str]) -> None:
    """Bring the schema back to REVISION. `base` drops every table and all data."""
    from ipam.store import schema  # noqa: PLC0415  # SQLAlchemy and Alembic, for this alone

    if not yes:
        click.confirm(
            f"Go back to {revision}, and lose what it has no place for?", abort=True, err=True
        )
    with _database(config_files) as database:
        before = schema.current(database)
        schema.downgrade(database, revision)
        say(_change(before, schema.current(database)), err=True)


@db.command(epilog=examples("ipam db current"))
@config_file_option
def current(config_files: Sequence[str]) -> None:
    """Print the schema's revision, `none` for a database without one."""
    from ipam.store import schema  # noqa: PLC0415  # SQLAlchemy and Alembic, for this alone

    with _database(config_files) as database:
        say(schema.current(database) or "none")


@db.command(epilog=examples("ipam db check && systemctl start ipam-api"))
@config_file_option
def check(config_files: Sequence[str]) -> None:
    """Say whether the schema is the one this version needs. The status is 1 if it is not."""
    from ipam.store import schema  # noqa: PLC0415  # SQLAlchemy and Alembic, for this alone

    with _database(config_files) as database:
        if not schema.is_current(database):
            raise click.ClickException(
                f"The schema is at {schema.current(database) or 'none'}, this version wants"
                f" {schema.HEAD}: `ipam db upgrade`."
            )
        if differences := schema.check(database):
            raise click.ClickException(
                "\n".join(["The schema was changed by hand:", *differences])
            )
    say("The schema is current.", err=True)


@contextlib.contextmanager
def _database(config_files: Sequence[str]) -> "Iterator[Database]":
    with opened_database(load_settings(config_files)) as database:
        yield database


@contextlib.contextmanager
def opened_database(settings: "Settings") -> "Iterator[Database]":
    """The database of the settings. What its driver refuses is told with the URL."""
    from ipam.store.engine.database import Database  # noqa: PLC0415  # SQLAlchemy, for this alone

    database = Database(settings.database.connection, pool_size=1, max_attempts=2)
    try:
        yield database
    except Exception as error:
        # An admin needs the driver's message. SQLAlchemy's classes stay in the store.
        reason = getattr(error, "orig", None)
        if reason is None:
            raise
        url = database.url.render_as_string(hide_password=True)
        raise click.ClickException(f"The database {url} refused: {reason}") from error
    finally:
        database.dispose()


def _change(before: str | None, after: str | None) -> str:
    if before == after:
        return f"The schema is at {after or 'none'} already."
    return f"The schema went from {before or 'none'} to {after or 'none'}."
