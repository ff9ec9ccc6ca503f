"""Ranges of subnets of which ports get addresses only by name."""

from typing import Any

import pytest

from tests.api.caller import Api

Json = dict[str, Any]
PRINTERS = {"start": "10.0.0.4", "end": "10.0.0.6", "label": "printers", "owner": "facilities"}
INFRASTRUCTURE = {"start": "10.0.0.1", "end": "10.0.0.2", "label": "", "owner": ""}


def lan(api: Api, **more: Any) -> Json:
    network = api.create("network")
    place = {"network_id": network["id"], "cidr": "10.0.0.0/28", "ip_version": 4}
    return api.create("subnet", **{**place, "enable_dhcp": False, **more})


def port(api: Api, subnet: Json, address: str = "") -> str:
    wish = {"fixed_ips": [{"ip_address": address}]} if address else {}
    made = api.create("port", network_id=subnet["network_id"], **wish)
    return str(made["fixed_ips"][0]["ip_address"])


def pools(subnet: Json) -> list[str]:
    return [f"{one['start']}-{one['end']}" for one in subnet["allocation_pools"]]


def refusal(api: Api, subnet: Json, **change: Any) -> str:
    answer = api.call("PUT", f"/subnets/{subnet['id']}", {"subnet": change})
    assert answer.status_code in (400, 409), answer.text
    return str(answer.json["NeutronError"]["message"])


def test_addresses_of_a_static_range_are_given_only_by_name(api_on_each: Api) -> None:
    api = api_on_each
    subnet = lan(api, static_ranges=[PRINTERS, {"start": "10.0.0.8", "end": "10.0.0.14"}])
    assert subnet["static_ranges"][0] == PRINTERS
    assert pools(subnet) == ["10.0.0.2-10.0.0.3", "10.0.0.7-10.0.0.7"]
    assert {port(api, subnet) for _ in range(3)} == {"10.0.0.2", "10.0.0.3", "10.0.0.7"}
    api.refused(
        409,
        "IpAddressGenerationFailure",
        "POST",
        "/ports",
        {"port": {"network_id": subnet["network_id"]}},
    )
    assert port(api, subnet, "10.0.0.5") == "10.0.0.5"
    usage = api.call("GET", f"/subnet-usages?id={subnet['id']}").json["subnet_usages"][0]
    assert (usage["total"], usage["static"], usage["used"]) == (3, 10, 3)


def test_a_range_is_taken_from_the_pools_and_given_back_where_they_were_whole(
    api_on_each: Api,
) -> None:
    api = api_on_each
    subnet = lan(api)
    used = port(api, subnet, "10.0.0.5")
    changed = api.update("subnet", subnet["id"], static_ranges=[PRINTERS, INFRASTRUCTURE])
    assert [one["start"] for one in changed["static_ranges"]] == ["10.0.0.1", "10.0.0.4"]
    assert pools(changed) == ["10.0.0.3-10.0.0.3", "10.0.0.7-10.0.0.14"]
    given = {port(api, subnet) for _ in range(9)}
    assert given.isdisjoint({"10.0.0.2", "10.0.0.4", used, "10.0.0.6"})
    back = api.update("subnet", subnet["id"], static_ranges=[INFRASTRUCTURE])
    assert pools(back) == ["10.0.0.3-10.0.0.14"]
    parts = [{"start": "10.0.0.9", "end": "10.0.0.12"}]
    api.update("subnet", subnet["id"], allocation_pools=parts)
    api.update("subnet", subnet["id"], static_ranges=[PRINTERS])
    gone = api.update("subnet", subnet["id"], static_ranges=[])
    assert pools(gone) == ["10.0.0.9-10.0.0.12"], "pools that were chosen stay"


