"""A private MariaDB."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pymysql

from tests.servers.private_server import PrivateServer, is_listening

SHARE = Path("/usr/share/mysql")
SYSTEM_TABLES = (
    SHARE / "mysql_system_tables.sql",
    SHARE / "mysql_performance_tables.sql",
    SHARE / "mysql_system_tables_data.sql",
)
"""What mariadb-install-db would feed; that script wants a program of the client's package too."""

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])


class MariadbServer(PrivateServer):
    name = "mariadb"
    package = "mariadb-server-core"
    driver = "pymysql"

    @classmethod
    def missing(cls) -> str | None:
        return (
            None
            if _program("mariadbd") and SYSTEM_TABLES[0].exists()
            else f"needs a MariaDB server: apt install {cls.package}"
        )

    def create_database(self, name: str) -> str:
        self._administer(f"CREATE DATABASE `{name}`")
        return f"mysql+{self.driver}://ipam:ipam@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        self._administer(f"DROP DATABASE IF EXISTS `{name}`")

    def _write_users(self) -> None:
        bootstrap = self.directory / "init.sql"
        bootstrap.write_text(
            "CREATE USER IF NOT EXISTS ipam@'%' IDENTIFIED BY 'ipam';\n"
            "GRANT ALL ON *.* TO ipam@'%';\n"
        )
        bootstrap.chmod(0o644)

    def _initialise(self, data: Path) -> None:
        self._write_users()
        system = "".join(path.read_text() for path in SYSTEM_TABLES)
        self.run(["mkdir", str(data)])
        self.run(
            [
                _program("mariadbd"),
                "--no-defaults",
                f"--datadir={data}",
                f"--tmpdir={data}",
                "--bootstrap",
                "--innodb-doublewrite=0",
            ],
            f"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n{system}",
        )

    def _command(self, data: Path) -> list[str]:
        flush = 1 if self.durable else 0
        return [
            *(_program("mariadbd"), "--no-defaults", f"--datadir={data}"),
            f"--tmpdir={data}",  # a server that starts clears the temporary tables of its tmpdir
            *("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve"),
            *(f"--socket={self.directory}/socket", f"--pid-file={self.directory}/pid"),
            *(f"--init-file={self.directory}/init.sql", "--innodb-buffer-pool-size=128M"),
            *(f"--innodb-flush-log-at-trx-commit={flush}", "--max-connections=200"),
            *(() if self.durable else ("--innodb-doublewrite=0",)),
        ]

    def _answers(self) -> bool:
        if not is_listening(self.port):
            return False
        try:
            self._connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _connect(self) -> "pymysql.Connection[Any]":
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="ipam", password="ipam", autocommit=True
        )

    def _administer(self, statement: str) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)


class MariadbByMysqlclient(MariadbServer):
    """The same, with URLs of the driver in C that installations may add."""

    driver = "mysqldb"

    @classmethod
    def missing(cls) -> str | None:
        if find_spec("MySQLdb") is None:
            return (
                "needs the driver mysqlclient: apt install libmariadb-dev, pip install mysqlclient"
            )
        return super().missing()


def _program(name: str) -> str:
    return shutil.which(name, path=PATH) or ""
