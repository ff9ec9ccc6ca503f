import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon
import falcon.testing
import pytest

from ipam.api.about.extensions import EXTENSIONS
from ipam.api.app import create_app
from ipam.errors import Unauthorized
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, READER, SERVICE, Api
from tests.servers.choice import on_servers


def as_caller(settings: Settings, database: Database, caller: Caller) -> Api:
    return Api(create_app(settings, authenticate=lambda _: caller, database=database))


def test_discovery_names_the_version_under_the_url_of_the_request(api: Api) -> None:
    result = api.client.simulate_get("/", headers={"Host": "net.example:9696"})
    (version,) = result.json["versions"]
    assert (version["id"], version["status"]) == ("v2.0", "CURRENT")
    assert version["links"] == [{"rel": "self", "href": "http://net.example:9696/v2.0/"}]


@pytest.mark.parametrize("path", ["/v2.0", "/v2.0/"])
def test_the_version_lists_its_resources(api: Api, path: str) -> None:
    resources = api.client.simulate_get(path).json["resources"]
    assert [each["collection"] for each in resources] == ["networks", "subnets", "ports"]


def test_an_extension_is_the_same_in_the_list_and_alone(api: Api) -> None:
    listed = api.call("GET", "/extensions").json["extensions"]
    assert {each["alias"] for each in listed} == {each.alias for each in EXTENSIONS}
    for each in listed:
        assert set(each) == {"alias", "name", "description", "updated", "links"}
        assert api.call("GET", f"/extensions/{each['alias']}").json == {"extension": each}
    api.refused(404, "ExtensionNotFound", "GET", "/extensions/l3-ha")


def test_quotas_are_neutrons(api: Api) -> None:
    for path in ("/quotas/project-a", "/quotas/project-a/default"):
        quota = api.call("GET", path).json["quota"]
        assert [quota[name] for name in ("network", "subnet", "port")] == [100, 100, 500]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/floatingips?fixed_ip_address=10.0.0.5", "floatingips"),
        ("/security-groups?id=x&fields=id", "security_groups"),
        ("/routers", "routers"),
    ],
)
def test_what_nova_asks_for_unseen_is_an_empty_list(api: Api, path: str, name: str) -> None:
    assert api.call("GET", path).json == {name: []}


def test_automatic_topology_is_a_conflict(api: Api) -> None:
    path = "/auto-allocated-topology/project-a?fields=dry-run"
    api.refused(409, "AutoAllocationFailure", "GET", path)


def test_an_unknown_path_is_not_found(api: Api) -> None:
    api.refused(404, "HTTPNotFound", "GET", "/nonsense")


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/networks"), ("PATCH", "/ports/x"), ("POST", "/quotas/x")]
)
def test_a_method_the_path_has_not_is_not_allowed(api: Api, method: str, path: str) -> None:
    api.refused(405, "HTTPMethodNotAllowed", method, path)
    assert "GET" in api.call(method, path).headers["Allow"]


@pytest.mark.parametrize("path", ["/networks", "/nonsense", "/networks/x"])
def test_every_answer_has_a_request_id(api: Api, path: str) -> None:
    assert api.call("GET", path).headers["X-Openstack-Request-Id"].startswith("req-")


def test_a_reader_may_only_read(
    settings: Settings, sqlite: Database, network: dict[str, Any]
) -> None:
    reader = as_caller(settings, sqlite, READER)
    assert [each["id"] for each in reader.list("network")] == [network["id"]]
    reader.refused(403, "PolicyNotAuthorized", "POST", "/networks", {"network": {}})
    reader.refused(403, "PolicyNotAuthorized", "DELETE", f"/networks/{network['id']}")


def test_an_agent_may_read_but_not_change_networks(
    settings: Settings, sqlite: Database, network: dict[str, Any]
) -> None:
    agent = as_caller(settings, sqlite, SERVICE)
    assert agent.list("network") == [network]
    agent.refused(403, "PolicyNotAuthorized", "PUT", f"/networks/{network['id']}", {"network": {}})


def test_who_is_nobody_is_asked_to_sign_in(settings: Settings, sqlite: Database) -> None:
    def nobody(_environ: Any) -> Caller:
        raise Unauthorized("Authentication is required.")

    api = Api(create_app(settings, authenticate=nobody, database=sqlite))
    api.refused(401, "Unauthorized", "GET", "/networks")
    assert api.call("GET", "/networks").headers["WWW-Authenticate"].startswith("Basic")
    assert api.client.simulate_get("/").status_code == 200


def test_an_unexpected_error_is_logged_and_not_shown(
    settings: Settings,
    sqlite: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = as_caller(settings, sqlite, ADMIN)

    def broken(_work: Callable[..., Any]) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(sqlite, "read", broken)
    with caplog.at_level(logging.ERROR):
        message = api.refused(500, "HTTPInternalServerError", "GET", "/networks")
    assert "secret" not in message
    assert "the secret inside" in caplog.text
    assert "req-" in caplog.text


@on_servers
def test_a_database_that_is_away_is_503_and_well_again_when_it_is_back(
    settings: Settings, database_url: str, backend: str, database_server: Any
) -> None:
    assert database_server is not None
    database = Database(database_url)
    try:
        api = as_caller(settings, database, ADMIN)
        network = api.create("network")
        database_server.stop()
        for method, body in (("GET", None), ("POST", {"network": {}})):
            api.refused(503, "DatabaseUnavailable", method, "/networks", body)
        assert api.call("GET", "/networks").headers["Retry-After"] == "1"
        database_server.start()
        assert api.list("network") == [network]
        api.create("network")
    finally:
        database.dispose()


def test_a_change_wakes_the_agent(settings: Settings, api: Api) -> None:
    path = settings.run_path / "agent-wake.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as agent:
        agent.bind(str(path))
        network = api.create("network")
        assert agent.recv(16) == b""
        api.list("network")
        with pytest.raises(BlockingIOError):
            agent.recv(16)
        api.refused(404, "PortNotFound", "DELETE", f"/ports/{network['id']}")
        with pytest.raises(BlockingIOError):
            agent.recv(16)
    path.unlink()


def test_a_wsgi_server_gets_the_application_from_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipam import wsgi  # noqa: PLC0415  # the module must see the environment of this test

    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    monkeypatch.setenv("IPAM_CONFIG_FILE", os.fspath(file))
    monkeypatch.delattr(wsgi, "application", raising=False)
    application: falcon.App[Any, Any] = wsgi.application
    assert falcon.testing.TestClient(application).simulate_get("/").status_code == 200
    assert wsgi.application is application
    monkeypatch.delattr(wsgi, "application")
