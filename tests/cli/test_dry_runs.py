"""--dry-run and `ipam plan` tell what a command would do and do nothing; a terminal is asked."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
import pytest

from ipam.cli import global_options, rehearsal
from ipam.client import Client
from ipam.errors import PolicyNotAuthorized
from tests.cli.conftest import Ipam, parsed
from tests.servers.live_api import LiveApi

HOST = "cn1"
MAC = "52:54:00:00:00:09"


PORT = {
    "name": "web1",
    "mac_address": MAC,
    "fixed_ips": [{"ip_address": "10.0.0.9"}],
    "binding:host_id": HOST,
    "device_id": "vm",
    "device_owner": "compute:nova",
}


@pytest.fixture
def lan(api: LiveApi, local: Ipam) -> Ipam:
    """A network that a host serves, with a machine that has its address."""
    now = int(time.time())
    with Client(socket_path=api.socket) as client:
        client.post("/v2.0/agents", json={"agent": {"host": HOST, "started_at": now}})
        network = client.post("/v2.0/networks", json={"network": {"name": "lan"}})["network"]
        on = {"network_id": network["id"]}
        pools = [{"start": "10.0.0.2", "end": "10.0.0.200"}]
        subnet = {"name": "v4", "cidr": "10.0.0.0/24", "ip_version": 4, "allocation_pools": pools}
        client.post("/v2.0/subnets", json={"subnet": on | subnet})
        client.post("/v2.0/ports", json={"port": on | PORT})
        lease = {
            "id": uuid.uuid4().hex,
            "host": HOST,
            "action": "add",
            "ip_address": "10.0.0.9",
            "mac_address": MAC,
            "expires_at": now + 3600,
            "occurred_at_us": now * 1_000_000,
        }
        client.post("/v2.0/lease-events", json={"lease_events": [on | lease]})
    return local


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[str]]:
    """Have somebody sit at the terminal, who gives this answer to each question."""

    def sit(answer: bool) -> list[str]:
        asked: list[str] = []

        def confirm(text: str, **_how: object) -> bool:
            asked.append(text)
            return answer

        monkeypatch.setattr(rehearsal, "is_terminal", lambda: True)
        monkeypatch.setattr(click, "confirm", confirm)
        return asked

    return sit


def refused(*_words: object) -> None:
    raise PolicyNotAuthorized("rule:create_dry_run is disallowed by policy.")


def address(ipam: Ipam) -> list[str]:
    port = parsed(ipam("port", "show", "web1", "-f", "json"))
    return [one["ip_address"] for one in port["fixed_ips"]]


MOVE = ("port", "set", "web1", "--no-fixed-ip", "--fixed-ip", "ip-address=10.0.0.10")


def test_what_is_tried_names_hosts_and_machines_and_does_nothing(lan: Ipam) -> None:
    told = lan(*MOVE, "--dry-run")
    assert told.status == 0, told.err
    host, machine, total = told.out.splitlines()
    assert host == "cn1  lan: dnsmasq reads its files again, 1 file written"
    assert machine.startswith("  web1  10.0.0.9 -> 10.0.0.10 at its next renewal (NAK), by ")
    assert total == (
        "1 machine: 1 moves to another address, 1 of them is known to use what it loses"
    )
    # A plan has each step.
    told = lan("plan", "subnet", "set", "v4", "--no-dhcp")
    assert told.status == 0, told.err
    assert told.out.startswith("cn1  lan: dnsmasq stops")
    assert "\n    stop-server dnsmasq\n" in told.out
    assert "web1  10.0.0.9 answered no more; kept until " in told.out
    answer = parsed(lan("plan", "-f", "json", "subnet", "set", "v4", "--no-dhcp"))
    assert answer["hosts"][0]["server"] == "stops"
    # What would be refused is refused in the same words.
    words = ("subnet", "set", "v4", "--gateway", "10.0.0.50")
    tried, done = lan(*words, "--dry-run"), lan(*words)
    assert (tried.status, tried.out, tried.err) == (1, "", done.err)
    # Each request sees those before it: the network goes only without ports.
    told = lan("network", "delete", "lan", "--recursive", "--dry-run")
    assert told.status == 0, told.err
    assert "cn1  lan: dnsmasq stops" in told.out
    # What a text makes is tried with what it changes.
    text = lan("export").out.replace("name: web1", "name: web2").replace("10.0.0.9", "10.0.0.8")
    Path("estate.yaml").write_text(f"{text}- name: new\n")
    told = lan("apply", "--from-file", "estate.yaml", "--dry-run")
    assert told.status == 0, told.err
    assert "10.0.0.9 -> 10.0.0.8" in told.out
    assert address(lan) == ["10.0.0.9"]
    # What cannot be tried is not run either.
    for command in (["db", "upgrade"], ["network", "list"], ["up"]):
        told = lan("plan", *command)
        assert told.status == 2
        assert "cannot be tried first" in told.err


def test_a_terminal_is_asked_before_a_machine_stops(
    lan: Ipam, terminal: Callable[[bool], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = terminal(False)
    stopped = lan(*MOVE)
    assert (stopped.status, asked) == (1, ["Do it?"])
    assert "web1  10.0.0.9 -> 10.0.0.10" in stopped.err
    assert address(lan) == ["10.0.0.9"]
    # Nothing stops for another name server, and --yes has said it before.
    assert lan("subnet", "set", "v4", "--dns-nameserver", "9.9.9.9").status == 0
    back = [word.replace("10.0.0.10", "10.0.0.9") for word in MOVE]
    assert lan(*MOVE, "--yes").status == 0
    assert lan(*back, "--yes").status == 0
    assert asked == ["Do it?"]
    terminal(True)
    assert lan(*MOVE).status == 0
    assert address(lan) == ["10.0.0.10"]
    # Who may not try is not asked, also where a tag goes with it.
    with monkeypatch.context() as patch:
        patch.setattr(rehearsal.Rehearsal, "_told", refused)
        renamed = lan("port", "set", "web1", "--name", "web2", "--tag", "x")
        assert renamed.status == 0, renamed.err
        assert lan("port", "set", "web2", "--name", "web1").status == 0
    # What one of several names in vain keeps the others from nothing.
    deleted = lan("port", "delete", "no-such", "web1")
    assert (deleted.status, "no-such" in deleted.err) == (1, True)
    assert lan("port", "show", "web1").status == 1


def test_a_bulk_of_ports_passes_over_the_dhcp_servers(lan: Ipam) -> None:
    listed = lan("port", "list", "--network", "lan", "-f", "value", "-c", "ID").out.split()
    assert len(listed) == 2
    assert lan("port", "create", "--network", "lan", "web2").status == 0
    told = lan("port", "delete", "--network", "lan")
    assert (told.status, "all 2 ports of lan" in told.err) == (1, True)
    deleted = lan("port", "delete", *listed)
    assert deleted.status == 0, deleted.err
    assert "is passed over: the DHCP server's port" in deleted.err
    assert lan("port", "delete", "--network", "lan", "--yes").status == 0
    left = parsed(lan("port", "list", "--network", "lan", "-f", "json", "--long"))
    assert [one["Device Owner"] for one in left] == ["network:dhcp"]
    alone = lan("port", "delete", left[0]["ID"])
    assert alone.status == 1


def test_answers_that_nobody_reads_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Service:
        def post(self, _path: str, json: Any) -> Any:
            requests = json["dry_run"]["requests"]
            asked.append(len(requests))
            answers = [{"status": 201, "body": {"n": n}} for n, _ in enumerate(requests, 1)]
            return {"dry_run": {"answers": answers}}

    monkeypatch.setattr(global_options, "is_dry_run", lambda: True)
    tried = rehearsal.Rehearsal(cast("Client", Service()))
    answers = [tried.post("/v2.0/ports", json={}) for _ in range(50)]
    assert asked == []
    assert [answers[9]["n"], answers[9]["n"]] == [10, 10]
    assert asked == [10]
