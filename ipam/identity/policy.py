"""Evaluates the rules: what a caller may do to things that stand to it in this or that way.

A rule is never evaluated for a row. It is evaluated once for a caller and each way a row can stand
to it, and what comes out, a `Grant`, is kept: asking again costs a look into a dictionary, and the
store turns a grant into one SQL condition.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from oslo_policy import policy

from ipam.identity.caller import Caller
from ipam.identity.default_rules import RULES
from ipam.settings import Settings

Relation: TypeAlias = Literal["owner", "network_owner", "shared", "external"]
"""How a row can stand to a caller; the words of `ipam.identity.default_rules`."""

RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)
CALLERS_KEPT: Final = 4096
"""Users of a large cloud at work at a time; each takes some 10 kB."""

_CHECK = re.compile(r"[^\s():]+:(?:%\([^)]*\)s|[^\s()])*")
_OF_ROLES_ALONE = re.compile(
    r"(role|rule):[\w-]+|(project|tenant)_id:%\((network:)?(project|tenant)_id\)s"
    r"|True:%\((shared|router:external)\)s"
)
"""Checks whose outcome for a relation is the same for all who have the same roles."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Which rows a rule gives to a caller: all, or those that stand to it in one of these ways."""

    everything: bool = False
    relations: frozenset[Relation] = frozenset()

    def __bool__(self) -> bool:
        return self.everything or bool(self.relations)

    def covers(self, relations: Iterable[str]) -> bool:
        """Whether a row that stands to the caller in all of these ways is among them."""
        return self.everything or not self.relations.isdisjoint(relations)


EVERYTHING: Final = Grant(everything=True)


class Policy:
    """The rules of the settings' policy_file over the defaults; safe to share between threads.

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
        """What the rule gives to the caller; a rule that nobody wrote is `default`."""
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
        """The attributes that have a rule of their own below this one: `shared`, say."""
        return self._attributes.get(rule, ())

    def _evaluate(self, caller: Caller, rule: str) -> Grant:
        credentials = _credentials(caller)

        def allows(target: Mapping[str, Any]) -> bool:
            # Enforcer.enforce would do it, and copy and log its arguments for a millisecond.
            check = self._enforcer.rules[rule]
            return bool(check(target, credentials, self._enforcer, rule))

        if allows({}):
            return EVERYTHING
        return Grant(
            relations=frozenset(each for each in RELATIONS if allows(_target(caller, each)))
        )


def list_rules() -> list[policy.RuleDefault]:
    """Every rule with its reason: the entry point of oslo.policy's own tools."""
    return [policy.RuleDefault(name, check, description=why) for name, check, why in RULES]


def _credentials(caller: Caller) -> dict[str, Any]:
    return {
        "user_id": caller.user_id,
        "project_id": caller.project_id,
        "tenant_id": caller.project_id,
        "roles": sorted(caller.roles),
        "service_roles": sorted(caller.service_roles),
        "is_admin": caller.is_admin,
    }


def _target(caller: Caller, relation: Relation) -> Mapping[str, Any]:
    """A row that stands to the caller in this way, and in no other."""
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


def _looks_at_roles_alone(check: str) -> bool:
    """Whether the written form of a check mentions no user and no project by id."""
    return all(_OF_ROLES_ALONE.fullmatch(each) for each in _CHECK.findall(check))


def _attributes(names: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """From `create_network:router:external` and its like: attributes by action."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        rule, colon, attribute = name.partition(":")
        if colon:
            found.setdefault(rule, []).append(attribute)
    return found
