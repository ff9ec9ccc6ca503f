"""Evaluates the rules: what a caller may do with rows, by the rows' relations to the caller.

A rule is not evaluated for each row. It is evaluated once for a caller and each relation, and the
result, a `Grant`, is remembered. The store turns a grant into one SQL condition.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args

from ipam import extras
from ipam.identity.caller import Caller
from ipam.identity.checks import Checks
from ipam.identity.default_rules import RULES
from ipam.settings import Settings
from ipam.settings.policy_files import has_policy_files

Relation: TypeAlias = Literal["owner", "network_owner", "shared", "external", "own_host"]
"""A relation of a row to a caller, as `ipam.identity.default_rules` describes it."""

RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)
CALLERS_KEPT: Final = 4096
"""Active users of a large cloud. Each takes about 10 kB."""

_CHECK = re.compile(r"[^\s():]+:(?:%\([^)]*\)s|[^\s()])*")
_OF_ROLES_ALONE = re.compile(
    r"(role|rule):[\w-]+|(project|tenant)_id:%\((network:)?(project|tenant)_id\)s"
    r"|True:%\((shared|router:external)\)s|host:%\(host\)s"
)
"""Checks whose result for a relation depends only on the caller's roles."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Which rows a rule gives to a caller: all, or those with one of these relations to it."""

    everything: bool = False
    relations: frozenset[Relation] = frozenset()

    def __bool__(self) -> bool:
        return self.everything or bool(self.relations)

    def covers(self, relations: Iterable[str]) -> bool:
        """Whether the grant includes a row that has all of these relations to the caller."""
        return self.everything or not self.relations.isdisjoint(relations)


EVERYTHING: Final = Grant(everything=True)


class Rules(Protocol):
    """Something that evaluates rules."""

    texts: Mapping[str, str]
    """The check of each rule by its name."""

    def allows(self, rule: str, target: Mapping[str, Any], credentials: Mapping[str, Any]) -> bool:
        """Whether the rule gives the target to who has these credentials."""


class Policy:
    """The default rules, with those of policy files in their place. Threads may share it.

    The files are read when the process starts. Raises SettingsUnfit if there are some and
    oslo.policy, which evaluates them, is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._rules = _rules(settings)
        self._look_at_roles_alone = all(
            _looks_at_roles_alone(text) for text in self._rules.texts.values()
        )
        self._attributes = _attributes(self._rules.texts)
        self._grants: dict[Hashable, dict[str, Grant]] = {}

    def grant(self, caller: Caller, rule: str) -> Grant:
        """What the rule gives to the caller. An unknown rule is the rule `default`."""
        key = caller.roles if self._look_at_roles_alone else caller
        try:
            return self._grants[key][rule]
        except KeyError:
            grant = self._evaluate(caller, rule)
        if len(self._grants) >= CALLERS_KEPT:
            self._grants = {}
        self._grants.setdefault(key, {})[rule] = grant
        return grant

    def has(self, rule: str) -> bool:
        """Whether there is a rule of this name."""
        return rule in self._rules.texts

    def attributes(self, rule: str) -> Sequence[str]:
        """The attributes that have a rule of their own below this one, such as `shared`."""
        return self._attributes.get(rule, ())

    def _evaluate(self, caller: Caller, rule: str) -> Grant:
        credentials = _credentials(caller)

        def allows(target: Mapping[str, Any]) -> bool:
            return self._rules.allows(rule, target, credentials)

        if allows({}):
            return EVERYTHING
        return Grant(
            relations=frozenset(each for each in RELATIONS if allows(_target(caller, each)))
        )


def _rules(settings: Settings) -> Rules:
    """The default rules alone are evaluated without oslo.policy: it is large, and optional."""
    if not has_policy_files(settings.config_files):
        return Checks({name: check for name, check, _ in RULES})
    with extras.needed_for("A policy file ([oslo_policy], or policy.yaml beside the settings)"):
        from ipam.identity.policy_file import PolicyFile  # noqa: PLC0415  # see above
    return PolicyFile(settings)


def _credentials(caller: Caller) -> dict[str, Any]:
    return {
        "user_id": caller.user_id,
        "project_id": caller.project_id,
        "tenant_id": caller.project_id,
        "roles": sorted(caller.roles),
        "service_roles": sorted(caller.service_roles),
        "is_admin": caller.is_admin,
        "host": caller.host,
    }


def _target(caller: Caller, relation: Relation) -> Mapping[str, Any]:
    """A row that has this relation to the caller, and no other."""
    project = caller.project_id
    match relation:
        case "owner":
            return {"project_id": project, "tenant_id": project}
        case "network_owner":
            return {"network:project_id": project, "network:tenant_id": project}
        case "shared":
            return {"shared": True}
        case "external":
            return {"router:external": True}
        case "own_host":
            return {"host": caller.host}


def _looks_at_roles_alone(check: str) -> bool:
    """Whether the text of a check names no user and no project."""
    return all(_OF_ROLES_ALONE.fullmatch(each) for each in _CHECK.findall(check))


def _attributes(names: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Attributes by action, from rule names like `create_network:router:external`."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        rule, colon, attribute = name.partition(":")
        if colon:
            found.setdefault(rule, []).append(attribute)
    return found