def test_new_words_change_nothing_else(api: Api) -> None:
    subnet = lan(api, static_ranges=[PRINTERS])
    renamed = PRINTERS | {"label": "scanners"}
    changed = api.update("subnet", subnet["id"], static_ranges=[renamed])
    assert changed["static_ranges"] == [renamed]
    assert changed["allocation_pools"] == subnet["allocation_pools"]
    assert changed["revision_number"] > subnet["revision_number"]
    same = api.update("subnet", subnet["id"], static_ranges=[renamed])
    assert same["revision_number"] == changed["revision_number"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ([("10.0.0.4", "10.0.0.6"), ("10.0.0.6", "10.0.0.7")], "10.0.0.6-10.0.0.7 overlap"),
        ([("10.0.0.6", "10.0.0.4")], "the start of 10.0.0.6-10.0.0.4 lies after its end"),
        ([("10.0.0.9", "10.0.0.15")], "spans beyond the usable addresses of 10.0.0.0/28"),
        ([("2001:db8::1", "2001:db8::2")], "is not of IP version 4"),
        ([("10.0.0.11", "10.0.0.11")], "overlaps with the dynamic range 10.0.0.10-10.0.0.12"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    api: Api, change: list[tuple[str, str]], part: str
) -> None:
    subnet = lan(api, dynamic_ranges=[{"start": "10.0.0.10", "end": "10.0.0.12"}])
    ranges = [{"start": start, "end": end} for start, end in change]
    assert part in refusal(api, subnet, static_ranges=ranges)
    assert api.show("subnet", subnet["id"]) == subnet


def test_a_pool_and_a_range_that_are_asked_for_must_not_overlap(api: Api) -> None:
    subnet = lan(api, static_ranges=[PRINTERS])
    whole = [{"start": "10.0.0.2", "end": "10.0.0.14"}]
    assert "overlaps with the allocation pool" in refusal(api, subnet, allocation_pools=whole)


def test_texts_have_bounds(api: Api) -> None:
    subnet = lan(api)
    for words in ({"label": "x" * 65}, {"owner": "x" * 256}, {"label": "a\x00b"}, {"label": 5}):
        answer = api.call(
            "PUT", f"/subnets/{subnet['id']}", {"subnet": {"static_ranges": [PRINTERS | words]}}
        )
        assert answer.status_code == 400, words
    many = [{"start": "10.0.0.4", "end": "10.0.0.4"}] * 101
    assert "at most 100" in refusal(api, subnet, static_ranges=many)


def test_ranges_follow_a_split_and_a_merge(api_on_each: Api) -> None:
    api = api_on_each
    subnet = lan(api, static_ranges=[PRINTERS | {"start": "10.0.0.6", "end": "10.0.0.9"}])
    parts = [{"cidr": "10.0.0.0/29"}, {"cidr": "10.0.0.8/29"}]
    split = api.call("PUT", f"/subnets/{subnet['id']}/split", {"subnets": parts})
    assert split.status_code == 200, split.text
    low, high = split.json["subnets"]
    assert low["static_ranges"] == [PRINTERS | {"start": "10.0.0.6", "end": "10.0.0.6"}]
    assert high["static_ranges"] == [PRINTERS | {"start": "10.0.0.9", "end": "10.0.0.9"}]
    assert (pools(low), pools(high)) == (["10.0.0.2-10.0.0.5"], ["10.0.0.10-10.0.0.14"])
    merged = api.call(
        "PUT", f"/subnets/{low['id']}/merge", {"subnet": {"subnet_ids": [high["id"]]}}
    )
    assert merged.status_code == 200, merged.text
    whole = api.show("subnet", low["id"])
    assert whole["static_ranges"] == [*low["static_ranges"], *high["static_ranges"]]
    assert pools(whole) == ["10.0.0.2-10.0.0.5", "10.0.0.7-10.0.0.8", "10.0.0.10-10.0.0.14"]


def test_a_smaller_prefix_cuts_ranges_and_a_larger_one_keeps_them(api: Api) -> None:
    subnet = lan(api, static_ranges=[PRINTERS | {"start": "10.0.0.5", "end": "10.0.0.9"}])
    small = api.update("subnet", subnet["id"], cidr="10.0.0.0/29")
    assert small["static_ranges"] == [PRINTERS | {"start": "10.0.0.5", "end": "10.0.0.6"}]
    assert pools(small) == ["10.0.0.2-10.0.0.4"]
    large = api.update("subnet", subnet["id"], cidr="10.0.0.0/27")
    assert large["static_ranges"] == small["static_ranges"]
    assert pools(large) == ["10.0.0.2-10.0.0.4", "10.0.0.7-10.0.0.30"]


def test_a_range_is_found_by_its_words(api: Api) -> None:
    subnet = lan(api, static_ranges=[PRINTERS])
    lan(api, name="other")
    for words in ("printers", "Facilit"):
        found = api.call("GET", f"/find?q={words}").json["subnets"]
        assert [one["id"] for one in found] == [subnet["id"]]
