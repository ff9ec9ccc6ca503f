"""A machine that moves between two hosts with real agents is answered at every moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.system.two_hosts import Cloud, Guest, Probe
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

Step = Callable[[], object]


def live(cloud: Cloud, port: dict[str, Any], guest: Guest) -> list[Step]:
    """The calls of a live migration, in Nova's order."""
    path = f"/v2.0/ports/{port['id']}/bindings"
    return [
        lambda: cloud.client.post(path, json={"binding": {"host": "b"}}),
        lambda: guest.plug(cloud.b),
        lambda: cloud.eventually(
            lambda: f"port {port['id']}: DHCP answers" in cloud.b.log(), "b is ready"
        ),
        lambda: cloud.client.get(f"{path}/b"),
        lambda: cloud.client.put(f"{path}/b/activate", json={}),
        lambda: guest.unplug(cloud.a),
        lambda: cloud.client.delete(f"{path}/a"),
    ]


def cold(cloud: Cloud, port: dict[str, Any], guest: Guest) -> list[Step]:
    """A move by update, as migration, resize and evacuation have it."""
    body = {"port": {"binding:host_id": "b"}}
    return [
        lambda: cloud.client.put(f"/v2.0/ports/{port['id']}", json=body),
        lambda: cloud.await_look(cloud.a),
        lambda: guest.plug(cloud.b),
    ]


def running(cloud: Cloud) -> tuple[dict[str, Any], Guest, dict[str, Any]]:
    """A guest on host a with its lease."""
    port = cloud.port(cloud.a)
    guest = cloud.guest(port)
    guest.plug(cloud.a)
    cloud.await_status(port, "ACTIVE")
    guest.start_client()
    lease = cloud.eventually(lambda: lease_of(cloud, port), "the lease")
    return port, guest, lease


def lease_of(cloud: Cloud, port: dict[str, Any]) -> dict[str, Any]:
    found = cloud.client.get("/v2.0/leases", {"port_id": port["id"]})["leases"]
    return dict(found[0]) if found else {}


def kept(lease: dict[str, Any]) -> dict[str, Any]:
    return {name: lease[name] for name in ("id", "first_seen_at", "ip_address", "port_id")}


@pytest.mark.parametrize("move", [live, cold])
@pytest.mark.parametrize("killed", ["", "a", "b"])
def test_a_machine_that_moves_is_answered_at_every_moment_and_keeps_its_lease(
    cloud: Cloud, move: Any, killed: str
) -> None:
    port, guest, lease = running(cloud)
    probe = Probe(guest)
    probe.start()
    try:
        steps = move(cloud, port, guest)
        for number, step in enumerate(steps):
            step()
            if number == 0 and killed:
                host = {"a": cloud.a, "b": cloud.b}[killed]
                host.kill_agent()
                host.start_agent()
        cloud.await_status(port, "ACTIVE")
        cloud.eventually(lambda: not serves(cloud.a.directory, port), "host a has forgotten it")
        asked = probe.asked
        eventually(lambda: probe.asked > asked + 2, "more questions")
    finally:
        probe.stop()
    assert probe.unanswered == 0, (probe.asked, cloud.logs())
    assert kept(lease_of(cloud, port)) == kept(lease)


@pytest.mark.parametrize("move", [live, cold])
def test_a_machine_renews_its_lease_on_the_host_it_moved_to(
    shared_cloud: Cloud, move: Any
) -> None:
    cloud = shared_cloud
    port, guest, lease = running(cloud)
    for step in move(cloud, port, guest):
        step()
    cloud.await_status(port, "ACTIVE")
    if move is cold:
        guest.unplug(cloud.a)
    cloud.eventually(lambda: not serves(cloud.a.directory, port), "host a has forgotten it")
    guest.renew()
    cloud.eventually(lambda: lease_of(cloud, port)["host"] == "b", "b has the lease")
    address = port["fixed_ips"][0]["ip_address"]
    cloud.eventually(lambda: f"renew {address}" in guest.leases(), "the client has renewed")
    assert guest.leases()[0] == f"bound {address}"
    assert kept(lease_of(cloud, port)) == kept(lease)


def test_the_host_that_a_machine_left_does_not_answer_it_any_more(shared_cloud: Cloud) -> None:
    cloud = shared_cloud
    port, guest, _lease = running(cloud)
    for step in cold(cloud, port, guest):
        step()
    cloud.await_status(port, "ACTIVE")
    cloud.eventually(lambda: not serves(cloud.a.directory, port), "host a has forgotten it")
    guest.unplug(cloud.b)
    probe = Probe(guest)
    eventually(lambda: not probe.answered(1), "host a is silent")
    cloud.await_status(port, "DOWN")
    guest.plug(cloud.b)
    cloud.await_status(port, "ACTIVE")
    assert probe.answered()
    probe.stop()


def test_with_the_new_hosts_agent_dead_the_old_host_serves_on(cloud: Cloud) -> None:
    port, guest, lease = running(cloud)
    cloud.b.kill_agent()
    for step in cold(cloud, port, guest):
        step()
    probe = Probe(guest)
    cloud.await_look(cloud.a)
    assert probe.answered()
    cloud.b.start_agent()
    cloud.await_status(port, "ACTIVE")
    assert probe.answered()
    probe.stop()
    assert kept(lease_of(cloud, port)) == kept(lease)


def serves(directory: Path, port: dict[str, Any]) -> bool:
    return bool(list(directory.glob(f"run/dhcp/*/hosts/{port['id']}")))
