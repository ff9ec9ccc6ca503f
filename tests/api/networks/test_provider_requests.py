"""Segments of networks are named or chosen, and each belongs to one network."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.errors import SettingsUnfit
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, Api, wire
from tests.changed_settings import changed

VLAN = {
    "provider__network_type": "vlan",
    "provider__physical_network": "physnet1",
    "provider__segmentation_id": 100,
}


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        (VLAN, "VlanIdInUse"),
        (
            {"provider__network_type": "flat", "provider__physical_network": "physnet1"},
            "FlatNetworkInUse",
        ),
        (
            {"provider__network_type": "vxlan", "provider__segmentation_id": 5},
            "TunnelIdInUse",
        ),
    ],
)
def test_one_network_is_in_one_place(
    api_on_each: Api, attributes: dict[str, Any], kind: str
) -> None:
    api = api_on_each
    made = api.create("network", **attributes)
    assert {name: made[name] for name in wire(attributes)} == wire(attributes)
    api.refused(409, kind, "POST", "/networks", {"network": wire(attributes)})
    api.delete("network", made["id"])
    api.create("network", **attributes)


def test_networks_elsewhere_do_not_collide(api: Api) -> None:
    api.create("network", **VLAN)
    api.create("network", **{**VLAN, "provider__physical_network": "physnet2"})
    api.create("network", **{**VLAN, "provider__segmentation_id": 101})
    api.create("network")
    api.create("network")
    (found,) = api.list(
        "network", provider__segmentation_id=100, provider__physical_network="physnet2"
    )
    assert found["provider:network_type"] == "vlan"


@pytest.fixture
def ranges(settings: Settings) -> Settings:
    return changed(
        settings,
        "network",
        vni_ranges=["10:12", "20:20"],
        network_vlan_ranges=["physnet1:1:1", "physnet2:7:7"],
    )


def test_an_id_is_chosen_while_one_is_free(ranges: Settings, database: Database) -> None:
    api = Api(create_app(ranges, authenticate=lambda _environ: ADMIN, database=database))
    body = {"network": {"provider:network_type": "vxlan"}}

    def make(_number: int) -> Any:
        return api.call("POST", "/networks", body).json

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, range(4)))
    numbers = [answer["network"]["provider:segmentation_id"] for answer in made]
    assert sorted(numbers) == [10, 11, 12, 20]
    api.refused(409, "NoNetworkAvailable", "POST", "/networks", body)


def test_vlans_are_chosen_with_their_physical_network(ranges: Settings, sqlite: Database) -> None:
    api = Api(create_app(ranges, authenticate=lambda _environ: ADMIN, database=sqlite))
    vlan = {"provider:network_type": "vlan"}
    result = api.call("POST", "/networks", {"networks": [vlan, vlan]})
    places = [
        (each["provider:physical_network"], each["provider:segmentation_id"])
        for each in result.json["networks"]
    ]
    assert places == [("physnet1", 1), ("physnet2", 7)]
    named = {"network": {**vlan, "provider:physical_network": "physnet3"}}
    refusal = api.refused(409, "NoNetworkAvailable", "POST", "/networks", named)
    assert "network_vlan_ranges of the service has no ids for physnet3" in refusal
    used_up = api.refused(409, "NoNetworkAvailable", "POST", "/networks", {"network": vlan})
    assert "no id of the configured ranges is free" in used_up


def test_the_default_type_may_be_one_with_ids(ranges: Settings, sqlite: Database) -> None:
    vxlan = changed(ranges, "network", default_network_type="vxlan")
    api = Api(create_app(vxlan, authenticate=lambda _environ: ADMIN, database=sqlite))
    made = api.create("network")
    assert made["provider:network_type"] == "vxlan"
    assert made["provider:segmentation_id"] in {10, 11, 12, 20}
    assert made["mtu"] == 1450


@pytest.mark.parametrize(
    ("kind", "setting"), [("vxlan", "vni_ranges"), ("vlan", "network_vlan_ranges")]
)
def test_without_ranges_an_id_has_to_be_named(api: Api, kind: str, setting: str) -> None:
    body = {"network": {"provider:network_type": kind}}
    refusal = api.refused(409, "NoNetworkAvailable", "POST", "/networks", body)
    assert f"[network] {setting} of the service has no ids. Set it" in refusal


def test_an_mtu_has_to_fit_what_lies_beneath(api: Api) -> None:
    body = {"network": wire(VLAN) | {"mtu": 9000}}
    assert "maximum is 1500" in api.refused(400, "InvalidInput", "POST", "/networks", body)
    made = api.create("network", **VLAN)
    assert made["mtu"] == 1500
    path = f"/networks/{made['id']}"
    api.refused(400, "InvalidInput", "PUT", path, {"network": {"mtu": 1501}})
    assert api.update("network", made["id"], mtu=1400)["mtu"] == 1400


def test_contradictions_are_refused(api: Api) -> None:
    body = {"network": {"provider:network_type": "vlan", "provider:segmentation_id": 5000}}
    api.refused(400, "InvalidInput", "POST", "/networks", body)


def test_a_range_that_is_none_stops_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsUnfit, match=r"\[network\] vni_ranges: 9:5 is no range"):
        changed(settings, "network", vni_ranges=["9:5"])
