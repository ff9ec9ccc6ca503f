"""Servers on two hosts reach each other by VXLAN, also while one of them moves."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ipam import model
from tests.nova.people import Tenant
from tests.nova.test_moves import bindings, boot_on, is_active_on
from tests.system.moving import Journey, MovingMachine, open_tap
from tests.system.pinging import Pinging
from tests.system.reach import HostOfTaps
from tests.system.wire import inside
from tests.waiting import eventually


@dataclass
class NovaHost:
    """A host of the lab."""

    name: str
    network_namespace: str


class ServersMachine(MovingMachine):
    """What a server of a fake hypervisor would run; its taps are there."""

    def _open_tap(self, host: HostOfTaps, tap: str) -> int:
        opened = partial(open_tap, tap)
        return inside(host.network_namespace, opened) if host.network_namespace else opened()


@pytest.fixture
def machines(tenant: Tenant, admin: Any, network: Any) -> Iterator[list[ServersMachine]]:
    """On compute2, the one to move and another; on compute1 a third."""
    made = []
    try:
        for name in ("compute2", "compute2", "compute1"):
            host = NovaHost(name, tenant.cloud.hosts[name].namespace)
            port = tenant.the_port(boot_on(tenant, admin, network, name))
            made.append(ServersMachine(port, network.mtu, host))
            made[-1].connect()
        yield made
    finally:
        for one in made:
            one.close()


def is_plugged_here(port: dict[str, Any]) -> bool:
    """Whether the port's tap is on a bridge of this machine, which is compute1."""
    return Path("/sys/class/net", model.tap_name(port["id"]), "master").exists()


def test_servers_of_two_hosts_reach_each_other_while_one_moves_live(
    tenant: Tenant, admin: Any, network: Any, machines: list[ServersMachine]
) -> None:
    shown = tenant.ipam.get(f"/v2.0/networks/{network.id}")["network"]
    assert (shown["provider:network_type"], shown["mtu"]) == ("vxlan", 1450)
    one, *others = machines
    server = tenant.compute.get_server(one.port["device_id"])
    journey = Journey(one, others)
    assert all(other.reaches(one.address(4)) for other in others)
    compute1 = others[-1].host
    plugger = partial(tenant.cloud.programs.send, "taps-compute2")
    with Pinging((other, one.address(4)) for other in others) as pinging:
        # The fake driver is done at once, and would take the tap from the machine that still runs.
        plugger(signal.SIGSTOP)
        try:
            admin.compute.live_migrate_server(server, host="compute1", block_migration=False)
            eventually(lambda: is_plugged_here(one.port), "the tap is on the target's bridge")
            one.appear(compute1)
            pinging.in_a_pause(lambda: journey.go_on(compute1))
        finally:
            plugger(signal.SIGCONT)
        tenant.await_server(server)
        eventually(lambda: is_active_on(tenant, server, "compute1"), "ACTIVE on compute1")
        eventually(lambda: bindings(tenant, server) == {"compute1": "ACTIVE"}, "one binding")
    assert pinging.not_answered_once() == {}
