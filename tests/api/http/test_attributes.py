from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Struct, UnsetType

from ipam.api.http.attributes import NULL_IS_EMPTY, parse, read_one, scalar_type
from ipam.errors import HTTPBadRequest
from ipam.values import IpAddress, Name


class Inner(Struct):
    address: IpAddress


class Thing(Struct, kw_only=True):
    size: int
    name: Name = ""
    flag: bool = True
    external: bool | UnsetType = msgspec.field(default=UNSET, name="router:external")
    mode: Literal["a", "b"] | None = None
    items: list[Inner] = []


class Shown(Struct, kw_only=True):
    id: str


def faults(body: Any) -> list[str]:
    return parse(Thing, body, known=Shown).faults


def test_a_good_body_becomes_the_struct_with_its_defaults() -> None:
    thing = parse(Thing, {"size": 3, "items": [{"address": "2001:DB8::1"}]}).result()
    assert thing == Thing(size=3, items=[Inner("2001:db8::1")])


def test_every_fault_is_reported_at_once() -> None:
    body = {"name": 7, "flag": "maybe", "router:external": None, "mode": "c", "foo": 1, "id": "x"}
    found = faults(body)
    assert len(found) == 7
    text = " ".join(found)
    for part in ("size", "name", "flag", "router:external", "mode", "'foo'", "'id'"):
        assert part in text
    assert "Unrecognized attribute(s) 'foo'" in text
    assert "Attribute 'id' not allowed in POST" in text


def test_faults_inside_a_list_name_their_place() -> None:
    found = faults({"size": 1, "items": [{"address": "x"}, {}, 5, {"address": "::1", "y": 1}]})
    assert len(found) == 4
    assert "items[0].address" in found[0]
    assert "items[1].address" in found[1]
    assert "items[2]" in found[2]
    assert "'y'" in found[3]


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_that_is_no_object_is_a_fault(body: Any) -> None:
    assert len(faults(body)) == 1


def test_a_boolean_is_no_number() -> None:
    assert len(faults({"size": True})) == 1


@pytest.mark.parametrize(("text", "number"), [("1400", 1400), ("-1", -1), ("007", 7)])
def test_a_number_may_come_as_text(text: str, number: int) -> None:
    """`openstack network create --mtu` sends one."""
    assert parse(Thing, {"size": text}).result().size == number


@pytest.mark.parametrize("text", ["", "1.0", "0x10", "1 ", "9" * 20, "\u0663"])
def test_a_text_that_is_no_number_is_a_fault(text: str) -> None:
    assert len(faults({"size": text})) == 1


@pytest.mark.parametrize("said", ["True", "true", "1", 1, "yes", "Y", "on", "t"])
def test_a_boolean_may_come_as_text_or_digit(said: Any) -> None:
    assert parse(Thing, {"size": 1, "flag": said}).result().flag is True
    assert len(faults({"size": 1, "flag": "maybe"})) == 1


def test_null_is_an_empty_list_where_it_is_marked_so() -> None:
    class Lists(Struct, kw_only=True):
        open: Annotated[list[int], NULL_IS_EMPTY] = []
        closed: list[int] = []

    assert parse(Lists, {"open": None}).result().open == []
    assert parse(Lists, {"open": ["1"]}).result().open == [1]
    assert len(parse(Lists, {"open": ["x"], "closed": None}).faults) == 2


def test_a_name_may_have_255_characters() -> None:
    assert faults({"size": 1, "name": "ä" * 255}) == []
    assert len(faults({"size": 1, "name": "x" * 256})) == 1


def test_a_faulty_body_raises_all_its_faults() -> None:
    with pytest.raises(HTTPBadRequest) as raised:
        parse(Thing, {}).result()
    assert "size" in str(raised.value)


def test_one_value_is_read_as_its_field_is() -> None:
    assert read_one(Inner, "address", "2001:DB8::1") == "2001:db8::1"
    with pytest.raises(ValueError, match="not a valid IP address"):
        read_one(Inner, "address", "nowhere")


def test_a_field_knows_its_scalar_type() -> None:
    names = ("size", "name", "router:external", "mode", "items")
    assert [scalar_type(Thing, name) for name in names] == [int, str, bool, str, None]
