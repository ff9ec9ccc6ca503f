"""Evaluates the rules of a policy file with oslo.policy, which is an optional dependency."""

from collections.abc import Mapping
from typing import Any

from oslo_policy import policy

from ipam.identity.default_rules import RULES
from ipam.settings import Settings


class PolicyFile:
    """The default rules, with those of policy_file and policy_dirs in their place.

    The files are read when this is made.
    """

    def __init__(self, settings: Settings) -> None:
        self._enforcer = policy.Enforcer(settings.config_opts)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(list_rules())
        self._enforcer.load_rules()
        self.texts: Mapping[str, str] = {
            name: str(check) for name, check in self._enforcer.rules.items()
        }

    def allows(self, rule: str, target: Mapping[str, Any], credentials: Mapping[str, Any]) -> bool:
        """Whether the rule gives the target to who has these credentials."""
        # Enforcer.enforce also copies and logs its arguments, which takes a millisecond.
        check = self._enforcer.rules[rule]
        return bool(check(dict(target), dict(credentials), self._enforcer, rule))


def list_rules() -> list[policy.RuleDefault]:
    """Every rule with its reason. This is the entry point for oslo.policy's tools."""
    return [policy.RuleDefault(name, check, description=why) for name, check, why in RULES]
