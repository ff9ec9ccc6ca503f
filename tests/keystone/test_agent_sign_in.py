"""An agent on another host signs in with Keystone, and again when its token is refused."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam import settings as ipam_settings
from ipam.api.app import create_app
from ipam.api.serving.server import Server
from ipam.client import Client
from ipam.errors import PolicyNotAuthorized, ServiceUnavailable, Unauthorized
from ipam.keystone_session import agent_auth
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.keystone.conftest import People

AGENT = """\
[agent_keystone]
auth_type = password
auth_url = {url}
username = {user}
password = {password}
user_domain_name = Default
project_name = {project}
project_domain_name = Default
"""
REPORT = {"agent": {"host": "far", "started_at": 1, "configurations": {}}}


@pytest.fixture
def api_url(config_file: Path, tmp_path: Path) -> Iterator[str]:
    config_file.write_text(config_file.read_text().replace("[api]\n", "[api]\nbind_port = 0\n"))
    settings = ipam_settings.load([str(config_file)])
    database = Database(f"sqlite:///{tmp_path}/live.sqlite")
    metadata.create_all(database.engine)
    server = Server(create_app(settings, database=database), settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server.url
    server.stop()
    thread.join()
    database.dispose()


def agent_settings(directory: Path, **values: str) -> Settings:
    file = directory / "agent.conf"
    file.write_text(AGENT.format(**values))
    return ipam_settings.load([str(file)])


def test_an_agent_reports_as_a_user_with_the_role_service(
    people: People, api_url: str, tmp_path: Path
) -> None:
    url = people.server.url
    settings = agent_settings(tmp_path, url=url, user="nova", password="pw", project="service")
    auth = agent_auth(settings)
    with Client(url=api_url, auth=auth) as client:
        agent = client.post("/v2.0/agents", json=REPORT)["agent"]
        assert client.get(f"/v2.0/agents/{agent['id']}/dhcp-state")["networks"] == []
        people.directory.revoke(auth._session.get_token())
        auth._session.auth.auth_ref._auth_token = "worth nothing now"
        assert client.get(f"/v2.0/agents/{agent['id']}/dhcp-state")["networks"] == []
    settings = agent_settings(tmp_path, url=url, user="alice", password="pw", project="alpha")
    with (
        Client(url=api_url, auth=agent_auth(settings)) as client,
        pytest.raises(PolicyNotAuthorized),
    ):
        client.post("/v2.0/agents", json=REPORT)


def test_a_user_with_the_role_agent_is_the_agent_of_the_host_in_its_name(
    people: People, api_url: str, tmp_path: Path
) -> None:
    url = people.server.url
    values = {"url": url, "password": "pw", "project": "service"}
    settings = agent_settings(tmp_path, user="agent@far", **values)
    with Client(url=api_url, auth=agent_auth(settings)) as client:
        agent = client.post("/v2.0/agents", json=REPORT)["agent"]
        assert client.get(f"/v2.0/agents/{agent['id']}/dhcp-state")["networks"] == []
        near = {"agent": REPORT["agent"] | {"host": "near"}}
        with pytest.raises(PolicyNotAuthorized, match="is the agent of 'far'"):
            client.post("/v2.0/agents", json=near)
    unnamed = agent_settings(tmp_path, user="far", **values)
    with (
        Client(url=api_url, auth=agent_auth(unnamed)) as client,
        pytest.raises(PolicyNotAuthorized, match="no role"),
    ):
        client.post("/v2.0/agents", json=REPORT)


def test_a_wrong_password_and_a_keystone_that_is_away_are_told_apart(
    people: People, api_url: str, tmp_path: Path
) -> None:
    url = people.server.url
    wrong = agent_settings(tmp_path, url=url, user="nova", password="no", project="service")
    with Client(url=api_url, auth=agent_auth(wrong)) as client, pytest.raises(Unauthorized):
        client.post("/v2.0/agents", json=REPORT)
    url = "http://127.0.0.1:1/v3"
    away = agent_settings(tmp_path, url=url, user="nova", password="pw", project="service")
    with Client(url=api_url, auth=agent_auth(away)) as client, pytest.raises(ServiceUnavailable):
        client.post("/v2.0/agents", json=REPORT)
