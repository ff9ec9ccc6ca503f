"""Who held an address and when, on each database."""

import time
from collections.abc import Sequence
from typing import Any

import falcon
import pytest

from ipam import model
from ipam.rules.leases import LeaseEvent
from ipam.store.engine.database import Database
from ipam.store.leases.recording import record
from tests.api.caller import Api

Holder = dict[str, Any]


def asked(api: Api, **params: Any) -> list[Holder]:
    result = api.call("GET", "/address-holders", params=params)
    assert result.status_code == 200, result.text
    assert result.json["truncated"] is False
    found: list[Holder] = result.json["address_holders"]
    return found


def now() -> int:
    return time.time_ns() // 1000


def instant(epoch_microseconds: int) -> str:
    return model.iso_time_microseconds(epoch_microseconds)


@pytest.fixture
def lan(api_on_each: Api) -> dict[str, Any]:
    network = api_on_each.create("network", name="lan")
    return api_on_each.create(
        "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, enable_dhcp=False
    )


def machine(api: Api, lan: dict[str, Any], ip: str = "10.0.0.7", **more: Any) -> dict[str, Any]:
    wish = [{"ip_address": ip}]
    return api.create("port", network_id=lan["network_id"], fixed_ips=wish, **more)


def happened(database: Database, lan: dict[str, Any], **values: Any) -> None:
    """The event of a lease on this network, just now."""
    usual: dict[str, Any] = {
        "id": model.new_id(),
        "network_id": lan["network_id"],
        "host": "cn1",
        "action": "add",
        "ip_address": model.pack("10.0.0.7"),
        "occurred_at_us": now(),
        "expires_at": now() // 1_000_000 + 3600,
    }
    record(database, [LeaseEvent(**{**usual, **values})])


def ports(found: Sequence[Holder]) -> list[str | None]:
    return [each["port_id"] for each in found]


def test_the_holder_of_a_moment_is_told_with_port_project_device_name_and_host(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    api = api_on_each
    before = now()
    first = machine(api, lan, name="web-1", device_id="vm-1", device_owner="compute:nova")
    happened(database, lan, mac_address=first["mac_address"], hostname="web")
    then = now()
    api.delete("port", first["id"])
    between = now()
    second = machine(api, lan, name="web-2")
    assert asked(api, ip_address="10.0.0.7", at=instant(before)) == []
    assert asked(api, ip_address="10.0.0.7", at=instant(between)) == []
    (found,) = asked(api, ip_address="10.0.0.7", at=instant(then))
    assert found["port_id"] == first["id"]
    assert found["port_name"] is None
    assert found["device_id"] == "vm-1"
    assert found["project_id"] == found["tenant_id"] == first["project_id"]
    assert found["mac_address"] == first["mac_address"]
    assert (found["hostname"], found["host"]) == ("web", "cn1")
    assert found["until"] is not None
    assert found["lease_until"] is not None
    (present,) = asked(api, ip_address="10.0.0.7", at=instant(now()))
    assert (present["port_id"], present["until"]) == (second["id"], None)
    assert present["port_name"] == "web-2"


def test_a_machine_is_found_by_mac_name_port_and_device_through_its_whole_life(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    api = api_on_each
    port = machine(api, lan, device_id="vm-1")
    happened(database, lan, mac_address=port["mac_address"], hostname="Web")
    for _ in range(3):
        renewed = {"action": "old", "mac_address": port["mac_address"], "hostname": "Web"}
        happened(database, lan, **renewed)
    api.update("port", port["id"], fixed_ips=[{"ip_address": "10.0.0.8"}])
    machine(api, lan, device_id="vm-2")
    api.delete("port", port["id"])
    mine = [("10.0.0.8", None), ("10.0.0.7", "Web")]
    for question in (
        {"mac_address": port["mac_address"].upper().replace(":", "-")},
        {"port_id": port["id"]},
        {"device_id": "vm-1"},
    ):
        found = asked(api, **question)
        assert [(each["ip_address"], each["hostname"]) for each in found] == mine, question
        assert all(each["until"] for each in found)
    (by_name,) = asked(api, hostname="Web")
    assert (by_name["ip_address"], by_name["port_id"]) == ("10.0.0.7", port["id"])
    assert asked(api, hostname="web") == []


def test_a_port_is_found_by_its_dns_name_before_it_ever_had_a_lease(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    port = machine(api_on_each, lan, dns_name="db-1")
    assert ports(asked(api_on_each, hostname="db-1")) == [port["id"]]


def test_a_machine_without_a_port_is_told_by_its_lease(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    happened(database, lan, mac_address="02:00:00:00:00:09", hostname="guest")
    (found,) = asked(api_on_each, ip_address="10.0.0.7")
    assert found["port_id"] is None
    assert found["mac_address"] == "02:00:00:00:00:09"
    assert (found["since"], found["until"]) == (found["lease_since"], None)


def test_a_period_has_who_held_it_at_some_time_of_it_the_newest_first(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    api = api_on_each
    made, bounds = [], [now()]
    for _ in range(3):
        made.append(machine(api, lan)["id"])
        api.delete("port", made[-1])
        bounds.append(now())
    of = {"ip_address": "10.0.0.7"}
    assert ports(asked(api, **of)) == made[::-1]
    assert ports(asked(api, **of, since=instant(bounds[2]))) == made[2:]
    assert ports(asked(api, **of, until=instant(bounds[1]))) == made[:1]
    limited = api.call("GET", "/address-holders", params={**of, "limit": 1}).json
    assert (ports(limited["address_holders"]), limited["truncated"]) == (made[2:], True)
    other = api.create("network")
    assert asked(api, **of, network_id=other["id"]) == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "Say what to look for"),
        ({"ip_address": "10.0.0.300"}, "is not a valid IP address"),
        ({"mac_address": "1"}, "is not a valid MAC address"),
        ({"hostname": ""}, "It has 0 characters"),
        ({"ip_address": "10.0.0.1", "at": "then"}, "Invalid input for at"),
        ({"ip_address": "10.0.0.1", "limit": "0"}, "Invalid input for limit"),
        ({"ip_address": "x", "at": "then"}, "Invalid input for at"),
    ],
)
def test_a_question_that_cannot_be_is_refused_with_every_fault(
    api: Api, params: dict[str, str], words: str
) -> None:
    refused: falcon.testing.Result = api.call("GET", "/address-holders", params=params)
    assert refused.status_code == 400
    assert words in refused.json["NeutronError"]["message"]
