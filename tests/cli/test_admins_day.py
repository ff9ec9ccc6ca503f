"""An admin's day: forty questions, each answered by one command on one screen of 80 x 24."""

import json
import shlex
import time
from typing import Any

import pytest

from ipam.cli import printing
from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi

COLUMNS, LINES = 80, 24
SERVER = "8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55"
MAC, STRANGER = "52:54:00:00:00:20", "52:54:00:00:00:66"
SETTING = f"""
network create lan --dns-domain lan.example --description 'the office'
network create lab --mtu 9000
subnet create --network lan --subnet-range 10.0.0.0/24 lan-v4 --dns-nameserver 9.9.9.9
subnet create --network lan --subnet-range 2001:db8::/64 lan-v6 --gateway none
subnet create --network lab --subnet-range 10.1.0.0/29 lab-v4 --no-dhcp
subnet pool create corp --pool-prefix 10.64.0.0/10 --default-prefix-length 24
port create --network lan web-1 --fixed-ip ip-address=10.0.0.20 --mac-address {MAC}
 --dns-name web-1 --host node-7 --device {SERVER} --device-owner compute:nova
port create --network lan web-2 --fixed-ip ip-address=10.0.0.21 --host node-9
port create --network lab bench-1 --fixed-ip ip-address=10.1.0.3
port create --network lan was-here --fixed-ip ip-address=10.0.0.30
port delete was-here
network rbac create lan --target-project p1
quota set p1 --ports 50
"""

DAY: list[tuple[str, str, int, str]] = [
    # question, command, exit status, what the answer has
    ("who has this address?", "find 10.0.0.20", 0, "web-1"),
    ("where is this MAC?", f"find {MAC}", 0, "node-7"),
    ("and from half of it, as on the label?", "find 00:00:20", 0, "web-1"),
    ("which server is that?", f"find {SERVER}", 0, "10.0.0.20"),
    ("what do we have that is called web?", "find web", 0, "web-2"),
    ("what is this prefix?", "find 10.1.0.0/29", 0, "lab-v4"),
    ("who had this address at some time?", "who-had 10.0.0.20 --at now", 0, "web-1"),
    ("who had it before he left?", "lease history 10.0.0.30", 0, "fa:16:3e:"),
    ("how full are we?", "subnet usage", 0, "lan-v4"),
    ("is anything over 90 percent?", "subnet usage --fail-over 90", 0, "lab-v4"),
    ("what is taken in the lab?", "subnet map lab-v4", 0, "held"),
    ("which addresses exactly?", "subnet addresses lab-v4", 0, "bench-1"),
    ("how many addresses by network?", "ip availability list", 0, "lan"),
    ("why does this machine get nothing?", f"explain {MAC}", 1, "DHCP option"),
    ("and this one, on a dead host?", "explain web-2", 1, "node-9"),
    ("what is this stranger?", f"explain {STRANGER}", 1, "ipam port create --network lan"),
    ("why has it no DNS in the lab?", "explain bench-1 --why dns", 1, "dhcp"),
    ("which networks are there?", "network list", 0, "10.0.0.0/24"),
    ("what is on the office network?", "port list --network lan", 0, "web-2"),
    ("what runs on this host?", "port list --host node-7", 0, "web-1"),
    ("which ports has this server?", f"port list --device {SERVER}", 0, "10.0.0.20"),
    ("in the order of their addresses?", "port list --sort-column fixed_ips", 0, "web-1"),
    ("all of this port?", "port show web-1 -c mac_address -c fixed_ips", 0, MAC),
    ("what does DHCP tell here?", "subnet show lan-v4 -c dns_nameservers", 0, "9.9.9.9"),
    ("which subnets have this gateway?", "subnet list --gateway 10.0.0.1", 0, "lan-v4"),
    ("what is leased now?", "lease list", 0, "web-1"),
    ("what happened to it?", f"lease events --mac {MAC}", 0, "add"),
    ("who asks in vain?", "lease refusals", 0, STRANGER),
    ("since when has it the address?", "address history 10.0.0.20", 0, "ago"),
    ("are the agents alive?", "agent list", 0, "node-7"),
    ("which agents serve the office?", "agent list --network lan", 0, ""),
    ("which zones are there?", "availability zone list", 0, "rack-4"),
    ("which pools do we give from?", "subnet pool list", 0, "10.64.0.0/10"),
    ("with whom do we share?", "network rbac list", 0, "lan"),
    ("how much may this project have?", "quota show p1 -c port", 0, "50"),
    ("who changed this?", "audit list --on web-1", 0, "create_port"),
    ("what was refused today?", "audit list --refused --since today", 0, ""),
    ("what does the service speak?", "extension list --limit 10", 0, "Alias"),
    ("what would this list change?", "apply --from-file estate.yaml", 0, "+ network new"),
    ("which version is it?", "version", 0, "ipam"),
]


