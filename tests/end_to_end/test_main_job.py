"""A machine boots on a network, and its lease is in the database."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipam import model
from tests.end_to_end.live_service import LEASE_SECONDS, Machine, Service, run_or_fail
from tests.system.ipam_host import random_mac
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

Plug = Callable[[dict[str, Any]], Machine]


def make_network(service: Service, name: str, cidr: str, *subnet_words: str) -> dict[str, Any]:
    network: dict[str, Any] = service.json("network", "create", name)
    words = ("--network", name, "--subnet-range", cidr, *subnet_words)
    service.json("subnet", "create", f"{name}-subnet", *words)
    return network


def make_port(service: Service, network: str, name: str, *words: str) -> dict[str, Any]:
    service.json("port", "create", name, "--network", network, "--host", service.host, *words)
    waited = service.run("port", "wait", name, "--timeout", f"{PATIENCE_SECONDS:g}")
    assert waited.returncode == 0, waited.stderr
    port: dict[str, Any] = service.json("port", "show", name)
    assert port["status"] == "ACTIVE"
    return port


def lease_of(service: Service, address: str) -> dict[str, Any] | None:
    leases = service.json("lease", "list", "--ip", address)
    return leases[0] if leases else None


@pytest.fixture(scope="module")
def office(service: Service) -> str:
    make_network(
        *(service, "office", "10.91.0.0/24", "--dns-nameserver", "10.91.0.53"),
        *("--host-route", "destination=10.99.0.0/16,gateway=10.91.0.254"),
    )
    return "office"


@pytest.mark.parametrize("client", ["udhcpc", "dhclient", "dhcpcd"])
def test_client_gets_its_ports_address_and_the_lease_is_listed(
    service: Service, office: str, machine: Plug, client: str
) -> None:
    port = make_port(service, office, f"vm-{client}", "--dns-name", f"vm-{client}")
    address = port["fixed_ips"][0]["ip_address"]

    plugged, asked_at = machine(port), time.time()
    got, told = plugged.ask(client)
    given_at = time.time()

    assert got == address, told
    eventually(lambda: lease_of(service, address))
    lease = lease_of(service, address)
    listed_at = time.time()
    assert lease is not None
    assert lease["MAC Address"] == port["mac_address"]
    assert lease["Hostname"] == f"vm-{client}"
    shown = service.json("lease", "show", address)
    assert shown["host"] == service.host
    assert shown["port_id"] == port["id"]
    expires = time.mktime(time.strptime(shown["expires_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert asked_at - 1 <= expires - LEASE_SECONDS <= given_at + 1
    first_seen = shown["first_seen_at"].replace("Z", "")
    assert first_seen <= time.strftime("%Y-%m-%dT%H:%M:%S.999999", time.gmtime(listed_at))


def test_the_machine_is_told_router_dns_mtu_domain_and_routes(
    service: Service, office: str, machine: Plug
) -> None:
    port = make_port(service, office, "vm-told", "--dns-name", "vm-told")

    _, told = machine(port).ask("dhclient")

    assert told["new_routers"] == "10.91.0.1"
    assert told["new_domain_name_servers"] == "10.91.0.53"
    assert told["new_host_name"] == "vm-told"
    assert told["new_interface_mtu"] == "1500"
    assert told["new_dhcp_lease_time"] == str(LEASE_SECONDS)


def test_explain_tells_what_lacks_until_the_machine_has_its_address(
    service: Service, office: str, machine: Plug
) -> None:
    port = make_port(service, office, "vm-why")

    def cause(subject: str) -> str:
        told = service.run("explain", subject, "-f", "json")
        (found,) = json.loads(told.stdout)
        return str(found["cause"]["code"] if found["cause"] else found["verdict"])

    stranger = {**port, "mac_address": random_mac()}
    assert cause(stranger["mac_address"]) == "unknown"
    assert cause("vm-why") == "never-heard"
    plugged = machine(port)
    assert plugged.ask("udhcpc")[0] == port["fixed_ips"][0]["ip_address"]
    eventually(lambda: cause(port["mac_address"]) == "fine")
    service.run("subnet", "set", "office-subnet", "--no-dhcp")
    assert cause("vm-why") == "dhcp-off"
    service.run("subnet", "set", "office-subnet", "--dhcp")


@pytest.mark.parametrize("client", ["dhclient6"])
def test_stateful_ipv6_subnet_serves_exactly_the_ports_address(
    service: Service, machine: Plug, client: str
) -> None:
    modes: tuple[str, ...] = ("--ip-version", "6", "--ipv6-address-mode", "dhcpv6-stateful")
    modes += ("--ipv6-ra-mode", "dhcpv6-stateful")
    make_network(service, f"six-{client}", "2001:db8:91::/64", *modes)
    port = make_port(service, f"six-{client}", f"vm6-{client}")
    address = port["fixed_ips"][0]["ip_address"]
    plugged = machine(port)
    # A link-local address is usable only once duplicate detection is over.
    eventually(lambda: "tentative" not in plugged.run("ip", "-6", "address"))

    got, told = plugged.ask(client)

    assert got == address, told
    eventually(lambda: lease_of(service, address))


def test_killed_agent_comes_back_without_disturbing_dnsmasq_or_a_client(
    service: Service, office: str, machine: Plug
) -> None:
    port = make_port(service, office, "vm-survivor")
    plugged = machine(port)
    address = port["fixed_ips"][0]["ip_address"]
    assert plugged.ask("udhcpc")[0] == address
    before = service.dnsmasq_pids()
    (agent,) = service.children(" agent run")

    os.kill(agent, signal.SIGKILL)
    assert plugged.ask("dhclient")[0] == address, "no answer while the agent is away"
    eventually(lambda: service.children(" agent run") not in ([], [agent]))
    late = make_port(service, office, "vm-late")

    assert machine(late).ask("udhcpc")[0] == late["fixed_ips"][0]["ip_address"]
    assert service.dnsmasq_pids() == before


def test_deleted_port_frees_its_address_leaves_dnsmasq_and_ends_its_lease(
    service: Service, office: str, machine: Plug
) -> None:
    port = make_port(service, office, "vm-gone")
    address = port["fixed_ips"][0]["ip_address"]
    assert machine(port).ask("udhcpc")[0] == address
    eventually(lambda: lease_of(service, address))

    assert service.run("port", "delete", "vm-gone").returncode == 0

    assert lease_of(service, address) is None
    eventually(lambda: not list(service.run_path.glob(f"dhcp/*/hosts/{port['id']}")))
    again = make_port(service, office, "vm-next", "--fixed-ip", f"ip-address={address}")
    got, told = machine(again).ask("udhcpc")
    assert got == address, told
    events = service.json("lease", "events", "--ip", address)
    assert [event["Action"] for event in events].count("add") >= 2
    assert "del" in {event["Action"] for event in events}


def test_a_port_of_no_host_is_served_too(service: Service, office: str, machine: Plug) -> None:
    service.json("port", "create", "bare-metal", "--network", office)
    waited = service.run("port", "wait", "bare-metal", "--timeout", f"{PATIENCE_SECONDS:g}")
    assert waited.returncode == 0, waited.stderr
    port = service.json("port", "show", "bare-metal")

    plugged = machine(port)

    bridge = f"brq{port['network_id']}"[:14]
    subprocess.run(
        ["ip", "link", "set", f"tap{port['id']}"[:14], "master", bridge, "up"], check=True
    )
    assert plugged.ask("udhcpc")[0] == port["fixed_ips"][0]["ip_address"]


def test_deleted_network_leaves_nothing_on_the_host(service: Service) -> None:
    network = make_network(service, "short-lived", "10.92.0.0/24")
    bridge, namespace = f"brq{network['id']}"[:14], f"dhcp-{network['id']}"
    make_port(service, "short-lived", "vm-short")
    assert bridge in _links()
    assert service.run("port", "delete", "vm-short").returncode == 0
    assert service.run("network", "delete", "short-lived").returncode == 0

    eventually(lambda: bridge not in _links(), _links)
    eventually(lambda: not Path("/run/netns", namespace).exists())


def test_hostile_hostname_of_a_client_stays_text(
    service: Service, office: str, machine: Plug
) -> None:
    port = make_port(service, office, "vm-hostile")
    plugged = machine(port)
    script = plugged.directory / "hostile.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)

    hostile = "-x hostname:evil,set:x -V 'a\nb' "
    plugged.run(
        "sh", "-c", f"udhcpc -f -q -n -t 60 -T 1 -s {script} -i {plugged.interface} {hostile}"
    )

    address = port["fixed_ips"][0]["ip_address"]
    eventually(lambda: lease_of(service, address))
    event = service.json("lease", "events", "--ip", address)[-1]
    assert re.fullmatch(r"[\x20-\x7e]*", str(event))


def _links() -> str:
    return subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout


def refusals(service: Service) -> int:
    """dhcpcd may ask for what it had on an interface of this name, and is refused that."""
    return (service.state_path / "log").read_text().count("DHCPNAK")


@pytest.fixture(scope="module")
def wire(service: Service) -> str:
    """A network on which machines need no ports; its bridge."""
    dynamic = ("--dynamic-range", "start=10.97.0.100,end=10.97.0.110")
    network = make_network(service, "wire", "10.97.0.0/24", *dynamic)
    bridge = model.bridge_name(network["id"])
    eventually(Path(f"/sys/class/net/{bridge}").exists, "the network is served")
    return bridge


@pytest.mark.parametrize("client", ["udhcpc", "dhclient", "dhcpcd"])
def test_an_unannounced_machine_keeps_its_address_when_it_is_reserved(
    service: Service, wire: str, machine: Plug, client: str
) -> None:
    port = {"id": f"{client:x<11}", "mac_address": random_mac()}
    plugged = machine(port)
    run_or_fail("ip", "link", "set", f"tap{port['id']}"[:14], "master", wire, "up")
    got, told = plugged.ask(client)
    assert got.startswith("10.97.0.1"), told
    eventually(lambda: lease_of(service, got), "the lease is listed")
    (made,) = service.json("port", "list", "--mac-address", port["mac_address"])
    assert service.json("port", "show", made["ID"])["device_owner"] == "dhcp:lease"

    refused = refusals(service)
    kept = service.run("lease", "reserve", "--mac", port["mac_address"])
    assert kept.stdout.startswith(f"{got}: reserved for "), kept.stderr
    assert service.run("port", "wait", made["ID"]).returncode == 0
    plugged.run("ip", "address", "flush", "dev", plugged.interface)
    assert plugged.ask(client)[0] == got
    assert refusals(service) == refused

    ended = service.run("lease", "release", got)
    assert ended.returncode == 0, ended.stderr
    eventually(lambda: lease_of(service, got) is None, "the lease ends")
    assert service.json("port", "show", made["ID"])["fixed_ips"][0]["ip_address"] == got
