"""One search through every kind of resource, on each database."""

import time
from typing import Any

import falcon
import pytest

from ipam import model
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.rules.leases import LeaseEvent
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.leases.recording import record
from tests.api.caller import Api


def found(api: Api, text: str) -> dict[str, list[str]]:
    """The ids of what is found, by kind; kinds without any are left out."""
    result = api.call("GET", "/find", params={"q": text})
    assert result.status_code == 200, result.text
    return {
        name: [item.get("id") or item["port_id"] for item in items]
        for name, items in result.json.items()
        if items and name not in ("network_names", "truncated")
    }


@pytest.fixture
def site(api_on_each: Api, database: Database) -> dict[str, Any]:
    api = api_on_each
    network = api.create("network", name="office")
    subnet = api.create(
        "subnet",
        name="office-v4",
        network_id=network["id"],
        cidr="10.1.2.0/24",
        ip_version=4,
        enable_dhcp=False,
    )
    port = api.create(
        "port",
        name="Web-1",
        network_id=network["id"],
        mac_address="fa:16:3e:00:0a:12",
        fixed_ips=[{"ip_address": "10.1.2.7"}],
        device_id=model.new_id(),
        dns_name="www",
    )
    event = LeaseEvent(
        id=model.new_id(),
        network_id=network["id"],
        host="cn1",
        action="add",
        ip_address=model.pack("10.1.2.7"),
        occurred_at_us=time.time_ns() // 1000,
        mac_address=port["mac_address"],
        hostname="Frontend",
    )
    record(database, [event])
    (lease,) = api.list("lease")
    return {"network": network, "subnet": subnet, "port": port, "lease": lease}


def test_an_address_finds_its_port_lease_subnet_and_history(
    api_on_each: Api, site: dict[str, Any]
) -> None:
    port, subnet, lease = (site[name]["id"] for name in ("port", "subnet", "lease"))
    assert found(api_on_each, "10.1.2.7") == {
        "ports": [port],
        "leases": [lease],
        "subnets": [subnet],
        "address_holders": [port],
    }
    assert found(api_on_each, "10.1.2.8") == {"subnets": [subnet]}
    assert found(api_on_each, "10.1.2.128/25") == {"subnets": [subnet]}
    assert found(api_on_each, "10.9.9.9") == {}


@pytest.mark.parametrize("text", ["FA-16-3E-00-0A-12", "fa163e000a12", "0a:12", "3e00.0a12"])
def test_a_mac_address_or_a_part_of_it_finds_its_port_and_lease(
    api_on_each: Api, site: dict[str, Any], text: str
) -> None:
    kinds = found(api_on_each, text)
    assert kinds["ports"] == [site["port"]["id"]]
    assert kinds["leases"] == [site["lease"]["id"]]


def test_names_their_parts_ids_and_devices_find_what_they_mean(
    api_on_each: Api, site: dict[str, Any]
) -> None:
    port, network, subnet = site["port"], site["network"], site["subnet"]
    assert found(api_on_each, "web") == {"ports": [port["id"]]}
    assert found(api_on_each, "www") == {"ports": [port["id"]]}
    assert found(api_on_each, "Frontend") == {"leases": [site["lease"]["id"]]}
    assert found(api_on_each, "OFFICE") == {
        "networks": [network["id"]],
        "subnets": [subnet["id"]],
    }
    assert found(api_on_each, port["id"])["ports"] == [port["id"]]
    assert found(api_on_each, port["device_id"])["ports"] == [port["id"]]
    assert found(api_on_each, subnet["id"]) == {"subnets": [subnet["id"]]}
    assert found(api_on_each, "100%") == {}


def test_what_was_deleted_is_found_in_the_history(api_on_each: Api, site: dict[str, Any]) -> None:
    port = site["port"]
    api_on_each.delete("port", port["id"])
    for text in (port["id"], port["device_id"], port["mac_address"]):
        assert found(api_on_each, text) == {"address_holders": [port["id"]]}, text


def test_an_exact_name_comes_first_and_more_than_is_shown_is_said(api: Api) -> None:
    network = api.create("network", name="lan")
    for number in range(22):
        api.create("port", name=f"web-{number}", network_id=network["id"])
    exact = api.create("port", name="web", network_id=network["id"])
    answer = api.call("GET", "/find", params={"q": "web"}).json
    assert answer["truncated"] == ["ports"]
    assert answer["ports"][0]["id"] == exact["id"]
    assert answer["network_names"] == {network["id"]: "lan"}


def test_another_project_finds_nothing_of_it(
    settings: Settings, database: Database, site: dict[str, Any]
) -> None:
    stranger = Caller(user_id="eve", project_id="project-b", role="member")
    other = Api(create_app(settings, authenticate=lambda _: stranger, database=database))
    for text in ("10.1.2.7", "0a:12", "web", "office", "frontend", site["port"]["id"]):
        assert found(other, text) == {}, text


@pytest.mark.parametrize("text", ["", "x", "y" * 256, "a\x00b"])
def test_what_cannot_be_looked_for_is_refused(api: Api, text: str) -> None:
    refused: falcon.testing.Result = api.call("GET", "/find", params={"q": text})
    assert refused.status_code == 400
