"""`ipam agent enrol` and `revoke`, with an agent that signs in by what they wrote and said."""

import re
import stat
from pathlib import Path

import pytest

from ipam import settings
from ipam.agent import main
from ipam.client import Client
from ipam.errors import NotFound, PolicyNotAuthorized, Unauthorized
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi

REPORT = {"agent": {"host": "node-7", "started_at": 1, "configurations": {}}}


def client_of_host(said: str, password: Path, url: str, directory: Path) -> Client:
    """The agent's client, with the settings that enrolling said to write."""
    written = said[said.index("[DEFAULT]") : said.index("and start the agent")]
    written = re.sub(r"(?m)^api_url = .*$", f"api_url = {url}", written)
    written = written.replace("/etc/ipam/agent.password", str(password))
    file = directory / "node-7.conf"
    file.write_text(written.replace("[agent]", f"state_path = {directory}/node-7\n[agent]"))
    return main._client(settings.load([str(file)]))


def test_an_agent_signs_in_with_what_enrolling_wrote_until_it_is_revoked(
    ipam: Ipam, api: LiveApi, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    on_this = ("--config-file", api.config_file)
    enrolled = ipam("agent", "enrol", "node-7", *on_this)
    assert enrolled.status == 0
    password = tmp_path / "agent-node-7.password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert password.read_text().strip() not in enrolled.out + api.htpasswd_file.read_text()
    with client_of_host(enrolled.out, password, api.url, tmp_path) as agent:
        assert "enrol" not in caplog.text
        made = agent.post("/v2.0/agents", json=REPORT)["agent"]
        assert agent.get(f"/v2.0/agents/{made['id']}/dhcp-state") == {
            "networks": [],
            "probes": [],
            "dns_lookups": [],
            "address_checks": [],
        }
        other = {"agent": REPORT["agent"] | {"host": "node-8"}}
        with pytest.raises(PolicyNotAuthorized, match="is the agent of 'node-7'"):
            agent.post("/v2.0/agents", json=other)
        with pytest.raises(NotFound):
            agent.delete("/v2.0/ports/3f2d3f4e-8c5d-4a0e-9f3b-000000000000")
        assert ipam("agent", "revoke", "node-7", *on_this).status == 0
        with pytest.raises(Unauthorized):
            agent.post("/v2.0/agents", json=REPORT)
    again = ipam("agent", "revoke", "node-7", *on_this)
    assert again.status == 1
    assert "No user named 'agent@node-7'" in again.err


def test_enrolling_again_makes_a_new_password_where_it_is_wanted(
    ipam: Ipam, api: LiveApi, tmp_path: Path
) -> None:
    file, on_this = tmp_path / "new", ("--config-file", api.config_file)
    passwords = set()
    for _ in range(2):
        ipam("agent", "enrol", "rack/7", "--password-file", str(file), *on_this)
        passwords.add(file.read_text())
    assert len(passwords) == 2
    assert api.htpasswd_file.read_text().count("agent@rack/7:") == 1
    assert ipam("agent", "enrol", "rack/8", *on_this).status == 0
    assert (tmp_path / "agent-rack%2F8.password").exists()


def test_a_host_that_no_name_can_hold_is_refused(ipam: Ipam, api: LiveApi, tmp_path: Path) -> None:
    outcome = ipam("agent", "enrol", "a:b", "--config-file", api.config_file)
    assert outcome.status == 1
    assert "':'" in outcome.err
    assert "agent@a" not in api.htpasswd_file.read_text()
    assert not [*tmp_path.glob("agent-*.password")]


def test_with_keystone_it_says_what_to_do_there(ipam: Ipam, tmp_path: Path) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\n[api]\nauth_strategy = keystone\n"
        "public_url = https://net.example.org\n"
    )
    said = ipam("agent", "enrol", "node-7", "--config-file", str(file)).out
    assert "openstack role add --project service --user agent@node-7 agent" in said
    assert "api_url = https://net.example.org\n" in said
    assert not (tmp_path / "htpasswd").exists()
    revoked = ipam("agent", "revoke", "node-7", "--config-file", str(file))
    assert "openstack user set --disable agent@node-7" in revoked.out
