"""Databases for every test: real servers, started on first use and ended with the test run.

`database` (and `database_url`) run a test once per database: with the schema, and no rows. Ask
for `backend` too where a test must know which it is, and for `database_server` to stop it under
a test.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from ipam.store import schema
from ipam.store.engine.database import Database, Transaction
from ipam.store.tables import metadata
from tests.kernel_features import LACKS
from tests.servers.bind_server import BindServer
from tests.servers.knot_server import KnotServer
from tests.servers.mariadb_server import MariadbByMysqlclient, MariadbServer
from tests.servers.postgresql_server import PostgresqlServer
from tests.servers.primary_server import PrimaryServer
from tests.servers.private_server import PrivateServer

# How long an example takes says something of the machine alone.
hypothesis.settings.register_profile(
    "ipam", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("ipam")

P = TypeVar("P", bound=PrimaryServer)
BACKENDS = ("sqlite", "postgresql", "mariadb")
SCHEMES = {
    "sqlite": "sqlite:",
    "postgresql": "postgresql+psycopg:",
    "mariadb": "mysql+pymysql:",
    "mysqlclient": "mysql+mysqldb:",
}


def _serve(server: PrivateServer) -> Iterator[PrivateServer]:
    if reason := server.missing():
        pytest.skip(reason)
    server.launch()
    try:
        yield server
    finally:
        server.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count, by feature, the tests that this machine's kernel cannot run."""
    lacking = Counter(
        str(report.longrepr[2]).partition(LACKS)[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and LACKS in str(report.longrepr[2])
    )
    if lacking:
        terminalreporter.section("this kernel lacks")
        for feature, count in sorted(lacking.items()):
            terminalreporter.line(f"{feature:12} {count} tests skipped")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivateServer]:
    yield from _serve(PostgresqlServer())


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateServer]:
    yield from _serve(MariadbServer())


@pytest.fixture(scope="session")
def mysqlclient() -> Iterator[PrivateServer]:
    """A MariaDB of which URLs name the driver in C."""
    yield from _serve(MariadbByMysqlclient())


@pytest.fixture(scope="session")
def bind() -> Iterator[BindServer]:
    """A name server with zones that take updates."""
    yield from _primary(BindServer)


@pytest.fixture(scope="session", params=[BindServer, KnotServer], ids=["bind", "knot"])
def primary(request: pytest.FixtureRequest) -> Iterator[PrimaryServer]:
    """Each kind of name server with zones that take updates."""
    yield from _primary(request.param)


def _primary(kind: type[P]) -> Iterator[P]:
    if reason := kind.missing():
        pytest.skip(reason)
    server = kind()
    yield server
    server.remove()


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def database_server(backend: str, request: pytest.FixtureRequest) -> PrivateServer | None:
    """The server behind the test's database; None for SQLite."""
    if backend == "sqlite":
        return None
    server: PrivateServer = request.getfixturevalue(backend)
    return server


@pytest.fixture(scope="session")
def migrated_url(
    database_server: PrivateServer | None, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A database with the schema, made once for each kind."""
    url = (
        database_server.fresh_url()
        if database_server
        else f"sqlite:///{tmp_path_factory.mktemp('template')}/ipam.sqlite"
    )
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    return url


@pytest.fixture
def database_url(
    backend: str, database_server: PrivateServer | None, migrated_url: str, tmp_path: Path
) -> Iterator[str]:
    """A database with the schema and no rows."""
    assert migrated_url.startswith(SCHEMES[backend]), "kept from another directory's `backend`"
    if database_server is None:
        copy = tmp_path / "ipam.sqlite"
        shutil.copy(migrated_url.removeprefix("sqlite:///"), copy)
        yield f"sqlite:///{copy}"
        return
    yield migrated_url
    emptied = Database(migrated_url)
    empty(emptied)
    emptied.dispose()


@pytest.fixture
def empty_database_url(
    database_server: PrivateServer | None, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """A function that gives a new database without a schema each time."""
    made: list[str] = []

    def make() -> str:
        if database_server is None:
            made.append(f"sqlite:///{tmp_path}/empty-{len(made)}.sqlite")
        else:
            made.append(database_server.fresh_url())
        return made[-1]

    yield make
    if database_server is not None:
        for url in made:
            database_server.drop_database(url.rpartition("/")[2])


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A Database with the schema and no rows."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


def empty(database: Database) -> None:
    """Delete every row of every table."""

    def delete_all(tx: Transaction) -> None:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())

    database.write(delete_all)
