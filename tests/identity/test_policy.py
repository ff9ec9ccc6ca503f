"""The rules allow each persona what Keystone's consistent RBAC allows it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ipam import settings
from ipam.cli.commands.policy import sample_text
from ipam.identity.caller import Caller, strongest
from ipam.identity.default_rules import RULES
from ipam.identity.policy import Grant, Policy
from ipam.identity.policy_file import list_rules
from ipam.settings import Settings

ADMIN = Caller("ada", "p1", "admin")
MEMBER = Caller("max", "p1", "member")
READER = Caller("rita", "p1", "reader")
SERVICE = Caller("nova", "services", "service")
AGENT = Caller("agent@h", "services", "agent", host="h")
NOBODY = Caller("nobody", "p1", roles=frozenset({"stranger"}))

ALL = Grant(everything=True)
NONE = Grant()


def some(*relations: str) -> Grant:
    return Grant(relations=frozenset(relations))  # type: ignore[arg-type]  # checked by equality


@pytest.fixture
def policy_of(tmp_path: Path) -> Callable[[str], Policy]:
    """Makes the policy of a policy file with this text."""

    def make(text: str = "") -> Policy:
        file = tmp_path / "policy.yaml"
        file.write_text(text)
        config = tmp_path / "ipam.conf"
        config.write_text(f"[oslo_policy]\npolicy_file = {file}\n")
        conf: Settings = settings.load([str(config)])
        return Policy(conf)

    return make


@pytest.mark.parametrize(
    ("rule", "member", "reader", "service"),
    [
        ("create_network", some("owner"), NONE, NONE),
        ("create_network:shared", NONE, NONE, NONE),
        ("create_network:provider:network_type", NONE, NONE, NONE),
        (
            "get_network",
            some("owner", "shared", "external"),
            some("owner", "shared", "external"),
            ALL,
        ),
        ("get_network:provider:segmentation_id", NONE, NONE, ALL),
        ("update_network", some("owner"), NONE, NONE),
        ("create_subnet", some("network_owner"), NONE, NONE),
        (
            "get_subnet",
            some("owner", "network_owner", "shared", "external"),
            some("owner", "network_owner", "shared", "external"),
            ALL,
        ),
        ("create_port", some("network_owner", "shared"), NONE, ALL),
        ("create_port:fixed_ips:ip_address", some("network_owner"), NONE, ALL),
        ("create_port:binding:host_id", NONE, NONE, ALL),
        ("get_port", some("owner", "network_owner"), some("owner", "network_owner"), ALL),
        ("get_port:binding:host_id", NONE, NONE, ALL),
        ("update_port", some("owner"), NONE, ALL),
        ("update_port:mac_address", NONE, NONE, ALL),
        ("delete_port", some("owner", "network_owner"), NONE, ALL),
        ("get_agent", NONE, NONE, NONE),
        ("update_agent", NONE, NONE, NONE),
        ("get_lease", some("owner"), some("owner"), NONE),
        ("create_lease_event", NONE, NONE, ALL),
        ("get_subnetpool", some("owner", "shared"), some("owner", "shared"), NONE),
        ("get_quota", some("owner"), some("owner"), ALL),
        ("update_quota", NONE, NONE, NONE),
        ("create_for_other_project", NONE, NONE, NONE),
        ("a_rule_that_nobody_wrote", NONE, NONE, NONE),
    ],
)
def test_each_persona_has_what_is_its_own(
    policy_of: Callable[..., Policy], rule: str, member: Grant, reader: Grant, service: Grant
) -> None:
    policy = policy_of()
    assert policy.grant(ADMIN, rule) == ALL
    assert policy.grant(MEMBER, rule) == member
    assert policy.grant(READER, rule) == reader
    assert policy.grant(SERVICE, rule) == service
    assert policy.grant(NOBODY, rule) == NONE


def test_an_agent_has_what_is_of_its_host_and_nothing_else(
    policy_of: Callable[..., Policy],
) -> None:
    policy = policy_of()
    of_host = {"create_agent", "get_dhcp_state", "create_dhcp_state", "create_lease_event"}
    base = {"agent_of_host"}
    anybodys = {name for name, check, _ in RULES if check == "@"}
    relations = {"owner", "network_owner", "shared", "external"}
    for name, _, _ in RULES:
        if name in of_host | base:
            assert policy.grant(AGENT, name) == some("own_host"), name
        elif name in anybodys:
            assert policy.grant(AGENT, name) == ALL, name
        elif name not in relations:
            assert policy.grant(AGENT, name) == NONE, name


def test_a_role_beyond_the_personas_adds_nothing_and_takes_nothing(
    policy_of: Callable[..., Policy],
) -> None:
    both = Caller("max", "p1", roles=frozenset({"member", "reader", "stranger"}))
    policy = policy_of()
    for name, _, _ in RULES:
        assert policy.grant(both, name) == policy.grant(MEMBER, name)


def test_a_policy_file_replaces_the_rules_it_names(policy_of: Callable[..., Policy]) -> None:
    policy = policy_of('"create_network": "rule:context_is_admin"\n')
    assert policy.grant(MEMBER, "create_network") == NONE
    assert policy.grant(MEMBER, "update_network") == some("owner")


def test_a_rule_about_one_project_holds_for_that_project_alone(
    policy_of: Callable[..., Policy],
) -> None:
    policy = policy_of('"create_network:shared": "role:admin or project_id:p1"\n')
    stranger = Caller("otto", "p2", "member")
    for _ in range(2):  # the second time from what is remembered
        assert policy.grant(MEMBER, "create_network:shared") == ALL
        assert policy.grant(stranger, "create_network:shared") == NONE


def test_a_rule_may_ask_for_a_service_token(policy_of: Callable[..., Policy]) -> None:
    policy = policy_of('"create_port:binding:host_id": "service_roles:service"\n')
    trusted = Caller("max", "p1", "member", service_roles=frozenset({"service"}))
    assert policy.grant(trusted, "create_port:binding:host_id") == ALL
    assert policy.grant(MEMBER, "create_port:binding:host_id") == NONE


def test_the_sample_is_a_policy_file_that_changes_nothing(
    policy_of: Callable[..., Policy],
) -> None:
    """With every # before a rule removed it says what is in force without it."""
    text = "\n".join(
        line.removeprefix("#") if line.startswith('#"') else line
        for line in sample_text().split("\n")
    )
    sample, default = policy_of(text), policy_of()
    for name, _, _ in RULES:
        assert f'\n"{name}": ' in text
        for caller in (ADMIN, MEMBER, READER, SERVICE, AGENT, NOBODY):
            assert sample.grant(caller, name) == default.grant(caller, name), name


def test_every_rule_has_a_reason_and_a_name_of_its_own() -> None:
    names = [rule.name for rule in list_rules()]
    assert len(set(names)) == len(names)
    for rule in list_rules():
        assert (rule.description or "").endswith("."), rule.name


def test_the_strongest_persona_names_the_caller() -> None:
    assert strongest(frozenset({"reader", "member", "x"})) == "member"
    assert strongest(frozenset({"admin", "service"})) == "admin"
    assert strongest(frozenset({"x"})) == ""
