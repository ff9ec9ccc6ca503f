"""Guests in QEMU on two hosts with real agents: names, pings, and QEMU's own live migration."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.kernel_features import need
from tests.libvirt.emulated import EmulatedGuest
from tests.open_directory import open_directory
from tests.servers.openstack import guest, libvirt
from tests.servers.openstack.releases import NOVA33
from tests.system import frames
from tests.system.moving import announcement_of
from tests.system.pinging import Pinging
from tests.system.reach import Json, Machine, Rack
from tests.system.two_hosts import HostNamespace, started
from tests.system.wire import inside
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(
    not os.environ.get("IPAM_TEST_EVERY_CELL"), reason="a long one: scripts/test --full"
)


@pytest.fixture(scope="module")
def rack() -> Iterator[Rack]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    if why := libvirt.missing():
        pytest.skip(why)
    need("vxlan")
    with started(Rack) as made:
        yield made


@pytest.fixture(scope="module")
def network(rack: Rack) -> Json:
    made = rack.network(network_type="vxlan", segmentation_id=72)
    path = f"/v2.0/networks/{made['id']}"
    return dict(rack.client.put(path, json={"network": {"dns_domain": "lab.example."}})["network"])


@pytest.fixture(scope="module")
def observers(rack: Rack, network: Json) -> list[Machine]:
    """On the host that the guest leaves, on the one it comes to, and on a third."""
    c = rack.host("c")
    c.start_agent()
    made = [rack.machine(network, host) for host in (rack.a, rack.b, c)]
    for one in made:
        rack.await_status(one.port, "ACTIVE")
    return made


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory("qemu") as made:
        yield made


def booted(
    rack: Rack, network: Json, host: HostNamespace, directory: Path, *, name: str, reach: str
) -> EmulatedGuest:
    """A guest whose port is called so, and that pings another by name."""
    body = {
        "network_id": network["id"],
        "device_owner": "compute:nova",
        "binding:host_id": host.name,
        "dns_name": name,
    }
    port = rack.client.post("/v2.0/ports", json={"port": body})["port"]
    system = guest.make(NOVA33.environment.folder / "guest")
    made = EmulatedGuest(port, host, directory, system, reach)
    rack.on_close(made.close)
    return made


def test_guests_of_two_hosts_reach_each_other_by_name_and_one_moves_live(
    rack: Rack, network: Json, observers: list[Machine], directory: Path
) -> None:
    one = booted(rack, network, rack.a, directory, name="guest-a", reach="guest-b")
    other = booted(rack, network, rack.b, directory, name="guest-b", reach="guest-a")
    one.here.await_line("GUEST reaches guest-b")
    other.here.await_line("GUEST reaches guest-a")
    address = one.address(4)
    assert all(observer.reaches(address) for observer in observers)
    path = f"/v2.0/ports/{one.port['id']}/bindings"
    rack.client.post(path, json={"binding": {"host": "b"}})
    one.appear(rack.b)
    eventually(lambda: f"port {one.port['id']}: DHCP answers" in rack.b.log(), "b is ready")
    with Pinging((observer, address) for observer in observers) as pinging, ExitStack() as stack:
        ears = [
            stack.enter_context(closing(inside(each.namespace, frames.packet_socket)))
            for each in observers
        ]
        one.move()
        for ear in ears:
            frames.heard_until(ear, announcement_of(one.port["mac_address"]))
        heard = pinging.rounds
        rack.client.put(f"{path}/b/activate", json={})
        rack.client.delete(f"{path}/a")
        rack.await_status(one.port, "ACTIVE")
    for way, numbers in pinging.not_answered_once().items():
        lost = sorted(numbers)
        assert lost == list(range(lost[0], lost[-1] + 1)), f"{way}: one pause, the machine's own"
        assert lost[-1] <= heard, f"{way}: it ends when the machine is heard"
    one.here.await_line("GUEST reaches guest-b")
