"""What a text that somebody looks for can be."""

import pytest

from ipam.rules.search_terms import read


@pytest.mark.parametrize(
    "text",
    ["fa:16:3e:00:0A:12", "FA-16-3E-00-0A-12", "fa16.3e00.0a12", "fa163e000a12", " fa163e000a12 "],
)
def test_a_mac_address_is_read_in_any_spelling(text: str) -> None:
    assert read(text).mac_address == "fa:16:3e:00:0a:12"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("0a:12", "0a:12"),
        ("3E-00-0a", "3e:00:0a"),
        ("3e00.0a12", "3e:00:0a:12"),
        ("a:12:4", "a:12:4"),
    ],
)
def test_a_part_of_a_mac_address_is_read_by_its_separators(text: str, part: str) -> None:
    term = read(text)
    assert (term.mac_part, term.mac_address) == (part, None)


@pytest.mark.parametrize("text", ["cafe", "web-1", "10.0.0.7", "a:b", "2001:db8::7"])
def test_words_and_addresses_are_no_parts_of_mac_addresses(text: str) -> None:
    assert read(text).mac_part is None


def test_an_address_is_in_every_prefix_that_begins_it() -> None:
    term = read("10.1.2.3")
    assert term.ip_address == bytes([10, 1, 2, 3])
    assert {"10.1.2.3/32", "10.1.2.0/24", "10.0.0.0/8", "0.0.0.0/0"} <= set(term.enclosing)
    assert len(term.enclosing) == 33
    assert len(read("2001:db8::7").enclosing) == 129


def test_a_prefix_is_in_itself_and_in_shorter_ones_without_its_host_bits() -> None:
    assert read("10.1.2.3/24").enclosing[:2] == ["10.1.2.0/24", "10.1.2.0/23"]
    assert read("10.1.2.3/33").prefix is None
    assert read("10.1.2.3/x").prefix is None


def test_an_id_is_read_in_either_case() -> None:
    text = "3F2D3F4E-8C5D-4A0E-9F3B-000000000000"
    assert read(text).resource_id == text.lower()
    assert read("3f2d3f4e").resource_id is None
