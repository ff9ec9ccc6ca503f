"""Evaluates the rules: what a caller may do with rows, by the rows' relations to the caller.

A rule is not evaluated for each row. It is evaluated once for a caller and each relation, and the
result, a `Grant`, is remembered. The store turns a grant into one SQL condition.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from oslo_policy import policy

from ipam.identity.caller import Caller
from ipam.identity.default_rules import RULES
from ipam.settings import Settings

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


class Policy:
    """The default rules, with those of policy_file in their place. Threads may share it.

    The file is read when the process starts.
    """

    def __init__(self, settings: Settings) -> None:
        self._enforcer = policy.Enforcer(settings.config_opts)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(list_rules())
        self._enforcer.load_rules()
        self._look_at_roles_alone = all(
            _looks_at_roles_alone(str(check)) for check in self._enforcer.rules.values()
        )
        self._attributes = _attributes(self._enforcer.rules)
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
        return rule in self._enforcer.rules

    def attributes(self, rule: str) -> Sequence[str]:
        """The attributes that have a rule of their own below this one, such as `shared`."""
        return self._attributes.get(rule, ())

    def _evaluate(self, caller: Caller, rule: str) -> Grant:
        credentials = _credentials(caller)

        def allows(target: Mapping[str, Any]) -> bool:
            # Enforcer.enforce also copies and logs its arguments, which takes a millisecond.
            check = self._enforcer.rules[rule]
            return bool(check(target, credentials, self._enforcer, rule))

        if allows({}):
            return EVERYTHING
        return Grant(
            relations=frozenset(each for each in RELATIONS if allows(_target(caller, each)))
        )


def list_rules() -> list[policy.RuleDefault]:
    """Every rule with its reason. This is the entry point for oslo.policy's tools."""
    return [policy.RuleDefault(name, check, description=why) for name, check, why in RULES]


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
