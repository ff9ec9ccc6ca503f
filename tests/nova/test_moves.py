"""Servers that move between hosts: cold, live, by evacuation."""

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.nova.people import Tenant
from tests.nova.test_lifecycle import essence
from tests.servers.openstack import hypervisors
from tests.waiting import eventually

HOSTS = ("compute1", "compute2")
TAP_AFTER_SECONDS = 3


def host_of(admin: Any, server: Any) -> str:
    host: str = admin.compute.get_server(server.id).compute_host
    return host


def is_active_on(tenant: Tenant, server: Any, host: str) -> bool:
    port = tenant.the_port(server)
    return (port["status"], port["binding:host_id"]) == ("ACTIVE", host)


def bindings(tenant: Tenant, server: Any) -> dict[str, str]:
    port = tenant.the_port(server)
    found = tenant.ipam.get(f"/v2.0/ports/{port['id']}/bindings")["bindings"]
    return {one["host"]: one["status"] for one in found}


def live_migrations(admin: Any) -> list[str]:
    found = admin.compute.get("/os-migrations?migration_type=live-migration").json()
    return [one["status"] for one in found["migrations"]]


def boot_on(tenant: Tenant, admin: Any, network: Any, host: str) -> Any:
    server = tenant.boot([{"uuid": network.id}], by=admin, availability_zone=f"nova:{host}")
    eventually(lambda: is_active_on(tenant, server, host), f"the port is ACTIVE on {host}")
    return server


@pytest.mark.parametrize("how", ["migrate", "resize"])
def test_a_cold_move_takes_the_port_along(
    tenant: Tenant, admin: Any, network: Any, how: str
) -> None:
    server = boot_on(tenant, admin, network, "compute1")
    before = essence(tenant.the_port(server))
    if how == "migrate":
        admin.compute.migrate_server(server, host="compute2")
    else:
        admin.compute.resize_server(server, tenant.cloud.flavors["small"])
    tenant.await_server(server, "VERIFY_RESIZE")
    admin.compute.confirm_server_resize(server)
    tenant.await_server(server)
    assert host_of(admin, server) == "compute2"
    eventually(lambda: is_active_on(tenant, server, "compute2"), "ACTIVE on compute2")
    assert essence(tenant.the_port(server)) == before
    assert bindings(tenant, server) == {"compute2": "ACTIVE"}


def test_a_reverted_resize_brings_the_port_back(tenant: Tenant, admin: Any, network: Any) -> None:
    server = boot_on(tenant, admin, network, "compute1")
    before = essence(tenant.the_port(server))
    admin.compute.resize_server(server, tenant.cloud.flavors["small"])
    tenant.await_server(server, "VERIFY_RESIZE")
    admin.compute.revert_server_resize(server)
    tenant.await_server(server)
    eventually(lambda: is_active_on(tenant, server, "compute1"), "ACTIVE on compute1")
    assert essence(tenant.the_port(server)) == before
    assert bindings(tenant, server) == {"compute1": "ACTIVE"}


def test_a_live_migration_waits_for_the_port_and_leaves_one_binding(
    tenant: Tenant, admin: Any, network: Any
) -> None:
    server = boot_on(tenant, admin, network, "compute2")
    before = essence(tenant.the_port(server))
    tenant.cloud.programs.send("taps-compute1", signal.SIGSTOP)
    try:
        admin.compute.live_migrate_server(server, host="compute1", block_migration=False)
        both = {"compute2": "ACTIVE", "compute1": "INACTIVE"}
        eventually(lambda: bindings(tenant, server) == both, "both hosts have a binding")
        # libvirt makes the tap when Nova waits for it already, and not with the binding.
        time.sleep(TAP_AFTER_SECONDS)
        assert admin.compute.get_server(server.id).status == "MIGRATING"
        assert host_of(admin, server) == "compute2"
    finally:
        tenant.cloud.programs.send("taps-compute1", signal.SIGCONT)
    tenant.await_server(server)
    assert host_of(admin, server) == "compute1"
    eventually(lambda: is_active_on(tenant, server, "compute1"), "ACTIVE on compute1")
    assert essence(tenant.the_port(server)) == before
    # The old host cleans up when the server is ACTIVE already.
    eventually(lambda: live_migrations(admin) == ["completed"], "Nova has completed it")
    assert bindings(tenant, server) == {"compute1": "ACTIVE"}


def test_an_evacuated_server_has_its_address_on_the_other_host(
    tenant: Tenant, admin: Any, network: Any
) -> None:
    server = boot_on(tenant, admin, network, "compute1")
    before = essence(tenant.the_port(server))
    with _dead(tenant, admin, "compute1"):
        admin.compute.evacuate_server(server, host="compute2")
        eventually(lambda: host_of(admin, server) == "compute2", "on compute2")
        if tenant.cloud.release.stops_evacuated:
            tenant.await_server(server, "SHUTOFF")
            tenant.compute.start_server(server)
        tenant.await_server(server)
        eventually(lambda: is_active_on(tenant, server, "compute2"), "ACTIVE on compute2")
        assert essence(tenant.the_port(server)) == before


@contextlib.contextmanager
def _dead(tenant: Tenant, admin: Any, host: str) -> Iterator[None]:
    """A host whose nova-compute is gone, and known to be."""
    place, one = tenant.cloud.place, tenant.cloud.hosts[host]

    def is_(state: str) -> bool:
        services = admin.compute.get("/os-services?binary=nova-compute").json()["services"]
        return {"host": host, "state": state} in [
            {"host": each["host"], "state": each["state"]} for each in services
        ]

    place.programs.stop(one.compute)
    eventually(lambda: is_("down"), f"{host} is down")
    try:
        yield
    finally:
        hypervisors.start_compute(place, one)
        eventually(lambda: is_("up"), f"{host} is up")
