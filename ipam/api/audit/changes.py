"""What an audit event says of a change: each attribute with its value before and after.

Changes that are long together have their large values cut, each with what is missing, and none are
longer than `CHANGES_MAX_BYTES`. Values that may be secret are not shown.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from ipam import model

Changes: TypeAlias = dict[str, tuple[Any, Any]]
"""By the attribute's name in the API: from what to what. None is what was not there."""

WHOLE_MAX_BYTES: Final = 1024
"""Changes that take no more are told as they are. Most are, and pay for no look at each value."""
LIST_MAX: Final = 16
TEXT_MAX: Final = 255
OBJECT_MAX_BYTES: Final = 1024
CHANGES_MAX_BYTES: Final = 8192

SECRET: Final = frozenset({"binding:profile", "profile"})
"""Nova and its drivers put into a profile what they like."""
HIDDEN: Final = "(not recorded)"

_ELSEWHERE: Final = frozenset({"pk", "id", "name", "project_id", "tenant_id"})
"""The event has them in fields of their own, or they are internal."""
_FOLLOWING: Final = frozenset(
    {
        *("revision_number", "created_at", "updated_at", "segment"),
        *("binding_vif_details", "binding:vif_details"),
    }
)
"""They follow from the rest."""
_LEFT_OUT: Final = _ELSEWHERE | _FOLLOWING
_PREFIXES: Final = ("binding_", "provider_")


def of_new(view: Struct) -> Changes:
    """The attributes of a new object that are neither empty nor false."""
    values = msgspec.to_builtins(view).items()
    return {name: (None, value) for name, value in values if value and name not in _LEFT_OUT}


def of_gone(row: Any) -> Changes:
    """The columns of a deleted row that are neither empty nor false."""
    values = row._asdict().items()
    return {
        _wire(name): (_plain(value), None)
        for name, value in values
        if value and name not in _LEFT_OUT
    }


def of_update(row: Any, values: Mapping[str, Any]) -> Changes:
    """New values of a row's columns."""
    return {
        _wire(name): (_plain(getattr(row, name)), _plain(value))
        for name, value in values.items()
        if name not in _FOLLOWING and getattr(row, name) != value
    }


def encoded(changes: Changes) -> Raw:
    """The changes as JSON, with their large values cut if they are long."""
    if hidden := SECRET & changes.keys():
        pairs = ((name, *changes[name]) for name in hidden)
        changes = changes | {
            name: (before and HIDDEN, after and HIDDEN) for name, before, after in pairs
        }
    text = msgspec.json.encode(changes)
    if len(text) > WHOLE_MAX_BYTES:
        text = msgspec.json.encode({name: [*map(_cut, pair)] for name, pair in changes.items()})
    if len(text) > CHANGES_MAX_BYTES:
        text = msgspec.json.encode(dict.fromkeys(changes, ("(too long)", "(too long)")))
    return Raw(text)


def _plain(value: Any) -> Any:
    """A column's value as JSON can have it."""
    return model.unpack(value) if isinstance(value, bytes) else value


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int):
        return value
    value = msgspec.to_builtins(value)
    if isinstance(value, list):
        return _list(value)
    size = len(msgspec.json.encode(value))
    return value if size <= OBJECT_MAX_BYTES else f"({size} bytes)"


def _list(value: list[Any]) -> list[Any]:
    shown = [_cut(each) for each in value[:LIST_MAX]]
    more = len(value) - len(shown)
    return [*shown, f"… and {more} more"] if more else shown


def _text(value: str) -> str:
    if len(value) <= TEXT_MAX:
        return value
    return f"{value[:TEXT_MAX]}… ({len(value)} characters)"


@cache
def _wire(name: str) -> str:
    """The attribute's name in the API."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return f"{prefix[:-1]}:{name.removeprefix(prefix)}"
    return "router:external" if name == "router_external" else name
