"""Nova, Placement and Glance from PyPI, each release in a virtual environment of its own.

Each environment has a template: a data directory of MariaDB with the tables of Nova and Placement,
and Glance's SQLite file. Making these takes longer than starting everything.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.servers.environments import Environment
from tests.servers.mariadb_server import MariadbServer
from tests.servers.openstack import config_files
from tests.servers.openstack.config_files import Ports

NO_PORT: Final = 1
"""For what is made without its service running."""

CELL_URL: Final = "{scheme}://{username}:{password}@{hostname}:{port}/"
"""Nova fills in what its own settings say, so a cell does not remember ports."""


DATABASES: Final = ("nova_api", "nova_cell0", "nova_cell1", "placement", "ipam")


class Release:
    """A release of Nova with its environment and its template; Placement and Glance are 34's."""

    def __init__(self, number: int) -> None:
        """With requirements here: 26, 29, 32, 33 and 34."""
        self.number = number
        self.environment = Environment(
            f"nova{number}", f"nova{number}-requirements.txt", finish=self._make_template
        )
        self.template = self.environment.folder / "template"
        self.has_wsgi_module = number >= 32
        self.patches_threads = number < 33
        self.keeps_node_ids = number >= 27  # and refuses to start with another
        self.stops_evacuated = number >= 27  # by microversion 2.95
        self.unbinds_shelved = number >= 27

    def program(self, name: str) -> str:
        return f"{self.environment.programs}/{name}"

    def etc(self, name: str) -> Path:
        """A file that the packages bring, as nova/api-paste.ini."""
        return self.environment.programs.parent / "etc" / name

    def run(self, program: str, config: Path, *words: str) -> None:
        """One of the release's own tools, to its end."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        command = [self.program(program), "--config-file", str(config), *words]
        done = subprocess.run(
            command, env=kept, capture_output=True, text=True, check=False, cwd="/"
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr[-3000:]}")

    def _make_template(self) -> None:
        shutil.rmtree(self.template, ignore_errors=True)
        for part in ("glance", "log"):
            (self.template / part).mkdir(parents=True)
        server = NovaDatabase()
        server.launch()
        try:
            for name in DATABASES:
                server.create_database(name)
            ports = Ports(
                **dict.fromkeys(Ports.CHOSEN, NO_PORT), keystone=NO_PORT, nova_db=server.port
            )
            self._create_nova_tables(ports)
            self._create_other_tables(ports)
            server.stop()
            shutil.copytree(server.directory / "data", self.template / "mariadb")
        finally:
            server.remove()

    def _create_nova_tables(self, ports: Ports) -> None:
        """Nova's databases with one cell, in the order that works."""
        config = self.template / "nova.conf"
        paste = self.etc("nova/api-paste.ini")
        _write(config, config_files.nova(self.template, ports, "template", paste))
        self.run("nova-manage", config, "api_db", "sync")
        cell0 = ["--database_connection", f"{CELL_URL}nova_cell0"]
        self.run("nova-manage", config, "cell_v2", "map_cell0", *cell0)
        self.run("nova-manage", config, "db", "sync")
        cell1 = ["--transport-url", CELL_URL, "--database_connection", f"{CELL_URL}nova_cell1"]
        self.run("nova-manage", config, "cell_v2", "create_cell", "--name", "cell1", *cell1)

    def _create_other_tables(self, ports: Ports) -> None:
        if self.number != NOVA34.number:
            NOVA34.environment.prepare()
        config = self.template / "placement.conf"
        _write(config, config_files.placement(self.template, ports))
        NOVA34.run("placement-manage", config, "db", "sync")
        config = self.template / "glance.conf"
        paste = NOVA34.etc("glance/glance-api-paste.ini")
        _write(config, config_files.glance(self.template, ports, paste))
        NOVA34.run("glance-manage", config, "db_sync")


class NovaDatabase(MariadbServer):
    """A MariaDB that starts with Nova's tables in it."""

    def __init__(self, template: Path | None = None) -> None:
        super().__init__()
        self._template = template

    def _initialise(self, data: Path) -> None:
        if self._template is None:
            super()._initialise(data)
            return
        self._write_users()
        shutil.copytree(self._template, data)
        if os.geteuid() == 0:
            for path in (data, *data.rglob("*")):
                shutil.chown(path, self.user)


def _write(path: Path, sections: config_files.Sections) -> None:
    path.write_text(config_files.ini(sections))


NOVA34: Final = Release(34)
NOVA33: Final = Release(33)
