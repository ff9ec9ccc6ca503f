"""The schema's version: upgrades, downgrades and checks a database.

Alembic is imported inside functions, so that a service can call `is_current` without its cost.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database
from ipam.store.engine.engines import IMMEDIATE
from ipam.store.engine.retry import is_disconnect

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0033"
"""The newest revision in `migrations/versions`."""

LOCK_SECONDS: Final = 60


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to the newest revision, or to the one named, if it is older."""
    from alembic import command  # noqa: PLC0415  # slow import

    with _config(database) as config:
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    """Bring the schema back to a revision; `base` drops every table and all that is in them."""
    from alembic import command  # noqa: PLC0415  # slow import

    with _config(database) as config:
        command.downgrade(config, revision)


def current(database: Database) -> str | None:
    """The revision of the schema, or None for a database without one."""

    def look(connection: Connection) -> str | None:
        if not sqlalchemy.inspect(connection).has_table("alembic_version"):
            return None
        query = sqlalchemy.text("SELECT version_num FROM alembic_version")
        return connection.execute(query).scalar_one_or_none()

    return database.read(lambda tx: look(tx.connection))


def is_current(database: Database) -> bool:
    """Whether the schema is the one that this program was written for."""
    return current(database) == HEAD


def check(database: Database) -> list[str]:
    """The differences of the schema from `ipam.store.tables`, a line each.

    Empty if there are none.
    """
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  # slow import
    from alembic.migration import MigrationContext  # noqa: PLC0415  # slow import

    from ipam.store.migrations.comparison import same_type  # noqa: PLC0415  # slow import
    from ipam.store.tables import metadata  # noqa: PLC0415  # slow import

    def compare(connection: Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"compare_type": same_type})
        return [repr(difference) for difference in compare_metadata(context, metadata)]

    return database.read(lambda tx: compare(tx.connection))


@contextlib.contextmanager
def _config(database: Database) -> "Iterator[Config]":
    """Alembic's settings around a connection that holds the lock on migrating."""
    from alembic.config import Config  # noqa: PLC0415  # slow import

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    try:
        with database.engine.connect() as connection, _alone(connection):
            config.attributes["connection"] = connection
            yield config
            connection.commit()
    except DBAPIError as error:
        if is_disconnect(error):
            raise DatabaseUnavailable(f"The database does not answer: {error.orig}") from error
        raise


@contextlib.contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold the lock on migrating. Of two hosts that upgrade at once, the second finds it done."""
    number = 0x6970616D
    connection.execution_options(**IMMEDIATE)
    match connection.dialect.name:
        case "postgresql":
            _run(connection, "SELECT pg_advisory_xact_lock(:lock)", lock=number)
            yield
        case "mysql" | "mariadb":
            _run(connection, "SELECT GET_LOCK(:lock, :wait)", lock=str(number), wait=LOCK_SECONDS)
            try:
                yield
            finally:
                _run(connection, "SELECT RELEASE_LOCK(:lock)", lock=str(number))
        case _:
            yield  # BEGIN IMMEDIATE is the lock


def _run(connection: Connection, statement: str, **parameters: Any) -> None:
    connection.execute(sqlalchemy.text(statement), parameters)
