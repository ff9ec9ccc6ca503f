"""Checks are evaluated as oslo.policy does: for each default rule, and for any of their kinds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oslo_config import cfg
from oslo_policy import _parser, policy

from ipam.identity.checks import Checks
from ipam.identity.default_rules import RULES

DEFAULTS = {name: check for name, check, _ in RULES}
ATTRIBUTES = sorted(
    {"project_id", "network:project_id", "shared", "router:external", "host", "tenant_id"}
)
VALUES = st.sampled_from(["p1", "p2", "h", "True", "False", "None", "", True, False, None, 1])
ROLES = st.sampled_from(["admin", "ADMIN", "member", "reader", "service", "advsvc", "agent", "x"])

TARGETS = st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES)
CREDENTIALS = st.builds(
    lambda roles, others: {"roles": roles, **others},
    st.lists(ROLES, max_size=4),
    st.dictionaries(st.sampled_from(["project_id", "tenant_id", "host", "True"]), VALUES),
)

_SINGLE = st.one_of(
    st.sampled_from(["@", "True:%(shared)s", "True:%(router:external)s", "role:Admin"]),
    st.builds("role:{}".format, ROLES),
    st.builds("rule:{}".format, st.sampled_from(sorted(DEFAULTS))),
    st.builds(
        "{}:%({})s".format,
        st.sampled_from(["project_id", "host", "no_such_credential"]),
        st.sampled_from(ATTRIBUTES),
    ),
)
CHECKS = st.recursive(
    _SINGLE,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(" or ".join),
        st.lists(inner, min_size=2, max_size=3).map(" and ".join),
        inner.map("({})".format),
        inner.map("( {} )".format),
    ),
    max_leaves=8,
)


def oslo_enforcer() -> policy.Enforcer:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    return policy.Enforcer(conf, rules=policy.Rules.from_dict(DEFAULTS), use_conf=False)


OSLO = oslo_enforcer()
OURS = Checks(DEFAULTS)


def oslo_allows(check: Any, target: dict[str, Any], credentials: dict[str, Any]) -> bool:
    return bool(check(target, credentials, OSLO, "it"))


@given(TARGETS, CREDENTIALS)
def test_every_default_rule_is_evaluated_as_oslo_policy_does(
    target: dict[str, Any], credentials: dict[str, Any]
) -> None:
    for name in [*DEFAULTS, "a_rule_that_nobody_wrote"]:
        expected = oslo_allows(OSLO.rules[name], target, credentials)
        assert OURS.allows(name, target, credentials) == expected, name


@given(CHECKS, TARGETS, CREDENTIALS)
def test_any_check_of_these_kinds_is_evaluated_as_oslo_policy_does(
    check: str, target: dict[str, Any], credentials: dict[str, Any]
) -> None:
    expected = oslo_allows(_parser.parse_rule(check), target, credentials)
    assert Checks(DEFAULTS | {"it": check}).allows("it", target, credentials) == expected


@pytest.mark.parametrize(
    "check",
    [
        "",
        "!",
        "not role:admin",
        "role:admin or",
        "or role:admin",
        "role:admin role:member",
        "(role:admin",
        "role:admin)",
        "()",
        "rule:of_nothing",
        "role:%(role)s",
        "None:%(project_id)s",
        "user.domain:%(domain)s",
        "http://example.org/%(name)s",
        "admin",
    ],
)
def test_what_the_defaults_may_not_have_is_refused_and_not_guessed(check: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Checks({"default": "@", "it": check})
