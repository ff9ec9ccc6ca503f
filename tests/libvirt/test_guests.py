"""Guests that Nova starts get exactly the address of their port, on the agent's bridge."""

import signal
import threading
import time
from typing import Any

import pytest

from tests.libvirt.guests import Guest, Host
from tests.nova.people import Tenant
from tests.waiting import eventually


@pytest.fixture
def network(tenant: Tenant) -> Any:
    made = tenant.network(
        dns_nameservers=["192.0.2.53"],
        host_routes=[{"destination": "198.51.100.0/24", "nexthop": f"{tenant.prefix}.9"}],
    )
    tenant.ipam.put(
        f"/v2.0/networks/{made.id}",
        json={"network": {"mtu": 1400, "dns_domain": "lab.example."}},
    )
    return made


def boot(tenant: Tenant, network: Any, address: str, name: str) -> Guest:
    fixed = [{"uuid": network.id, "fixed_ip": address}]
    return Guest(tenant, tenant.boot(fixed, name=name))


@pytest.mark.parametrize("vif_type", ["tap", "bridge"])
def test_guests_hold_what_their_ports_say_and_reach_each_other(
    tenant: Tenant, host: Host, network: Any, vif_type: str
) -> None:
    host.restart_agent(vif_type)
    one, two = (f"{tenant.prefix}.{last}" for last in (11, 12))
    guests = {
        one: boot(tenant, network, one, "guest-one"),
        two: boot(tenant, network, two, "guest-two"),
    }
    for address, guest in guests.items():
        port = tenant.the_port(guest.server)
        told = guest.told()
        assert guest.said("mac") == [port["mac_address"]]
        assert guest.said("address") == [f"{address}/24"]
        assert told["ip"] == port["fixed_ips"][0]["ip_address"] == address
        assert told["hostname"].split(".")[0] == guest.server.name
        assert (told["mtu"], told["dns"]) == ("1400", "192.0.2.53")
        assert told["domain"] == "lab.example"
        routes = " ".join(guest.said("route"))
        assert f"default via {tenant.prefix}.1 " in routes
        assert f"198.51.100.0/24 via {tenant.prefix}.9 " in routes
        assert guest.said("link-mtu") == ["1400"]
        assert (port["status"], port["binding:vif_type"]) == ("ACTIVE", vif_type)
        assert host.plugged(port)
    guests[one].await_line(f"GUEST reaches {two}")
    guests[two].await_line(f"GUEST reaches {one}")


def test_a_guest_on_a_deleted_ones_address_gets_its_lease_at_once(
    tenant: Tenant, host: Host, network: Any
) -> None:
    host.restart_agent("tap")
    address = f"{tenant.prefix}.13"
    first = boot(tenant, network, address, "first")
    first.told()
    (mac_before,) = first.said("mac")
    tenant.delete(first.server)
    second = boot(tenant, network, address, "second")
    assert second.told()["ip"] == address
    assert second.said("mac") != [mac_before]
    # udhcpc says so once for each try: the first was answered.
    assert second.console().count("broadcasting discover") == 1, second.console()


def test_nova_waits_until_the_tap_is_on_the_bridge(
    tenant: Tenant, host: Host, network: Any
) -> None:
    """A slow agent is waited for; the port is not ACTIVE before its tap is where it belongs."""
    server = tenant.boot([{"uuid": network.id}], wait=False)
    host.signal_agent(signal.SIGSTOP)
    thawing = threading.Timer(8, host.signal_agent, [signal.SIGCONT])
    thawing.start()
    try:
        begun = time.monotonic()
        while (status := tenant.compute.get_server(server.id).status) == "BUILD":
            for port in tenant.ports_of(server):
                plugged_after = host.plugged(port)
                assert port["status"] != "ACTIVE" or plugged_after, port
            time.sleep(0.05)
        waited = time.monotonic() - begun
    finally:
        thawing.join()
    assert status == "ACTIVE"
    assert waited > 5, "Nova did not wait for the agent"
    assert tenant.the_port(server)["status"] == "ACTIVE"
    Guest(tenant, server).told()


def test_without_its_agent_a_boot_fails_and_ipam_says_why(
    tenant: Tenant, host: Host, network: Any
) -> None:
    host.place.programs.stop(host.hypervisor.agent, signal.SIGKILL)
    try:
        server = tenant.boot([{"uuid": network.id}], wait=False)
        port = eventually(
            lambda: [p for p in tenant.ports_of(server) if p["binding:host_id"]], "bound"
        )[0]
        eventually(
            lambda: "No agent is alive on host" in host.port_wait(port["id"], seconds=1),
            "the agent counts as dead",
        )
        refused = tenant.await_server(server, "ERROR")
        assert refused.fault
    finally:
        host.restart_agent("tap")
