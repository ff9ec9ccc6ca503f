"""Leases of dynamic ranges, and the ports that they make."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.agents.test_dhcp_state_requests import Agent
from tests.api.caller import Api
from tests.api.leases.test_event_requests import (
    MAC,
    NOWHERE,
    OTHER_MAC,
    event,
    history,
    seconds_ago,
    send,
)

RANGE = {"start": "10.0.0.100", "end": "10.0.0.199"}
MINE, NEXT = "10.0.0.100", "10.0.0.101"


@pytest.fixture
def subnet(api_on_each: Api) -> Any:
    """A subnet with a dynamic range."""
    network = api_on_each.create("network", project_id="project-b")
    return api_on_each.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        dynamic_ranges=[RANGE],
        project_id="project-b",
    )


def lease(subnet: Any, ip: str = MINE, action: str = "add", **more: Any) -> dict[str, Any]:
    return event(subnet["network_id"], action, ip_address=ip, **more)


def made(api: Api) -> list[tuple[str, list[str]]]:
    """The ports that leases made: MAC address and addresses."""
    return sorted(
        (one["mac_address"], sorted(ip["ip_address"] for ip in one["fixed_ips"]))
        for one in api.list("port", device_owner="dhcp:lease")
    )


def test_a_lease_makes_a_port_that_ends_with_it(api_on_each: Api, subnet: Any) -> None:
    api = api_on_each
    begun = lease(subnet, hostname="Laptop-7", details={"vendor_class": "MSFT 5.0"})
    send(api, begun)
    (port,) = api.list("port", device_owner="dhcp:lease")
    assert port["mac_address"] == MAC
    assert port["dns_name"] == "laptop-7"
    assert port["description"] == "MSFT 5.0"
    assert port["project_id"] == "project-b"
    assert [ip["ip_address"] for ip in port["fixed_ips"]] == [MINE]
    (held,) = api.list("lease")
    assert (held["port_id"], held["subnet_id"]) == (port["id"], subnet["id"])
    assert history(api)[0]["port_id"] == port["id"]
    assert send(api, begun)["duplicates"] == 1
    send(api, lease(subnet, action="old"))
    assert api.show("port", port["id"]) == port
    send(api, lease(subnet, action="del"))
    assert (made(api), api.list("lease")) == ([], [])
    moves = api.call("GET", "/allocation-events", params={"ip_address": MINE}).json
    assert [one["action"] for one in moves["allocation_events"]] == ["released", "allocated"]


def test_a_machine_has_one_port_whatever_it_leases(api_on_each: Api, subnet: Any) -> None:
    """Its boot ROM and its system give different client identifiers."""
    send(api_on_each, lease(subnet), lease(subnet, NEXT, client_id="ff:01"))
    assert made(api_on_each) == [(MAC, [MINE, NEXT])]
    send(api_on_each, lease(subnet, action="del"))
    assert made(api_on_each) == [(MAC, [NEXT])]
    send(api_on_each, lease(subnet, NEXT, "del", client_id="ff:01"))
    assert made(api_on_each) == []


def test_another_machine_on_the_address_has_another_port(api_on_each: Api, subnet: Any) -> None:
    send(api_on_each, lease(subnet))
    send(api_on_each, lease(subnet, mac_address=OTHER_MAC, occurred_at_us=seconds_ago(30)))
    assert made(api_on_each) == [(OTHER_MAC, [MINE])]
    send(api_on_each, lease(subnet, action="del", occurred_at_us=seconds_ago(20)))
    assert made(api_on_each) == [(OTHER_MAC, [MINE])]


def test_a_reserved_lease_keeps_its_port_and_its_address(api_on_each: Api, subnet: Any) -> None:
    api = api_on_each
    send(api, lease(subnet))
    (port,) = api.list("port", device_owner="dhcp:lease")
    api.update("port", port["id"], device_owner="", name="printer")
    send(api, lease(subnet, action="del"))
    assert [ip["ip_address"] for ip in api.show("port", port["id"])["fixed_ips"]] == [MINE]
    send(api, lease(subnet, mac_address=OTHER_MAC, occurred_at_us=seconds_ago(30)))
    assert made(api) == []
    assert api.show("port", port["id"])["mac_address"] == MAC
    api.delete("port", port["id"])
    send(api, lease(subnet, mac_address=OTHER_MAC, occurred_at_us=seconds_ago(10)))
    assert made(api) == [(OTHER_MAC, [MINE])]


def test_a_machine_that_has_a_reservation_keeps_that_port_alone(
    api_on_each: Api, subnet: Any
) -> None:
    port = api_on_each.create("port", network_id=subnet["network_id"], mac_address=MAC)
    send(api_on_each, lease(subnet))
    assert made(api_on_each) == []
    assert api_on_each.show("port", port["id"])["fixed_ips"] == port["fixed_ips"]


def test_a_lease_outside_of_the_ranges_makes_no_port(api_on_each: Api, subnet: Any) -> None:
    send(api_on_each, lease(subnet, "10.0.0.50"), lease(subnet, "10.0.0.200"))
    send(api_on_each, lease(subnet, "10.0.0.120", mac_address=None))
    assert made(api_on_each) == []


def test_a_range_is_not_taken_from_a_living_lease(api_on_each: Api, subnet: Any) -> None:
    api, path = api_on_each, f"/subnets/{subnet['id']}"
    send(api, lease(subnet))
    smaller = {"subnet": {"dynamic_ranges": [{"start": NEXT, "end": RANGE["end"]}]}}
    fault = api.refused(409, "SubnetInUse", "PUT", path, smaller)
    assert MINE in fault
    (port,) = api.list("port", device_owner="dhcp:lease")
    api.update("port", port["id"], device_owner="")
    api.update("subnet", subnet["id"], **smaller["subnet"])


def test_batches_at_once_make_each_port_once(api_on_each: Api, subnet: Any) -> None:
    """As of two hosts on one wire, or an answer that was lost."""

    def tell(host: str) -> None:
        for number in range(100, 110):
            mac = f"fa:16:3e:00:01:{number:02x}"
            send(
                api_on_each,
                lease(subnet, f"10.0.0.{number}", mac_address=mac, host=f"host-{host}"),
            )

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(tell, "abc"))
    assert len(made(api_on_each)) == 10
    assert all(len(addresses) == 1 for _, addresses in made(api_on_each))


def test_a_lease_that_is_to_end_is_told_to_its_host_until_it_ends(
    api_on_each: Api, subnet: Any
) -> None:
    api, network_id = api_on_each, subnet["network_id"]
    agent = Agent(api, "host-a")
    api.update("port", api.list("port", network_id=network_id)[0]["id"], binding__host_id="host-a")

    def ending() -> list[str]:
        (network,) = agent.full(network_id)
        return [one["ip_address"] for one in network.get("ending_leases", [])]

    send(api, lease(subnet, host="host-a"), lease(subnet, NEXT, mac_address=OTHER_MAC))
    (held,) = api.list("lease", ip_address=MINE)
    before = agent.digests()
    for _again in range(2):
        answer = api.call("PUT", f"/leases/{held['id']}/release")
        assert (answer.status_code, answer.json["lease"]) == (200, held)
    assert ending() == [MINE]
    assert agent.digests() != before, "so the agent asks"
    send(api, lease(subnet, action="del", host="host-a", occurred_at_us=seconds_ago(1)))
    assert ending() == []
    send(api, lease(subnet, host="host-a", occurred_at_us=seconds_ago(0)))
    assert ending() == []


def test_a_lease_that_began_after_it_was_to_end_does_not(api_on_each: Api, subnet: Any) -> None:
    """Its end and its new beginning come in one batch, and are one row."""
    api, network_id = api_on_each, subnet["network_id"]
    agent = Agent(api, "host-a")
    send(api, lease(subnet, host="host-a"))
    (held,) = api.list("lease")
    assert api.call("PUT", f"/leases/{held['id']}/release").status_code == 200
    later = seconds_ago(-5)
    send(
        api,
        lease(subnet, action="del", host="host-a", occurred_at_us=later),
        lease(subnet, host="host-a", occurred_at_us=later),
    )
    assert [one["ip_address"] for one in api.list("lease")] == [MINE]
    assert not [one for row in agent.full(network_id) for one in row.get("ending_leases", [])]


def test_a_lease_that_nobody_has_cannot_end(api: Api) -> None:
    api.refused(404, "LeaseNotFound", "PUT", f"/leases/{NOWHERE}/release")
