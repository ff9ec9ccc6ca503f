from typing import Any

import pytest

from ipam.errors import FlatNetworkInUse, NoNetworkAvailable, TunnelIdInUse, VlanIdInUse
from ipam.rules import segments as segment_rules
from ipam.rules.segments import Segment


@pytest.mark.parametrize(
    ("kind", "physical", "number", "reason"),
    [
        (None, None, None, ""),
        ("local", None, None, ""),
        ("flat", "physnet1", None, ""),
        ("vlan", "physnet1", 4094, ""),
        ("vlan", "physnet1", None, ""),
        ("vlan", None, None, ""),
        ("vxlan", None, 2**24 - 1, ""),
        (None, "physnet1", None, "provider:network_type required"),
        (None, None, 5, "provider:network_type required"),
        ("local", "physnet1", None, "physical_network specified for local"),
        ("local", None, 5, "segmentation_id specified for local"),
        ("flat", None, None, "physical_network required for flat"),
        ("flat", "physnet1", 5, "segmentation_id specified for flat"),
        ("flat", "", None, "physical_network required for flat"),
        ("vlan", "", 5, "physical_network required for vlan"),
        ("vxlan", "", 5, ""),
        ("vlan", None, 5, "physical_network required for vlan"),
        ("vlan", "physnet1", 4095, "out of range (1 to 4094)"),
        ("vxlan", "physnet1", 5, "physical_network specified for vxlan"),
    ],
)
def test_provider_attributes_agree_or_are_refused(
    kind: str | None, physical: str | None, number: int | None, reason: str
) -> None:
    values: dict[str, Any] = {
        "provider_network_type": kind,
        "provider_physical_network": physical,
        "provider_segmentation_id": number,
    }
    found = [str(fault) for fault in segment_rules.faults(values)]
    assert (reason in found[0]) if reason else found == []


def test_two_networks_are_in_one_place_when_their_keys_are_equal() -> None:
    assert Segment("vlan", "p", 5).key != Segment("vlan", "q", 5).key
    assert Segment("vxlan", None, 5).key == "vxlan::5"
    assert Segment("flat", "p").key == "flat:p:"
    assert Segment("local").key is None


@pytest.mark.parametrize(
    ("kind", "limit"), [("local", None), (None, None), ("flat", 1500), ("vlan", 1500)]
)
def test_what_lies_beneath_bounds_the_mtu(kind: str | None, limit: int | None) -> None:
    assert segment_rules.mtu_limit(kind, 1500) == limit
    assert segment_rules.mtu_limit("vxlan", 1500) == 1450
    assert segment_rules.mtu_limit("vxlan", 1500, overlay_ip_version=6) == 1430


def test_ranges_are_read_by_physical_network() -> None:
    assert segment_rules.vni_ranges([]) == {}
    assert segment_rules.vni_ranges(["5:9"]) == {"": [(5, 9)]}
    texts = ["a:1:2", "b:7:7", "a:9:10"]
    assert segment_rules.vlan_ranges(texts) == {"a": [(1, 2), (9, 10)], "b": [(7, 7)]}
    assert segment_rules.vlan_ranges(["a"]) == {"a": [(1, 4094)]}
    for wrong in ("0:5", "9:5", "1:5000"):
        with pytest.raises(ValueError, match="no range"):
            segment_rules.vlan_ranges([f"a:{wrong}"])


RANGES = {"p": [(100, 109)], "q": [(200, 209), (300, 300)]}


@pytest.mark.parametrize(
    ("physical", "found"),
    [
        (None, [(Segment("vlan", "p"), [(100, 109)]), (Segment("vlan", "q"), RANGES["q"])]),
        ("q", [(Segment("vlan", "q"), RANGES["q"])]),
        ("r", []),
    ],
)
def test_a_segment_may_be_on_its_physical_network_or_on_any_when_it_names_none(
    physical: str | None, found: list[Any]
) -> None:
    assert list(segment_rules.places(Segment("vlan", physical), RANGES)) == found


def test_a_vxlan_segment_is_on_no_physical_network() -> None:
    places = list(segment_rules.places(Segment("vxlan"), segment_rules.vni_ranges(["5:9"])))
    assert places == [(Segment("vxlan"), [(5, 9)])]


def test_only_ids_of_the_same_place_count_there() -> None:
    others = [Segment("vlan", "p", 5), Segment("vlan", "q", 6), Segment("vxlan", None, 7)]
    assert segment_rules.ids_of(Segment("vlan", "p"), others) == {5}


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Segment("flat", "p"), FlatNetworkInUse),
        (Segment("vlan", "p", 5), VlanIdInUse),
        (Segment("vxlan", None, 5), TunnelIdInUse),
        (Segment("vxlan"), NoNetworkAvailable),
    ],
)
def test_who_named_a_segment_is_told_that_it_is_in_use_and_others_that_none_is_left(
    wanted: Segment, error: type[Exception]
) -> None:
    assert isinstance(segment_rules.refusal([Segment("local"), wanted]), error)


@pytest.mark.parametrize(("mtu", "faults"), [(1279, 1), (1280, 0), (9000, 0)])
def test_ipv6_needs_1280_octets(mtu: int, faults: int) -> None:
    assert len(segment_rules.ipv6_mtu_fault("net", mtu)) == faults
