"""Tokens of a real Keystone decide who calls, and nothing else does."""

import base64
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ipam import settings
from ipam.api.app import create_app
from ipam.errors import TooManyLogins, Unauthorized
from ipam.identity import htpasswd, keystone
from ipam.identity.authentication import PEER_UID, authenticator
from ipam.identity.keystone import KeystoneAuthenticator
from ipam.identity.turnstile import Turnstile
from ipam.store.engine.database import Database
from tests.keystone.conftest import Door, People, door_to
from tests.waiting import PATIENCE_SECONDS

CLAIMS = {
    "X_User_Id": "root",
    "X_User_Name": "root",
    "X_User": "root",
    "X_Project_Id": "victim",
    "X_Tenant_Id": "victim",
    "X_Roles": "admin",
    "X_Role": "admin",
    "X_Is_Admin_Project": "True",
    "X_Identity_Status": "Confirmed",
    "X_Service_Roles": "service,admin",
    "X_Service_Identity_Status": "Confirmed",
    "OpenStack_System_Scope": "all",
    "X_Remote_User": "root",
    "Ipam_Keystone_Caller": "root",
}
"""What the middleware writes for the application behind it, and what others believe."""


def environ(token: str, **more: str) -> dict[str, Any]:
    """A request as the door hands it on."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "HTTP_X_AUTH_TOKEN": token,
        **more,
    }


def make_network(door: Door, token: str, **attributes: Any) -> dict[str, Any]:
    result = door.call(token, "POST", "/networks", {"network": attributes})
    assert result.status_code == 201, result.text
    made: dict[str, Any] = result.json["network"]
    return made


def refused(result: Any, status: int, kind: str) -> Any:
    assert result.status_code == status, result.text
    assert result.json["NeutronError"]["type"] == kind
    return result


def test_each_persona_may_do_what_keystone_says(people: People, door: Door) -> None:
    alice, rita = people.token("alice", "alpha"), people.token("rita", "alpha")
    made = make_network(door, alice, name="net")
    assert made["project_id"] == people.project_id("alpha")
    path, body = f"/networks/{made['id']}", {"network": {"name": "x"}}
    assert door.call(rita, path=path).status_code == 200
    refused(door.call(rita, "PUT", path, body), 403, "PolicyNotAuthorized")
    assert door.call(alice, "PUT", path, body).status_code == 200
    ada, nova = people.token("ada", "alpha"), people.token("nova", "service")
    assert "provider:network_type" not in door.call(alice, path=path).json["network"]
    for token in (ada, nova):
        assert "provider:network_type" in door.call(token, path=path).json["network"]
    refused(door.call(nova, "DELETE", path), 403, "PolicyNotAuthorized")
    assert door.call(nova, path="/agents").status_code == 200
    assert door.call(ada, "DELETE", path).status_code == 204


def test_a_token_of_another_project_sees_that_project_alone(people: People, door: Door) -> None:
    made = make_network(door, people.token("alice", "alpha"))
    path = f"/networks/{made['id']}"
    for token in (people.token("bob", "beta"), people.token("alice", "beta")):
        refused(door.call(token, path=path), 404, "NetworkNotFound")
        refused(door.call(token, "DELETE", path), 404, "NetworkNotFound")
        assert door.call(token).json == {"networks": []}


def test_without_a_valid_token_nobody_is_let_in(people: People, door: Door) -> None:
    token = people.token("alice", "alpha")
    for bad in (None, "", "nonsense", token[:-5] + "AAAAA"):
        answer = refused(door.call(bad), 401, "Unauthorized")
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{people.server.url}"'
    refused(door.call(None, "POST", "/networks", {"network": {}}), 401, "Unauthorized")
    assert door.call(None, path="/openapi.json").status_code == 200


def test_a_revoked_token_is_refused(people: People, door: Door) -> None:
    token = people.token("alice", "alpha")
    people.directory.revoke(token)
    refused(door.call(token), 401, "Unauthorized")


def test_an_expired_token_is_refused_unless_a_service_vouches_for_it(
    people: People, door: Door
) -> None:
    expired = people.server.short_lived_token("alice", "pw", "alpha", 1)
    time.sleep(2)
    refused(door.call(expired), 401, "Unauthorized")
    nova, bob = people.token("nova", "service"), people.token("bob", "beta")
    refused(door.call(expired, X_Service_Token=bob), 401, "Unauthorized")
    refused(door.call(expired, X_Service_Token="nonsense"), 401, "Unauthorized")
    assert door.call(expired, X_Service_Token=nova).status_code == 200


def test_nobody_is_known_beyond_the_end_of_either_token(
    people: People, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystone, "KNOWN_SECONDS", 1000)
    config_file.write_text(f"{config_file.read_text()}token_cache_time = 3000\n")
    authenticator = KeystoneAuthenticator(settings.load([str(config_file)]))
    known_for: list[float] = []
    monkeypatch.setattr(
        authenticator._known, "remember", lambda _key, _caller, seconds: known_for.append(seconds)
    )
    alice, nova = people.token("alice", "alpha"), people.token("nova", "service")
    ending = people.server.short_lived_token("alice", "pw", "alpha", 90)
    ending_nova = people.server.short_lived_token("nova", "pw", "service", 90)
    authenticator.caller(environ(alice, HTTP_X_SERVICE_TOKEN=nova))
    for each in (environ(ending), environ(alice, HTTP_X_SERVICE_TOKEN=ending_nova)):
        authenticator.caller(each)
    assert known_for[0] == 1000
    assert all(0 < seconds < 90 for seconds in known_for[1:])
    assert len(known_for) == 3


def test_who_was_just_let_in_is_known_by_both_tokens_together(
    people: People, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = KeystoneAuthenticator(settings.load([str(config_file)]))
    checked: list[str] = []
    check = authenticator._protocol

    def note(request: dict[str, Any], start_response: Any) -> Any:
        checked.append(request["HTTP_X_AUTH_TOKEN"])
        return check(request, start_response)

    monkeypatch.setattr(authenticator, "_protocol", note)
    alice, nova = people.token("alice", "alpha"), people.token("nova", "service")
    for _ in range(3):
        assert authenticator.caller(environ(alice)).service_roles == frozenset()
    assert checked == [alice]
    for _ in range(3):
        vouched = authenticator.caller(environ(alice, HTTP_X_SERVICE_TOKEN=nova))
        assert "service" in vouched.service_roles
    assert checked == [alice, alice]
    for _ in range(2):  # what Keystone refused is not asked about again
        with pytest.raises(Unauthorized):
            authenticator.caller(environ(alice, HTTP_X_SERVICE_TOKEN="nonsense"))
    assert checked == [alice] * 3
    assert authenticator.caller(environ(alice)).service_roles == frozenset()


@pytest.mark.parametrize("seconds", [300, 15, 1, 0, -1])
def test_a_token_is_taken_for_valid_no_longer_than_token_cache_time(
    config_file: Path, seconds: int
) -> None:
    config_file.write_text(f"{config_file.read_text()}token_cache_time = {seconds}\n")
    authenticator = KeystoneAuthenticator(settings.load([str(config_file)]))
    known = authenticator._known_seconds
    assert authenticator._protocol._token_cache._cache_time + known == seconds
    assert known >= 0
    assert known == 0 or seconds > known


def test_a_service_token_gives_the_user_no_right_of_the_service(
    people: People, door: Door
) -> None:
    alice, nova = people.token("alice", "alpha"), people.token("nova", "service")
    body = {"network": {"shared": True}}
    answer = door.call(alice, "POST", "/networks", body, X_Service_Token=nova)
    refused(answer, 403, "PolicyNotAuthorized")
    assert door.call(alice, X_Service_Token=nova).status_code == 200


def test_a_token_without_a_project_is_let_into_nothing(people: People, door: Door) -> None:
    refused(door.call(people.token("alice", None)), 403, "PolicyNotAuthorized")


def test_an_application_credential_is_its_user_within_its_rules(
    people: People, door: Door
) -> None:
    server, user_id = people.server, people.directory.users["alice"]
    headers = {"X-Auth-Token": people.token("alice", "alpha")}

    def token_of(name: str, **restrictions: Any) -> str:
        path = f"/users/{user_id}/application_credentials"
        body = {"application_credential": {"name": name, **restrictions}}
        _, made = server.call("POST", path, body, headers)
        credential = {key: made["application_credential"][key] for key in ("id", "secret")}
        identity = {"methods": ["application_credential"], "application_credential": credential}
        answer, _ = server.call("POST", "/auth/tokens", {"auth": {"identity": identity}})
        return answer["x-subject-token"]

    whole = token_of("whole")
    assert make_network(door, whole)["project_id"] == people.project_id("alpha")
    reading = token_of("reading", roles=[{"name": "reader"}])
    assert door.call(reading).status_code == 200
    answer = door.call(reading, "POST", "/networks", {"network": {}})
    refused(answer, 403, "PolicyNotAuthorized")
    rule = {"service": "network", "method": "GET", "path": "/v2.0/networks"}
    narrow = token_of("narrow", access_rules=[rule])
    assert door.call(narrow).status_code == 200
    refused(door.call(narrow, path="/ports"), 401, "Unauthorized")


@pytest.mark.parametrize("name", CLAIMS)
def test_a_header_that_claims_an_identity_counts_for_nothing(
    people: People, door: Door, name: str
) -> None:
    refused(door.call(None, **{name: CLAIMS[name]}), 401, "Unauthorized")
    token = people.token("rita", "alpha")
    answer = door.call(token, "POST", "/networks", {"network": {}}, **{name: CLAIMS[name]})
    refused(answer, 403, "PolicyNotAuthorized")


def test_all_claims_together_count_for_nothing(people: People, door: Door) -> None:
    refused(door.call(None, **CLAIMS), 401, "Unauthorized")
    made = make_network(door, people.token("alice", "alpha"))
    bob = people.token("bob", "beta")
    claims = {**CLAIMS, "X_Project_Id": people.project_id("alpha")}
    assert door.call(bob, **claims).json == {"networks": []}
    refused(door.call(bob, "DELETE", f"/networks/{made['id']}", **claims), 404, "NetworkNotFound")


def test_the_unix_socket_needs_no_token(people: People, config_file: Path) -> None:
    authenticate = authenticator(settings.load([str(config_file)]))
    assert authenticate({PEER_UID: os.geteuid()}).is_admin
    other = environ(people.token("rita", "alpha")) | {PEER_UID: 64_000}
    caller = authenticate(other)
    assert (caller.role, caller.user_id) == ("reader", people.directory.users["rita"])
    assert not [name for name in other if name.startswith("HTTP_X_R")]


def test_passwords_of_the_htpasswd_file_count_only_in_their_own_mode(
    people: People, door: Door, config_file: Path, tmp_path: Path
) -> None:
    htpasswd.put(tmp_path / "htpasswd", "root", "pw", role="admin")
    basic = "Basic " + base64.b64encode(b"root:pw").decode()
    refused(door.call(None, Authorization=basic), 401, "Unauthorized")
    text = config_file.read_text().replace(
        "auth_strategy = keystone", "auth_strategy = http_basic"
    )
    config_file.write_text(text)
    database = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    other = Door(create_app(settings.load([str(config_file)]), database=database))
    assert other.call(None, Authorization=basic).status_code == 200
    answer = refused(other.call(people.token("alice", "alpha")), 401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    database.dispose()


def test_a_keystone_that_is_back_in_a_moment_is_asked_again(
    people: People, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystone, "PAUSES_SECONDS", (0.25,) * 1000)
    monkeypatch.setattr(keystone, "ASK_AGAIN_WITHIN_SECONDS", PATIENCE_SECONDS)
    alice = people.token("alice", "alpha")
    people.server.stop()
    with ThreadPoolExecutor() as threads:
        asking = threads.submit(door.call, alice)
        people.server.start()
        assert asking.result().json == {"networks": []}


def test_while_keystone_accepts_and_says_nothing_nobody_new_is_let_in(
    people: People, config_file: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v3"
        text = config_file.read_text().replace(people.server.url, url)
        config_file.write_text(
            text.replace("http_connect_timeout = 5", "http_connect_timeout = 1")
        )
        for token in (people.token("alice", "alpha"), "nonsense"):
            with door_to(config_file, tmp_path) as door:
                refused(door.call(token), 503, "ServiceUnavailable")


def test_while_keystone_does_not_take_our_password_nobody_is_let_in(
    people: People, config_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config_file.write_text(config_file.read_text().replace("password = pw", "password = wrong"))
    with door_to(config_file, tmp_path) as door:
        answer = door.call(people.token("alice", "alpha"))
    refused(answer, 503, "ServiceUnavailable")
    assert "wrong" not in answer.text
    assert "requires authentication" in caplog.text


def test_while_keystone_is_away_nobody_new_is_let_in_and_all_is_well_again_after(
    people: People, door: Door
) -> None:
    known, new = people.token("alice", "alpha"), people.token("alice", "alpha")
    assert door.call(known).status_code == 200
    people.server.stop()
    try:
        for token in (new, "nonsense"):
            answer = refused(door.call(token), 503, "ServiceUnavailable")
            assert int(answer.headers["Retry-After"]) > 0
            body: Any = {"network": {}}
            refused(door.call(token, "POST", "/networks", body), 503, "ServiceUnavailable")
        refused(door.call(new, **CLAIMS), 503, "ServiceUnavailable")
        refused(door.call(None), 401, "Unauthorized")
        assert door.call(known).json == {"networks": []}  # checked before it went away
    finally:
        people.server.start()
    assert door.call(new).json == {"networks": []}


def test_a_wrong_token_is_asked_about_once_and_a_flood_of_them_stays_bounded(
    people: People, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator = KeystoneAuthenticator(settings.load([str(config_file)]))
    asked: list[str] = []
    protocol = authenticator._protocol

    def count(request: dict[str, Any], start_response: Any) -> Any:
        asked.append(request["HTTP_X_AUTH_TOKEN"])
        return protocol(request, start_response)

    monkeypatch.setattr(authenticator, "_protocol", count)
    for token in ("wrong", "wrong", "another", "wrong"):
        with pytest.raises(Unauthorized) as refused_with:
            authenticator.caller(environ(token))
        assert people.server.url in refused_with.value.challenge
    assert asked == ["wrong", "another"]
    alice = people.token("alice", "alpha")
    assert authenticator.caller(environ(alice)).role == "member"
    monkeypatch.setattr(authenticator, "_turnstile", Turnstile(1, most_waiting=0))
    with authenticator._turnstile.one():
        with pytest.raises(TooManyLogins):
            authenticator.caller(environ("third", REQUEST_METHOD="PUT"))
        assert authenticator.caller(environ(alice)).role == "member"
