"""Changes of a server change its port, and nothing else."""

from typing import Any

import pytest

from tests.nova.people import Tenant
from tests.waiting import eventually


def essence(port: dict[str, Any]) -> dict[str, Any]:
    """What a machine would notice of its port."""
    return {name: port[name] for name in ("id", "mac_address", "fixed_ips", "device_id")}


@pytest.mark.parametrize("how", ["stop and start", "soft reboot", "hard reboot", "rebuild"])
def test_the_port_stays_what_it_is(tenant: Tenant, network: Any, how: str) -> None:
    server = tenant.boot([{"uuid": network.id}])
    before, shown = essence(tenant.the_port(server)), tenant.addresses(server)
    match how:
        case "stop and start":
            tenant.compute.stop_server(server)
            tenant.await_server(server, "SHUTOFF")
            tenant.compute.start_server(server)
        case "soft reboot" | "hard reboot":
            tenant.compute.reboot_server(server, how.split(maxsplit=1)[0].upper())
        case "rebuild":
            tenant.compute.rebuild_server(server, image=tenant.cloud.image_id)
    tenant.await_server(server)
    assert essence(tenant.the_port(server)) == before
    assert tenant.addresses(server) == shown


def test_a_shelved_server_keeps_its_address_on_no_host(tenant: Tenant, network: Any) -> None:
    if not tenant.cloud.release.unbinds_shelved:
        pytest.skip("this Nova leaves the port of a shelved server bound")
    server = tenant.boot([{"uuid": network.id}])
    before = essence(tenant.the_port(server))
    tenant.compute.shelve_server(server)
    tenant.await_server(server, "SHELVED_OFFLOADED")
    shelved = eventually(
        lambda: tenant.the_port(server)["binding:host_id"] == "" and tenant.the_port(server),
        "the port is bound nowhere",
    )
    assert (essence(shelved), shelved["binding:vif_type"]) == (before, "unbound")
    assert shelved["status"] == "DOWN"
    tenant.compute.unshelve_server(server)
    tenant.await_server(server)
    back = tenant.the_port(server)
    assert essence(back) == before
    assert back["binding:host_id"] in tenant.cloud.hosts


def test_a_port_is_active_when_its_tap_is_plugged(tenant: Tenant, network: Any) -> None:
    server = tenant.boot([{"uuid": network.id}])
    eventually(lambda: tenant.the_port(server)["status"] == "ACTIVE", "the port is ACTIVE")
