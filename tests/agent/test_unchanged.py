"""What is worked out of a network is kept while its basis is equal, and no longer."""

import pytest

from ipam.agent.unchanged import Unchanged


def test_a_value_is_the_same_object_while_its_basis_is_equal() -> None:
    values = Unchanged[list[str]]()
    first = values.of("a", (1, "x"), lambda: ["first"])
    assert values.of("a", (1, "x"), lambda: ["again"]) is first
    assert values.of("a", (2, "x"), lambda: ["other"]) == ["other"]
    assert values.of("a", (1, "x"), lambda: ["anew"]) == ["anew"], "only the last one is kept"


def test_networks_are_kept_apart_and_forgotten_apart() -> None:
    values = Unchanged[str]()
    values.of("a", (1,), lambda: "of a")
    values.of("b", (1,), lambda: "of b")
    values.forget("a")
    values.forget("never seen")
    assert values.of("a", (1,), lambda: "new") == "new"
    assert values.of("b", (1,), lambda: "new") == "of b"
    values.clear()
    assert values.of("b", (1,), lambda: "new") == "new"


def test_more_networks_than_there_are_are_not_kept() -> None:
    values = Unchanged[str]()
    for network_id in "abc":
        values.of(network_id, (1,), lambda: "first")
    values.keep({"b", "d"})
    assert [values.of(one, (1,), lambda: "new") for one in "abc"] == ["new", "first", "new"]


def test_what_could_not_be_worked_out_is_not_kept() -> None:
    values = Unchanged[str]()
    with pytest.raises(KeyError):
        values.of("a", (1,), lambda: dict[str, str]()["missing"])
    assert values.of("a", (1,), lambda: "found") == "found"