def report(client: Client, port: dict[str, Any]) -> None:
    """What an agent tells of the day: it lives, a lease, a stranger, and an option it refused."""
    now = time.time_ns() // 1000
    facts = {"dnsmasq_version": "2.90", "networks": 1, "ports": 2, "leases": 1}
    trouble = "dnsmasq dropped DHCP option 1 of its list: bad option. Correct or remove it."
    agent = {
        "host": "node-7",
        "agent_type": "DHCP agent",
        "binary": "ipam-agent",
        "started_at": now // 1_000_000,
        "availability_zone": "rack-4",
        "configurations": {**facts, "troubles": {port["id"]: trouble}},
    }
    client.post("/v2.0/agents", json={"agent": agent})
    event = {
        "id": f"{1:032x}",
        "action": "add",
        "occurred_at_us": now,
        "expires_at": now // 1_000_000 + 3600,
        "network_id": port["network_id"],
        "host": "node-7",
        "ip_address": "10.0.0.20",
        "mac_address": MAC,
        "hostname": "web-1",
        "client_id": None,
        "duid": None,
        "iaid": None,
        "details": {},
    }
    client.post("/v2.0/lease-events", json={"lease_events": [event]})
    agent_id = client.get("/v2.0/agents")["agents"][0]["id"]
    refused = {
        "network_id": port["network_id"],
        "client": STRANGER,
        "reason": "no address available",
        "tap": "tap99",
        "count": 7,
        "first_at": now // 1_000_000,
        "last_at": now // 1_000_000,
    }
    client.post(f"/v2.0/agents/{agent_id}/dhcp-refusals", json={"dhcp_refusals": [refused]})


@pytest.fixture
def morning(api: LiveApi, local: Ipam, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Ipam:
    for line in SETTING.strip().replace("\n ", " ").split("\n"):
        made = local(*shlex.split(line))
        assert made.status == 0, made.err
    with Client(socket_path=api.socket) as client:
        (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
        report(client, port)
    (tmp_path / "estate.yaml").write_text("networks: [{name: new}]\n")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("LINES", str(LINES))
    monkeypatch.setattr(printing, "is_terminal", lambda: True)
    return local


def test_forty_questions_are_answered_by_one_command_on_one_screen_each(morning: Ipam) -> None:
    assert len(DAY) == 40
    wrong = []
    for question, line, status, expected in DAY:
        outcome = morning(*shlex.split(line))
        shown, notes = outcome.out.splitlines(), outcome.err.splitlines()
        is_right = outcome.status == status and expected in outcome.out
        rows = len(shown) + sum(1 + len(note) // COLUMNS for note in notes)
        fits = rows <= LINES - 2 and max(map(len, ["", *shown])) <= COLUMNS
        wrong += [] if is_right and fits else [(question, outcome)]
    assert not wrong, "\n\n".join(f"{question}\n{out}" for question, out in wrong)


def test_no_answer_shows_an_id_where_there_is_a_name(morning: Ipam) -> None:
    ids = {
        one["ID"]
        for noun in ("network", "subnet")
        for one in json.loads(morning(noun, "list", "-f", "json").out)
    }
    for question, line, _, _ in DAY:
        if ([*line.split(), ""])[1] in ("list", "addresses", "refusals", "events", "history"):
            assert not any(one in morning(*shlex.split(line)).out for one in ids), question
