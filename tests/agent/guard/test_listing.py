"""What nft says of the table, and what it makes of keys."""

import json
from typing import Any

import pytest

from ipam.agent.guard import listing


def listed(*objects: dict[str, Any]) -> bytes:
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *objects]}).encode()


def of_set(name: str, *elements: Any, **more: Any) -> dict[str, Any]:
    return {"set": {"name": name, "table": "ipam", "elem": [*elements], **more}}


KEYS = {
    "an address": ("10.0.0.5", "10.0.0.5"),
    "a network": ({"prefix": {"addr": "10.0.0.0", "len": 23}}, "10.0.0.0/23"),
    "everything": ({"prefix": {"addr": "::", "len": 0}}, "::/0"),
    "an end in the form of ipv4": ("::ffff:10.0.0.5", "::ffff:a00:5"),
    "a network of such": ({"prefix": {"addr": "::10.0.0.0", "len": 112}}, "::a00:0/112"),
    "a small number": (274973436411905, "0xfa163e000001"),
    "a large one": ("0x20010db8000000000000000000000005", "0x20010db8000000000000000000000005"),
    "with zeros": ("0x00000000000000000000000000000001", "0x1"),
    "a range": ({"range": ["0x0a", "0x0f"]}, "0xa-0xf"),
    "a range as a prefix": (
        {"prefix": {"addr": "0xfe800000000000000000000000000000", "len": 64}},
        "0xfe800000000000000000000000000000-0xfe80000000000000ffffffffffffffff",
    ),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_read_in_the_form_in_which_it_is_written(kind: str) -> None:
    value, key = KEYS[kind]
    found = listing.read(listed(of_set("v", {"concat": ["tap1", value]})))
    assert found.guard == {"tap1": {("v", key)}}


def test_elements_are_by_tap_and_those_of_packets_are_left_out() -> None:
    counted = {"elem": {"val": "tap1", "counter": {"packets": 5, "bytes": 9}}}
    found = listing.read(
        listed(
            of_set("taps", "tap1", "tap2"), of_set("guarded", "tap1"), of_set("storms", counted)
        )
    )
    assert found.guard == {"tap1": {("taps", ""), ("guarded", "")}, "tap2": {("taps", "")}}


def test_what_is_as_it_was_likely_to_be_is_the_same_object() -> None:
    likely = {"tap1": frozenset({("taps", "")}), "tap2": frozenset({("taps", "")})}
    found = listing.read(listed(of_set("taps", "tap1", "tap2"), of_set("guarded", "tap2")), likely)
    assert found.guard["tap1"] is likely["tap1"]
    assert found.guard["tap2"] == {("taps", ""), ("guarded", "")}


def rule(*expression: Any, handle: int) -> dict[str, Any]:
    return {"rule": {"chain": "c", "handle": handle, "expr": [*expression]}}


def test_rules_are_equal_whatever_their_handles_and_the_order_in_constant_sets() -> None:
    ports = [{"match": {"right": {"set": [67, 547]}}}, {"match": {"right": {"set": [547, 67]}}}]
    one, other = (
        listed(of_set("taps", handle=handle), rule(ports[handle], handle=handle))
        for handle in (0, 1)
    )
    assert listing.read(one).rules == listing.read(other).rules
    more = listed(of_set("taps"), rule(ports[0], {"accept": None}, handle=0))
    assert listing.read(more).rules != listing.read(one).rules


def test_drops_are_counted_by_tap() -> None:
    counted = {"elem": {"val": "tap1", "timeout": 3600, "counter": {"packets": 5, "bytes": 9}}}
    assert listing.drops(listed(of_set("storms", counted))) == {"tap1": 5}
    assert listing.drops(listed(of_set("storms"))) == {}


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"nonsense"])
def test_what_is_no_listing_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        listing.read(text)
