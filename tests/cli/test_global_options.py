"""Options of all commands: anywhere on the line, and what they do."""

import json
import os
import socket
import subprocess
import sys

import click
import pytest

from ipam.cli import completing, global_options
from ipam.cli.reference import commands
from ipam.cli.resource_kinds import NETWORK
from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi


@pytest.mark.parametrize("place", range(4))
def test_they_stand_anywhere_on_the_line(api: LiveApi, ipam: Ipam, place: int) -> None:
    words = ["network", "list", "--long"]
    words[place:place] = ["--socket", api.socket]
    assert ipam(*words).err == "No networks.\n"


@pytest.mark.parametrize(("words", "command"), [(words, one) for words, one, _ in commands()])
def test_every_command_takes_each_of_them_or_has_its_own(
    words: str, command: click.Command
) -> None:
    own = {name for param in command.params for name in param.opts}
    assert {name for option in global_options.EVERYWHERE for name in option.opts} <= own
    counted = [name for param in command.params for name in param.opts]
    assert len(counted) == len(set(counted))


def test_the_last_of_two_counts(api: LiveApi, ipam: Ipam) -> None:
    words = ["--socket", "/nowhere", "network", "list", "--socket", api.socket]
    assert ipam(*words).status == 0


def test_a_command_keeps_an_option_of_its_own(api: LiveApi, ipam: Ipam) -> None:
    waited = ipam("--socket", api.socket, "port", "wait", "nothing", "--timeout", "0")
    assert "No port named 'nothing'" in waited.err


def test_quiet_leaves_notes_out_and_not_errors(local: Ipam) -> None:
    assert local("network", "list", "-q").err == ""
    assert "No network named" in local("-q", "network", "show", "x").err


def test_verbose_tells_each_request(local: Ipam) -> None:
    told = local("network", "list", "-v", "--limit", "1")
    assert told.err.split("\n")[0].startswith("GET /v2.0/networks?")
    assert " 200 " in told.err


def test_debug_shows_a_curl_command_that_works_and_no_secret(api: LiveApi, ipam: Ipam) -> None:
    secret = {"IPAM_USER": "admin", "IPAM_PASSWORD": "sesame"}
    ipam("--url", api.url, "network", "create", "demo", environment=secret)
    told = ipam("--url", api.url, "--debug", "network", "list", environment=secret)
    assert "sesame" not in told.err
    assert "authorization: ***" in told.err
    local = ipam("--socket", api.socket, "--debug", "network", "list")
    command = next(line for line in local.err.split("\n") if line.startswith("curl "))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["networks"][0]["name"] == "demo"


def test_a_time_limit_ends_the_wait_for_an_answer(tmp_path: str, ipam: Ipam) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/silent.sock")
        silent.listen()
        words = ["--socket", f"{tmp_path}/silent.sock", "--timeout", "0.05"]
        outcome = ipam("network", "list", *words)
    assert outcome.status == 1
    assert "No answer from" in outcome.err


def completed(line: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ipam"],
        env=os.environ
        | {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        | {"_IPAM_COMPLETE": "bash_complete"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [one.removeprefix("plain,") for one in done.stdout.split()]


def test_tab_completes_names_hosts_and_columns(api: LiveApi, local: Ipam) -> None:
    for words in (
        "network create demo",
        "network create dem-2",
        "network create other",
        "subnet create --network demo --subnet-range 10.0.0.0/24 demo-v4",
        "port create --network demo demo-port",
    ):
        assert local(*words.split()).status == 0
    assert local("network", "create", "demo two words; rm").status == 0
    asks = {"IPAM_SOCKET": api.socket}
    assert completed("ipam network show dem", **asks) == ["dem-2", "demo"]
    assert completed("ipam port list --network o", **asks) == ["other"]
    assert completed(f"ipam --socket {api.socket} subnet set ") == ["demo-v4"]
    assert completed("ipam port delete demo-port demo", **asks) == ["demo-port"]
    assert completed("ipam port list --sort-column fi", **asks) == ["fixed_ip_addresses"]
    assert completed("ipam lease events -c rea", **asks) == ["reason"]
    assert completed("ipam port show x -c mac", **asks) == ["mac_address"]
    assert completed("ipam network rbac list -c obj", **asks) == ["object_id", "object_type"]
    assert completed("ipam lease history 10.0.0.9 -c unt", **asks) == ["until"]


def test_tab_completes_nothing_where_no_service_answers() -> None:
    assert completed("ipam network show x", IPAM_SOCKET="/nowhere") == []
    nobody = {"IPAM_URL": "http://127.0.0.1:9", "IPAM_USER": "anna"}
    assert completed("ipam network show x", **nobody) == []


def test_many_names_are_searched_for_what_was_typed(
    api: LiveApi, local: Ipam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completing, "NAMES_READ", 2)
    for name in ("a", "b", "c", "zeta"):
        assert local("network", "create", name).status == 0
    with Client(socket_path=api.socket) as client:
        assert "zeta" in completing._names(client, NETWORK, "zet")
        assert completing._names(client, NETWORK, "z") == ["a", "b"]
