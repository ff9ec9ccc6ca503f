"""Events about ports reach Nova, even if ipam or Nova is stopped meanwhile."""

import signal
from functools import partial
from typing import Any

from tests.nova.people import Tenant
from tests.servers.private_server import is_listening
from tests.waiting import eventually


def test_nothing_is_lost_while_nova_is_away_and_the_worker_is_killed(
    tenant: Tenant, network: Any
) -> None:
    programs = tenant.cloud.programs
    servers = [tenant.boot([{"uuid": network.id}]) for _ in range(3)]
    moved = {}
    programs.stop("nova")
    try:
        for number, server in enumerate(servers):
            port_id = tenant.the_port(server)["id"]
            moved[server.id] = address = f"{tenant.prefix}.{150 + number}"
            tenant.net.update_port(port_id, fixed_ips=[{"ip_address": address}])
            programs.stop("ipam-worker", signal.SIGKILL)
            programs.start_again("ipam-worker")
    finally:
        programs.start_again("nova")
        port = tenant.cloud.place.ports.nova
        eventually(partial(is_listening, port), "Nova listens")
    for server_id, address in moved.items():
        shows = partial(tenant.shows, server_id, address)
        eventually(shows, f"Nova shows {address}")


def test_nova_hears_that_a_port_is_plugged_only_when_its_tap_is_there(
    tenant: Tenant, network: Any
) -> None:
    """The fake driver waits for nothing, so what Nova was told stands in the worker's log."""
    server = tenant.boot([{"uuid": network.id}])
    port = tenant.the_port(server)
    eventually(lambda: tenant.the_port(server)["status"] == "ACTIVE", "the port is ACTIVE")
    assert tenant.has_tap(port)
    tenant.compute.stop_server(server)
    tenant.await_server(server, "SHUTOFF")
    tenant.unplug(port)
    eventually(lambda: tenant.the_port(server)["status"] == "DOWN", "the port is DOWN")
