"""Machines with addresses or options of their own, as a client asks for them."""

from typing import Any

import pytest

from tests.api.agents.test_dhcp_state_requests import Agent
from tests.api.caller import Api

RANGE = {"start": "10.0.0.100", "end": "10.0.0.199"}
OPTION = {"opt_name": "tftp-server", "opt_value": "10.0.0.9"}
PHONES: dict[str, Any] = {
    "name": "phones",
    "vendor_class": "Yealink",
    "mac_prefix": None,
    "start": "10.0.0.150",
    "end": "10.0.0.169",
    "dhcp_options": [OPTION],
}
CAMERAS = PHONES | {
    "name": "cameras",
    "vendor_class": None,
    "mac_prefix": "52:54:00",
    "start": None,
    "end": None,
}


def make(api: Api, **attributes: Any) -> Any:
    network = api.create("network")
    body = {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4}
    return api.create("subnet", **body, dynamic_ranges=[RANGE], **attributes)


def test_a_subnet_has_its_classes_and_others_later(api_on_each: Api) -> None:
    short = {name: value for name, value in CAMERAS.items() if value is not None}
    made = make(api_on_each, client_classes=[PHONES, short | {"mac_prefix": "52:54:00"}])
    assert made["client_classes"] == [PHONES, CAMERAS]
    changed = api_on_each.update("subnet", made["id"], client_classes=[CAMERAS])
    assert changed["client_classes"] == [CAMERAS]
    assert changed["revision_number"] > made["revision_number"]
    same = api_on_each.update("subnet", made["id"], client_classes=[CAMERAS])
    assert same["revision_number"] == changed["revision_number"]
    assert make(api_on_each)["client_classes"] == []


def test_a_mac_prefix_is_kept_in_lower_case(api: Api) -> None:
    made = make(api, client_classes=[CAMERAS | {"mac_prefix": "AA:bB"}])
    assert made["client_classes"][0]["mac_prefix"] == "aa:bb"


@pytest.mark.parametrize(
    "attributes",
    [
        {"client_classes": [PHONES | {"end": "10.0.0.200"}]},
        {"client_classes": [PHONES, PHONES]},
        {"client_classes": [PHONES | {"vendor_class": None}]},
        {"client_classes": [PHONES | {"mac_prefix": "*"}]},
        {"client_classes": [CAMERAS | {"dhcp_options": [OPTION | {"opt_name": "none-such"}]}]},
        {"client_classes": [{"name": "nothing"}]},
    ],
)
def test_what_dnsmasq_cannot_be_told_is_refused(api: Api, attributes: dict[str, Any]) -> None:
    made = make(api)
    path, body = f"/subnets/{made['id']}", {"subnet": attributes}
    assert "client_classes" in api.refused(400, "InvalidInput", "PUT", path, body)
    more = {"network_id": made["network_id"], "cidr": "10.9.0.0/24", "ip_version": 4}
    body = {"subnet": more | attributes}
    assert "client_classes" in api.refused(400, "InvalidInput", "POST", "/subnets", body)


@pytest.mark.parametrize("fault", [{"name": "no name"}, {"mac_prefix": "*"}, {"end": None}])
def test_a_subnet_of_a_pool_is_refused_bad_ones_too(api: Api, fault: dict[str, Any]) -> None:
    pool = api.create("subnetpool", name="p", prefixes=["10.0.0.0/16"], default_prefixlen=24)
    body = {
        "network_id": api.create("network")["id"],
        "ip_version": 4,
        "subnetpool_id": pool["id"],
        "dynamic_ranges": [RANGE],
    }
    good = api.create("subnet", **body, client_classes=[PHONES])
    assert (good["cidr"], good["client_classes"]) == ("10.0.0.0/24", [PHONES])
    api.call("DELETE", f"/subnets/{good['id']}")
    bad = {"subnet": body | {"client_classes": [PHONES | fault]}}
    assert "client_classes" in api.refused(400, "InvalidInput", "POST", "/subnets", bad)


def test_there_are_not_many(api: Api) -> None:
    many = [CAMERAS | {"name": f"c{number}"} for number in range(17)]
    body: Any = {"subnet": {"client_classes": many}}
    path = f"/subnets/{make(api)['id']}"
    assert "at most 16" in api.refused(400, "HTTPBadRequest", "PUT", path, body)


def test_a_dynamic_range_stays_as_long_as_a_class_has_a_part_of_it(api: Api) -> None:
    made = make(api, client_classes=[PHONES])
    path = f"/subnets/{made['id']}"
    body: dict[str, Any] = {"subnet": {"dynamic_ranges": []}}
    assert "class 'phones'" in api.refused(400, "InvalidInput", "PUT", path, body)
    api.update("subnet", made["id"], dynamic_ranges=[], client_classes=[CAMERAS])


def test_an_agent_gives_its_part_of_the_class_and_of_the_rest(api: Api) -> None:
    made = make(api, client_classes=[PHONES, CAMERAS])
    agent = Agent(api)
    assert made["network_id"] in agent.digests()
    ((subnet,),) = [one["subnets"] for one in agent.full(made["network_id"])]
    assert subnet["dynamic_ranges"] == [RANGE]
    assert subnet["dynamic_part"] == [
        {"start": "10.0.0.100", "end": "10.0.0.149"},
        {"start": "10.0.0.170", "end": "10.0.0.199"},
    ]
    option = {**OPTION, "ip_version": 4}
    assert subnet["client_classes"] == [
        {
            "name": "phones",
            "vendor_class": "Yealink",
            "has_range": True,
            "part": [{"start": "10.0.0.150", "end": "10.0.0.169"}],
            "dhcp_options": [option],
        },
        {"name": "cameras", "mac_prefix": "52:54:00", "dhcp_options": [option]},
    ]


def test_an_agent_is_told_of_a_change(api: Api) -> None:
    made = make(api, client_classes=[PHONES])
    agent = Agent(api)
    before = agent.digests()
    api.update("subnet", made["id"], client_classes=[])
    assert agent.digests() != before
