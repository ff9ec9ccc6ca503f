"""The application behind a real Keystone: two projects, every persona, one service user."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import falcon
import falcon.testing
import pytest

from ipam import settings
from ipam.api.app import create_app
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.servers.keystone_server import Directory, KeystoneServer, api_settings

CONFIG = """\
[DEFAULT]
state_path = {directory}
run_path = {directory}
{keystone}
http_connect_timeout = 5
http_request_max_retries = 0
"""


@dataclass(frozen=True)
class People:
    """A Keystone and those it knows; every password is `pw`."""

    server: KeystoneServer
    directory: Directory

    def token(self, user: str, project: str | None) -> str:
        return self.server.token(user, "pw", project)

    def project_id(self, name: str) -> str:
        return self.directory.projects[name]


@dataclass(frozen=True)
class Door:
    """Calls to the application with a token, and with whatever else a client sends."""

    application: falcon.App[Any, Any]

    def call(
        self,
        token: str | None,
        method: str = "GET",
        path: str = "/networks",
        body: Any = None,
        **headers: str,
    ) -> falcon.testing.Result:
        sent: Mapping[str, str] = {name.replace("_", "-"): text for name, text in headers.items()}
        with_token = {"X-Auth-Token": token, **sent} if token else sent
        client = falcon.testing.TestClient(self.application)
        return client.simulate_request(method, f"/v2.0{path}", json=body, headers=with_token)


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    server = KeystoneServer()
    server.launch()
    try:
        directory = Directory(server)
        directory.user("ada", "pw", "alpha", "admin")
        directory.user("alice", "pw", "alpha", "member")
        directory.user("alice", "pw", "beta", "reader")
        directory.user("rita", "pw", "alpha", "reader")
        directory.user("bob", "pw", "beta", "member")
        directory.user("nova", "pw", "service", "service")
        directory.user("agent@far", "pw", "service", "agent")
        directory.user("far", "pw", "service", "agent")
        directory.user("ipam", "pw", "service", "service")
        # auth_token looks into the catalog before it believes in service_type.
        directory.endpoint("network", "ipam", "http://127.0.0.1:9696")
        yield People(server, directory)
    finally:
        server.remove()


@pytest.fixture
def config_file(people: People, tmp_path: Path) -> Path:
    file = tmp_path / "ipam.conf"
    keystone = api_settings(people.server.url, "pw")
    file.write_text(CONFIG.format(directory=tmp_path, keystone=keystone))
    return file


@contextlib.contextmanager
def door_to(config_file: Path, directory: Path) -> Iterator[Door]:
    """The application with these settings and a database of its own."""
    database = Database(f"sqlite:///{directory}/ipam.sqlite")
    metadata.create_all(database.engine)
    yield Door(create_app(settings.load([str(config_file)]), database=database))
    database.dispose()


@pytest.fixture
def door(config_file: Path, tmp_path: Path) -> Iterator[Door]:
    with door_to(config_file, tmp_path) as made:
        yield made
