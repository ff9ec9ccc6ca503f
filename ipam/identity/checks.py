"""Evaluates checks as oslo.policy does, of the kinds that the default rules consist of.

These are `@`, `role:NAME`, `rule:NAME` and `CREDENTIAL:%(ATTRIBUTE)s`, joined by `and`, `or` and
parentheses. The rules of a policy file may be of more kinds: those are oslo.policy's to evaluate.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether a target is given to who has these credentials."""

DEFAULT: Final = "default"
"""The rule for what no rule names."""

_TOKEN = re.compile(r"[()]|(?:%\([^)]*\)s|[^\s()])+")
_OF_ATTRIBUTE = re.compile(r"(True|[a-z_]+):%\(([^)]+)\)s")


class Checks:
    """The checks of rules, parsed once. Threads may share it.

    Raises ValueError for a check of another kind, and for one that names a rule that is not there.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        self.texts = rules
        self._checks: dict[str, Check] = {}
        for name, text in rules.items():
            self._checks[name] = self._parsed(name, text)

    def allows(self, rule: str, target: Mapping[str, Any], credentials: Mapping[str, Any]) -> bool:
        """Whether the rule gives the target to who has these credentials."""
        check = self._checks.get(rule, self._checks[DEFAULT])
        return check(target, credentials)

    def _parsed(self, name: str, text: str) -> Check:
        tokens = _TOKEN.findall(text)[::-1]
        try:
            check = self._any_of(tokens)
        except IndexError:
            raise ValueError(f"The rule {name} ends too early: {text!r}") from None
        if tokens:
            raise ValueError(f"The rule {name} has {tokens[-1]!r} out of place: {text!r}")
        return check

    def _any_of(self, tokens: list[str]) -> Check:
        """The check at the end of the tokens, whose order is reversed. It is taken from them."""
        checks = [self._all_of(tokens)]
        while tokens and tokens[-1] == "or":
            tokens.pop()
            checks.append(self._all_of(tokens))
        return lambda target, credentials: any(each(target, credentials) for each in checks)

    def _all_of(self, tokens: list[str]) -> Check:
        checks = [self._single(tokens.pop(), tokens)]
        while tokens and tokens[-1] == "and":
            tokens.pop()
            checks.append(self._single(tokens.pop(), tokens))
        return lambda target, credentials: all(each(target, credentials) for each in checks)

    def _single(self, word: str, tokens: list[str]) -> Check:
        if word == "(":
            check = self._any_of(tokens)
            if tokens.pop() != ")":
                raise ValueError("A parenthesis is not closed.")
            return check
        if word == "@":
            return lambda _target, _credentials: True
        kind, _, match = word.partition(":")
        if kind == "rule" and match in self.texts:
            return self._named(match)
        if kind == "role" and match.replace("_", "").isalnum():
            return _of_role(match.lower())
        if kind != "role" and (of_attribute := _OF_ATTRIBUTE.fullmatch(word)):
            return _of_attribute(*of_attribute.groups())
        raise ValueError(f"{word!r} is no check that the default rules may have.")

    def _named(self, rule: str) -> Check:
        """The check of a rule that may be parsed later than this one."""

        def check(target: Mapping[str, Any], credentials: Mapping[str, Any]) -> bool:
            return self._checks[rule](target, credentials)

        return check


def _of_role(name: str) -> Check:
    return lambda _target, credentials: name in {each.lower() for each in credentials["roles"]}


def _of_attribute(credential: str, attribute: str) -> Check:
    """Whether the attribute is the credential, both as text. `True` stands for itself."""

    def check(target: Mapping[str, Any], credentials: Mapping[str, Any]) -> bool:
        known = {**credentials, "True": True}
        return (
            attribute in target
            and credential in known
            and str(target[attribute]) == str(known[credential])
        )

    return check
