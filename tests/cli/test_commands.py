"""Networks, subnets, ports, leases and agents through the command line, on the real API."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipam.client import Client
from tests.cli.conftest import Ipam, Outcome, parsed
from tests.servers.live_api import LiveApi


@pytest.fixture
def demo(local: Ipam) -> Ipam:
    """A network `demo` with the subnet `demo-v4`."""
    assert local("network", "create", "demo").status == 0
    created = local(
        "subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24", "demo-v4"
    )
    assert created.status == 0, created.err
    return local


@pytest.fixture
def show(demo: Ipam) -> Callable[..., Any]:
    return lambda noun, name: parsed(demo(noun, "show", name, "-f", "json"))


def names(outcome: Outcome) -> list[str]:
    return [item["Name"] for item in parsed(outcome)]


def test_a_network_is_created_shown_changed_listed_and_deleted(local: Ipam) -> None:
    made = parsed(local("network", "create", "lab", "--mtu", "1400", "--share", "-f", "json"))
    assert (made["name"], made["mtu"], made["shared"]) == ("lab", 1400, True)
    changed = local("network", "set", "lab", "--name", "lab2", "--disable", "--dns-domain", "a.b.")
    assert (changed.status, changed.out, changed.err) == (0, "", "")
    seen = parsed(local("network", "show", made["id"], "-f", "json"))
    assert (seen["name"], seen["admin_state_up"], seen["dns_domain"]) == ("lab2", False, "a.b.")
    for words, servers in (("1.1.1.1", ["1.1.1.1"]), ("none", []), ("default", None)):
        assert local("network", "set", "lab2", "--dns-server", words).status == 0
        seen = parsed(local("network", "show", "lab2", "-f", "json"))
        assert seen["dns_servers"] == servers
    assert names(local("network", "list", "-f", "json", "--disable")) == ["lab2"]
    assert local("network", "delete", "lab2").status == 0
    gone = local("network", "show", "lab2")
    assert gone.status == 1
    assert gone.err == "ipam: No network named 'lab2'. `ipam network list` shows what there is.\n"


def test_a_subnet_takes_every_option_of_the_openstack_command(demo: Ipam) -> None:
    made = parsed(
        demo(
            *["subnet", "create", "--network", "demo", "--subnet-range", "10.1.0.0/24"],
            *["--gateway", "10.1.0.254", "--no-dhcp", "--name", "other", "--ip-version", "4"],
            *["--allocation-pool", "start=10.1.0.10,end=10.1.0.19"],
            *["--allocation-pool", "start=10.1.0.30,end=10.1.0.39"],
            *["--dns-nameserver", "10.1.0.2", "--dns-nameserver", "10.1.0.3"],
            *["--host-route", "destination=10.9.0.0/16,gateway=10.1.0.9", "-f", "json"],
        )
    )
    assert made["name"] == "other"
    assert made["gateway_ip"] == "10.1.0.254"
    assert made["enable_dhcp"] is False
    assert [pool["start"] for pool in made["allocation_pools"]] == ["10.1.0.10", "10.1.0.30"]
    assert made["dns_nameservers"] == ["10.1.0.2", "10.1.0.3"]
    assert made["host_routes"] == [{"destination": "10.9.0.0/16", "nexthop": "10.1.0.9"}]


def test_an_ipv6_subnet_needs_no_ip_version(demo: Ipam) -> None:
    made = parsed(
        demo(
            *["subnet", "create", "--network", "demo", "--subnet-range", "2001:db8::/64", "v6"],
            *["--ipv6-ra-mode", "dhcpv6-stateful", "--ipv6-address-mode", "dhcpv6-stateful"],
            *["--gateway", "none", "-f", "json"],
        )
    )
    assert made["ip_version"] == 6
    assert made["gateway_ip"] is None
    assert names(demo("subnet", "list", "--ip-version", "6", "-f", "json")) == ["v6"]


def test_subnet_set_adds_to_lists_and_the_no_options_empty_them(
    demo: Ipam, show: Callable[..., Any]
) -> None:
    assert demo("subnet", "set", "demo-v4", "--dns-nameserver", "9.9.9.9").status == 0
    assert demo("subnet", "set", "demo-v4", "--dns-nameserver", "1.1.1.1").status == 0
    assert show("subnet", "demo-v4")["dns_nameservers"] == ["9.9.9.9", "1.1.1.1"]
    words = ["--no-dns-nameservers", "--dns-nameserver", "8.8.8.8", "--gateway", "none"]
    assert demo("subnet", "set", "demo-v4", *words).status == 0
    seen = show("subnet", "demo-v4")
    assert (seen["dns_nameservers"], seen["gateway_ip"]) == (["8.8.8.8"], None)
    words = ["--no-allocation-pool", "--allocation-pool", "start=10.0.0.2,end=10.0.0.9"]
    assert demo("subnet", "set", "demo-v4", *words).status == 0
    assert show("subnet", "demo-v4")["allocation_pools"] == [
        {"start": "10.0.0.2", "end": "10.0.0.9"}
    ]


def test_subnet_unset_takes_single_values_away(demo: Ipam, show: Callable[..., Any]) -> None:
    route = "destination=10.9.0.0/16,gateway=10.0.0.9"
    demo("subnet", "set", "demo-v4", "--dns-nameserver", "9.9.9.9", "--host-route", route)
    assert demo("subnet", "unset", "demo-v4", "--host-route", route).status == 0
    assert show("subnet", "demo-v4")["host_routes"] == []
    refused = demo("subnet", "unset", "demo-v4", "--dns-nameserver", "1.2.3.4")
    assert refused.status == 1
    assert refused.err == (
        "ipam: The subnet demo-v4 has no DNS name server 1.2.3.4. It has: 9.9.9.9.\n"
    )


def test_a_port_takes_addresses_options_and_a_host(demo: Ipam, show: Callable[..., Any]) -> None:
    made = parsed(
        demo(
            *[
                "port",
                "create",
                "--network",
                "demo",
                "web-1",
                "--host",
                "here",
                "--device",
                "vm-1",
            ],
            *["--fixed-ip", "subnet=demo-v4,ip-address=10.0.0.20", "--dns-name", "web-1"],
            *["--mac-address", "52:54:00:12:34:56", "--device-owner", "compute:nova"],
            *[
                "--extra-dhcp-option",
                "name=ntp-server,value=10.0.0.2,10.0.0.3,ip-version=4",
                "-f",
                "json",
            ],
        )
    )
    assert [one["ip_address"] for one in made["fixed_ips"]] == ["10.0.0.20"]
    assert made["mac_address"] == "52:54:00:12:34:56"
    assert made["binding:host_id"] == "here"
    assert made["extra_dhcp_opts"] == [
        {"opt_name": "ntp-server", "opt_value": "10.0.0.2,10.0.0.3", "ip_version": 4}
    ]
    assert show("port", "web-1")["device_id"] == "vm-1"


def test_port_set_and_unset_change_addresses_and_options(
    demo: Ipam, show: Callable[..., Any]
) -> None:
    demo("port", "create", "--network", "demo", "web-1", "--fixed-ip", "ip-address=10.0.0.20")
    assert demo("port", "set", "web-1", "--fixed-ip", "ip-address=10.0.0.21").status == 0
    both = [one["ip_address"] for one in show("port", "web-1")["fixed_ips"]]
    assert sorted(both) == ["10.0.0.20", "10.0.0.21"]
    assert demo("port", "unset", "web-1", "--fixed-ip", "ip-address=10.0.0.20").status == 0
    words = [
        "--no-fixed-ip",
        "--fixed-ip",
        "subnet=demo-v4,ip-address=10.0.0.22",
        "--host",
        "here",
    ]
    assert demo("port", "set", "web-1", *words).status == 0
    assert [one["ip_address"] for one in show("port", "web-1")["fixed_ips"]] == ["10.0.0.22"]
    option = ["--extra-dhcp-option", "name=bootfile-name,value=x"]
    assert demo("port", "set", "web-1", *option).status == 0
    words = ["--extra-dhcp-option", "bootfile-name", "--host", "--device", "--dns-name"]
    assert demo("port", "unset", "web-1", *words).status == 0
    seen = show("port", "web-1")
    assert (seen["extra_dhcp_opts"], seen["binding:host_id"]) == ([], "")


def test_ports_are_found_by_every_filter(demo: Ipam) -> None:
    demo("network", "create", "empty")
    words = ["--host", "here", "--mac-address", "52:54:00:12:34:56", "--device", "vm-1"]
    demo(
        "port",
        "create",
        "--network",
        "demo",
        "web-1",
        *words,
        "--fixed-ip",
        "ip-address=10.0.0.20",
    )
    demo("port", "create", "--network", "demo", "web-2")
    for filters in (
        ["--name", "web-1"],
        ["--host", "here"],
        ["--mac-address", "52:54:00:12:34:56"],
        ["--device-id", "vm-1"],
        ["--fixed-ip", "ip-address=10.0.0.20"],
        ["--network", "demo", "--fixed-ip", "subnet=demo-v4,ip-address=10.0.0.20"],
    ):
        assert names(demo("port", "list", "-f", "json", *filters)) == ["web-1"], filters
    assert demo("port", "list", "--network", "empty", "-f", "json").out == "[]\n"


def test_a_port_ends_when_it_is_told_and_the_list_says_which_end_soon(
    demo: Ipam, show: Callable[..., Any]
) -> None:
    for name, when in {"late": "60d", "soon": "2 days", "lasting": "never"}.items():
        assert demo("port", "create", "--network", "demo", name, "--expires", when).status == 0
    soon = demo("port", "list", "--expires-before", "7d")
    assert "| soon " in soon.out
    assert "in 1 d" in soon.out
    assert "late" not in soon.out
    assert names(demo("port", "list", "--expires-before", "never", "-f", "json")) == [
        "soon",
        "late",
    ]
    assert demo("port", "set", "soon", "--expires", "2099-01-31T18:00:00Z").status == 0
    assert show("port", "soon")["expires_at"] == "2099-01-31T18:00:00Z"
    assert "until 2099-01-31" in demo("find", "soon").out
    assert demo("port", "unset", "late", "--expires").status == 0
    assert demo("port", "set", "soon", "--expires", "never").status == 0
    assert demo("port", "list", "--expires-before", "never", "-f", "value").out == ""
    wrong = demo("port", "set", "soon", "--expires", "someday")
    assert wrong.status == 2
    assert "'someday' is no end: write 30d or 12h (from now), 2027-01-31," in wrong.err


def test_lists_are_sorted_limited_and_cut_to_columns(demo: Ipam) -> None:
    for number in (3, 1, 2):
        demo("network", "create", f"net-{number}")
    words = ["network", "list", "--sort-column", "name:desc", "--limit", "2", "-f", "value", "-c"]
    assert demo(*words, "Name").out == "net-3\nnet-2\n"
    assert demo("network", "list", "--limit", "0").status == 2
    assert demo("network", "list", "--limit", "-1").status == 2
    assert demo("network", "list", "--sort-column", "name:up").status == 2


def test_an_empty_table_is_a_sentence_and_other_formats_stay_empty(local: Ipam) -> None:
    for noun, plural in (("network", "networks"), ("lease", "leases"), ("agent", "agents")):
        table = local(noun, "list")
        assert (table.status, table.out, table.err) == (0, "", f"No {plural}.\n")
    assert local("network", "list", "-f", "json").out == "[]\n"
    assert local("network", "list", "-f", "value").out == ""


def test_a_name_that_several_have_is_refused_with_their_ids(local: Ipam) -> None:
    ids = [parsed(local("network", "create", "twin", "-f", "json"))["id"] for _ in range(2)]
    outcome = local("network", "show", "twin")
    assert outcome.status == 1
    assert "2 networks named 'twin'" in outcome.err
    assert all(one in outcome.err for one in ids)
    assert local("network", "delete", *ids).status == 0


def test_a_name_that_looks_like_an_id_is_found(local: Ipam) -> None:
    name = "00000000-0000-4000-8000-000000000000"
    made = parsed(local("network", "create", name, "-f", "json"))
    assert parsed(local("network", "show", name, "-f", "json"))["id"] == made["id"]


def test_a_failing_delete_does_not_stop_the_others(demo: Ipam) -> None:
    for name in ("a", "b"):
        demo("network", "create", name)
    demo("port", "create", "--network", "demo", "web-1")
    outcome = demo("network", "delete", "a", "nothing", "demo", "b")
    assert outcome.status == 1
    first, second, step = outcome.err.splitlines()
    assert "No network named 'nothing'" in first
    assert "in use" in second
    assert step.startswith("`ipam port list --network ")
    assert names(demo("network", "list", "-f", "json")) == ["demo"]


@pytest.fixture
def served(api: LiveApi, demo: Ipam) -> Ipam:
    """An agent `node-7` that has reported, and a port with a lease."""
    demo("port", "create", "--network", "demo", "web-1", "--fixed-ip", "ip-address=10.0.0.20")
    port = parsed(demo("port", "show", "web-1", "-f", "json"))
    now = time.time_ns() // 1000
    with Client(socket_path=api.socket) as client:
        agent = {
            "host": "node-7",
            "agent_type": "DHCP agent",
            "binary": "ipam-agent",
            "started_at": now // 1_000_000,
            "configurations": {"dnsmasq_version": "2.90", "networks": 1, "ports": 1, "leases": 1},
        }
        client.post("/v2.0/agents", json={"agent": agent})
        event = {
            "network_id": port["network_id"],
            "host": "node-7",
            "ip_address": "10.0.0.20",
            "mac_address": port["mac_address"],
            "hostname": "web-1",
            "client_id": None,
            "duid": None,
            "iaid": None,
            "details": {},
        }
        hour = 3_600_000_000
        events = [
            {**event, "id": f"{n:032x}", "action": action, "occurred_at_us": now - ago * hour,
             "expires_at": now // 1_000_000 + 3600}
            for n, (action, ago) in enumerate([("add", 50), ("del", 30), ("add", 2), ("old", 1)])
        ]  # fmt: skip
        client.post("/v2.0/lease-events", json={"lease_events": events})
    return demo


def test_leases_are_listed_shown_and_filtered(served: Ipam) -> None:
    (lease,) = parsed(served("lease", "list", "-f", "json"))
    assert lease["IP Address"] == "10.0.0.20"
    assert lease["Hostname"] == "web-1"
    assert lease["Host"] == "node-7"
    for filters in (
        ["--network", "demo"],
        ["--ip", "10.0.0.20"],
        ["--mac", lease["MAC Address"]],
        ["--hostname", "web-1"],
        ["--port", "web-1"],
        ["--host", "node-7"],
    ):
        assert len(parsed(served("lease", "list", *filters, "-f", "json"))) == 1, filters
    assert served("lease", "list", "--ip", "10.0.0.21", "-f", "json").out == "[]\n"
    shown = parsed(served("lease", "show", "10.0.0.20", "--network", "demo", "-f", "json"))
    assert shown["hostname"] == "web-1"
    missing = served("lease", "show", "10.0.0.99")
    assert (missing.status, missing.out) == (1, "")
    assert "No lease for '10.0.0.99'" in missing.err


def test_leases_are_ended_by_address_or_by_filter(served: Ipam) -> None:
    for words in (["10.0.0.20"], ["--network", "demo"], ["--host", "node-7"]):
        told = served("lease", "release", *words)
        assert (told.status, told.out) == (
            0,
            "10.0.0.20: its host node-7 is asked to end the lease.\n",
        )
    assert "No lease for '10.0.0.99'" in served("lease", "release", "10.0.0.99").err
    assert served("lease", "release", "--mac", "52:54:00:00:00:01").out == ""
    assert served("lease", "release").status == 2


def test_the_address_of_an_unannounced_machine_is_reserved(served: Ipam, api: LiveApi) -> None:
    told = served("lease", "reserve", "10.0.0.20")
    assert told.out == "10.0.0.20: no lease of a dynamic range; nothing is changed.\n"
    network = served("network", "show", "demo", "-f", "value", "-c", "id").out.strip()
    lan = ("--network", "demo", "--subnet-range", "10.7.0.0/24")
    dynamic = ("--dynamic-range", "start=10.7.0.100,end=10.7.0.120")
    assert served("subnet", "create", *lan, *dynamic, "lan").status == 0
    event = {"network_id": network, "host": "node-7", "ip_address": "10.7.0.100", "action": "add"}
    machine = {"mac_address": "52:54:00:00:00:07", "client_id": None, "duid": None, "iaid": None}
    times = {"occurred_at_us": time.time_ns() // 1000, "expires_at": None}
    with Client(socket_path=api.socket) as client:
        begun = [event | machine | times | {"id": "f" * 32, "hostname": "tv", "details": {}}]
        client.post("/v2.0/lease-events", json={"lease_events": begun})
    told = served("lease", "reserve", "--hostname", "tv", "--expires", "30d")
    assert told.out.startswith("10.7.0.100: reserved for 52:54:00:00:00:07 by port ")
    port = told.out.split()[-1].rstrip(".")
    assert served("port", "show", port, "-f", "value", "-c", "device_owner").out == "\n"


def test_a_subnet_has_client_classes(served: Ipam) -> None:
    lan = ("--network", "demo", "--subnet-range", "10.8.0.0/24", "classes")
    dynamic = ("--dynamic-range", "start=10.8.0.100,end=10.8.0.120")
    phones = "name=phones,vendor-class=a, b,start=10.8.0.110,end=10.8.0.119"
    option = ("--client-class-option", "class=phones,option=tftp-server,value=10.8.0.9")

    def classes() -> list[dict[str, Any]]:
        found = json.loads(served("subnet", "show", "classes", "-f", "json").out)
        return list(found["client_classes"])

    made = served("subnet", "create", *dynamic, "--client-class", phones, *option, *lan)
    assert made.status == 0, made.err
    (one,) = classes()
    assert (one["vendor_class"], one["start"], one["end"]) == ("a, b", "10.8.0.110", "10.8.0.119")
    assert one["dhcp_options"] == [{"opt_name": "tftp-server", "opt_value": "10.8.0.9"}]
    change = ("subnet", "set", "classes")
    assert served(*change, "--client-class", "name=labs,mac-prefix=52:54:00").status == 0
    assert served(*change, "--client-class", "name=phones,vendor-class=c").status == 0
    assert [(one["name"], one["vendor_class"]) for one in classes()] == [
        ("phones", "c"),
        ("labs", None),
    ]
    assert served(*change, *option).status == 2
    assert served("subnet", "unset", "classes", "--client-class", "none").status != 0
    assert served("subnet", "unset", "classes", "--client-class", "phones").status == 0
    assert [one["name"] for one in classes()] == ["labs"]
    assert served(*change, "--no-client-class").status == 0
    assert classes() == []


def test_lease_events_come_newest_first_and_by_time(served: Ipam) -> None:
    def actions(*words: str) -> list[str]:
        return [one["Action"] for one in parsed(served("lease", "events", "-f", "json", *words))]

    assert actions() == ["old", "add", "del", "add"]
    assert actions("--since", "3h") == ["old", "add"]
    assert actions("--since", "2d", "--until", "90m") == ["add", "del"]
    assert actions("--action", "del", "--port", "web-1") == ["del"]
    assert actions("--limit", "1") == ["old"]
    assert served("lease", "events", "--since", "someday").status == 2


def test_agents_are_known_by_host(served: Ipam) -> None:
    (agent,) = parsed(served("agent", "list", "-f", "json"))
    assert (agent["Host"], agent["Alive"], agent["dnsmasq"]) == ("node-7", True, "2.90")
    assert served("agent", "set", "node-7", "--disable", "--description", "rack 4").status == 0
    shown = parsed(served("agent", "show", "node-7", "-f", "json"))
    assert (shown["admin_state_up"], shown["description"]) == (False, "rack 4")
    deleted = served("agent", "delete", "node-7")
    assert deleted.status == 0
    assert "the agent of node-7 is alive" in deleted.err
    assert "No agent on host 'node-7'" in served("agent", "show", "node-7").err


def test_set_without_a_change_is_a_usage_error(served: Ipam) -> None:
    for noun, name in (("network", "demo"), ("subnet", "demo-v4"), ("port", "web-1")):
        outcome = served(noun, "set", name)
        assert outcome.status == 2
        assert f"ipam {noun} set --help" in outcome.err


def test_a_host_without_an_agent_is_accepted_and_said(served: Ipam) -> None:
    words = ("--network", "demo", "-c", "id")
    made = served("port", "create", "on-nobody", *words, "--host", "node-8")
    assert made.status == 0
    assert "no agent has ever reported a host 'node-8'" in made.err
    assert "Did you mean 'node-7'?" in made.err
    changed = served("port", "set", "on-nobody", "--host", "elsewhere.example.org")
    assert (changed.status, "'elsewhere.example.org'" in changed.err) == (0, True)
    assert served("port", "set", "on-nobody", "--host", "node-7").err == ""
