"""A private PostgreSQL."""

import os
import pwd
import signal
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.private_server import PrivateServer


class PostgresqlServer(PrivateServer):
    name = "postgresql"
    package = "postgresql"
    stop_signal = signal.SIGINT  # "fast": ends sessions, does not wait for them

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__(durable=durable)
        self.user = "postgres" if _exists("postgres") else "nobody"

    @classmethod
    def missing(cls) -> str | None:
        return None if _binaries() else f"needs a PostgreSQL server: apt install {cls.package}"

    def create_database(self, name: str) -> str:
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://ipam@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def _initialise(self, data: Path) -> None:
        self.run(
            [
                *(f"{_binaries()}/initdb", "-D", str(data), "--username=ipam", "--auth=trust"),
                *("--encoding=UTF8", "--locale=C", "--no-sync"),
            ]
        )

    def _command(self, data: Path) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [f"{_binaries()}/postgres", "-D", str(data), *options]

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="ipam", dbname="postgres", autocommit=True
        )

    def _administer(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)


def _binaries() -> Path | None:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: float(path.parts[-3]),
    )
    return found[-1].parent if found and os.access(found[-1], os.X_OK) else None


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
