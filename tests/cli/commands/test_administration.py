"""quotas, sharing and tags through the command line, on the real API."""

from typing import Any

import pytest

from tests.cli.conftest import Ipam, Outcome, parsed


def done(outcome: Outcome) -> None:
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")


def test_quotas_are_set_shown_listed_and_taken_away(local: Ipam) -> None:
    assert parsed(local("quota", "show", "-f", "json"))["network"] == 100
    done(local("quota", "set", "p1", "--networks", "3", "--rbac-policies", "5"))
    shown = parsed(local("quota", "show", "p1", "-f", "json"))
    assert (shown["network"], shown["rbac_policy"], shown["port"]) == (3, 5, 500)
    usage = parsed(local("quota", "show", "p1", "--usage", "-f", "json"))
    assert usage["network"] == {"limit": 3, "used": 0, "reserved": 0}
    assert parsed(local("quota", "show", "p1", "--default", "-f", "json"))["network"] == 100
    listed = parsed(local("quota", "list", "-f", "json"))
    assert [(each["Project ID"], each["Networks"]) for each in listed] == [("p1", 3)]
    done(local("quota", "delete", "p1"))
    assert local("quota", "list").err == "No quotas.\n"


def test_a_quota_that_is_used_up_is_told(local: Ipam) -> None:
    done(local("quota", "set", "p 1ü", "--networks", "0"))
    refused = local("network", "create", "demo", "--project", "p 1ü")
    assert refused.status == 1
    assert "Quota exceeded for resources: ['network']." in refused.err
    checked = local("quota", "set", "p 1ü", "--networks", "-1", "--check-limit")
    assert checked.status == 0


@pytest.mark.parametrize(
    "words",
    [
        ("quota", "set", "p1"),
        ("quota", "set", "p1", "--ports", "-2"),
        ("quota", "show", "p1", "--usage", "--default"),
        ("network", "rbac", "create", "demo"),
        ("network", "rbac", "create", "demo", "--target-project", "a", "--target-all-projects"),
        ("network", "set", "demo"),
    ],
)
def test_half_a_command_is_a_usage_error(local: Ipam, words: tuple[str, ...]) -> None:
    local("network", "create", "demo")
    assert local(*words).status == 2


def test_a_network_is_shared_and_no_longer(local: Ipam) -> None:
    network = parsed(local("network", "create", "demo", "-f", "json"))
    made = parsed(
        local("network", "rbac", "create", "demo", "--target-project", "p1", "-f", "json")
    )
    assert (made["object_id"], made["target_tenant"]) == (network["id"], "p1")
    assert local("network", "rbac", "create", "demo", "--target-all-projects").status == 0
    assert parsed(local("network", "show", "demo", "-f", "json"))["shared"] is True
    listed = parsed(local("network", "rbac", "list", "--network", "demo", "-f", "json"))
    assert {each["Target Project"] for each in listed} == {"p1", "*"}
    one = parsed(local("network", "rbac", "list", "--target-project", "p1", "-f", "json"))
    assert [each["ID"] for each in one] == [made["id"]]
    shown = parsed(local("network", "rbac", "show", made["id"], "-f", "json"))
    assert shown["action"] == "access_as_shared"
    done(local("network", "rbac", "delete", *[each["ID"] for each in listed]))
    assert parsed(local("network", "show", "demo", "-f", "json"))["shared"] is False
    gone = local("network", "rbac", "show", made["id"])
    assert gone.status == 1


@pytest.mark.parametrize(
    ("noun", "create"),
    [
        ("network", ("network", "create", "one")),
        (
            "subnet",
            ("subnet", "create", "--network", "base", "--subnet-range", "10.0.0.0/24", "one"),
        ),
        ("port", ("port", "create", "--network", "base", "one")),
    ],
)
def test_tags_are_given_added_taken_and_looked_for(
    local: Ipam, noun: str, create: tuple[str, ...]
) -> None:
    local("network", "create", "base")
    made = parsed(local(*create, "--tag", "a", "--tag", "b", "-f", "json"))
    assert made["tags"] == ["a", "b"]

    def tags() -> Any:
        return parsed(local(noun, "show", "one", "-f", "json"))["tags"]

    def found(*filters: str) -> list[str]:
        listed = parsed(local(noun, "list", *filters, "-f", "json"))
        return [each["Name"] for each in listed if each["Name"] == "one"]

    done(local(noun, "set", "one", "--tag", "c"))
    assert tags() == ["a", "b", "c"]
    assert found("--tags", "a,c") == found("--any-tags", "c,x") == ["one"]
    assert found("--not-tags", "a,c") == found("--not-any-tags", "c") == []
    done(local(noun, "set", "one", "--no-tag", "--tag", "d", "--description", "x"))
    assert tags() == ["d"]
    done(local(noun, "set", "one", "--no-tag"))
    assert tags() == []
