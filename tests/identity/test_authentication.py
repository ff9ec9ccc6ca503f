"""A request's Caller depends on where it came in, never on what it claims."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from ipam import model, settings
from ipam.errors import Unauthorized
from ipam.identity import htpasswd
from ipam.identity.authentication import PEER_NAME, PEER_UID, authenticator, strip_identity_headers
from ipam.identity.caller import Caller
from ipam.identity.local import caller_of_peer

STRANGER = 64_000


@pytest.fixture
def authenticate(tmp_path: Path) -> Any:
    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    htpasswd.put(tmp_path / "htpasswd", "ann", "secret", role="reader")
    return authenticator(settings.load([str(file)]))


def basic(name: str, password: str) -> dict[str, Any]:
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {token}"}


def test_root_and_the_services_own_user_need_no_password(authenticate: Any) -> None:
    assert authenticate({PEER_UID: 0}).is_admin
    assert authenticate({PEER_UID: os.geteuid()}).is_admin
    own = caller_of_peer(200, service_uid=200)
    assert own is not None
    assert own.is_admin


def test_another_user_on_the_socket_needs_a_password(authenticate: Any) -> None:
    with pytest.raises(Unauthorized):
        authenticate({PEER_UID: STRANGER})
    assert authenticate({PEER_UID: STRANGER, **basic("ann", "secret")}).role == "reader"


def test_a_header_cannot_name_the_peer(authenticate: Any) -> None:
    for claim in ({"HTTP_IPAM_PEER_UID": "0"}, {"HTTP_IPAM.PEER_UID": "0"}, {PEER_UID: "0"}):
        with pytest.raises(Unauthorized):
            authenticate(dict(claim))


def test_headers_that_claim_an_identity_are_gone_before_anything_sees_them(
    authenticate: Any,
) -> None:
    claims = {
        "HTTP_X_USER_ID": "root",
        "HTTP_X_USER": "root",
        "HTTP_X_USER_NAME": "root",
        "HTTP_X_ROLES": "admin",
        "HTTP_X_ROLE": "admin",
        "HTTP_X_PROJECT_ID": "victim",
        "HTTP_X_TENANT": "victim",
        "HTTP_X_DOMAIN_ID": "d",
        "HTTP_X_IDENTITY_STATUS": "Confirmed",
        "HTTP_X_SERVICE_ROLES": "service",
        "HTTP_X_SERVICE_IDENTITY_STATUS": "Confirmed",
        "HTTP_X_IS_ADMIN_PROJECT": "True",
        "HTTP_OPENSTACK_SYSTEM_SCOPE": "all",
        "REMOTE_USER": "root",
    }
    environ = {**claims, **basic("ann", "secret"), "HTTP_X_FORWARDED_PROTO": "https"}
    caller = authenticate(environ)
    assert (caller.user_id, caller.role, caller.project_id) == ("ann", "reader", "default")
    assert environ == {**basic("ann", "secret"), "HTTP_X_FORWARDED_PROTO": "https"}


CLAIMS = {
    "HTTP_X_USER_ID": "root",
    "HTTP_X_USER_NAME": "root",
    "HTTP_X_USER": "root",
    "HTTP_X_ROLES": "admin",
    "HTTP_X_ROLE": "admin",
    "HTTP_X_PROJECT_ID": "victim",
    "HTTP_X_TENANT_ID": "victim",
    "HTTP_X_IDENTITY_STATUS": "Confirmed",
    "HTTP_X_SERVICE_ROLES": "service",
    "HTTP_X_SERVICE_IDENTITY_STATUS": "Confirmed",
    "HTTP_X_IS_ADMIN_PROJECT": "True",
    "HTTP_X_REMOTE_USER": "root",
    "HTTP_REMOTE_USER": "root",
    "HTTP_OPENSTACK_SYSTEM_SCOPE": "all",
    "HTTP_IPAM_PEER_UID": "0",
    "HTTP_IPAM_KEYSTONE_CALLER": "root",
    "REMOTE_USER": "root",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_no_claim_counts_at_either_door(authenticate: Any, name: str) -> None:
    claim = {name: CLAIMS[name]}
    for door in ({}, {PEER_UID: STRANGER}):
        with pytest.raises(Unauthorized):
            authenticate({**claim, **door})
        caller = authenticate({**claim, **door, **basic("ann", "secret")})
        assert caller == Caller("ann", "default", "reader")
    known = authenticate({**claim, PEER_UID: 0})
    assert known == authenticate({PEER_UID: 0})


def test_a_member_is_a_member_of_the_project_of_its_line(tmp_path: Path) -> None:
    htpasswd.put(tmp_path / "htpasswd", "max", "secret", role="member", project_id="alpha")
    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    caller = authenticator(settings.load([str(file)]))(basic("max", "secret"))
    assert caller.project_id == "alpha"
    assert sorted(caller.roles) == ["member", "reader"]
    assert not caller.is_admin
    assert not caller.is_service


def test_ordinary_headers_stay() -> None:
    environ = {
        "HTTP_X_AUTH_TOKEN": "t",
        "HTTP_X_SERVICE_TOKEN": "s",
        "HTTP_X_REQUEST_ID": "r",
        "HTTP_USER_AGENT": "a",
    }
    kept = dict(environ)
    strip_identity_headers(environ)
    assert environ == kept


@pytest.mark.parametrize("strategy", ["http_basic", "keystone"])
def test_an_enrolled_agents_certificate_is_its_identity_beside_either_way(
    tmp_path: Path, strategy: str
) -> None:
    """Nobody answers where Keystone should be: a certificate needs no word of it."""
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n"
        f"[api]\nauth_strategy = {strategy}\n"
        "[keystone_authtoken]\nauth_url = http://127.0.0.1:9/v3\nauth_type = password\n"
        "username = ipam\npassword = x\nproject_name = service\n"
        "user_domain_name = Default\nproject_domain_name = Default\n"
    )
    agent = model.agent_user("node-7")
    htpasswd.put(tmp_path / "htpasswd", agent, "secret", role="agent")
    authenticate = authenticator(settings.load([str(file)]))
    assert authenticate({PEER_NAME: agent}).role == "agent"
    with pytest.raises(Unauthorized):
        authenticate({PEER_NAME: model.agent_user("node-8")})
