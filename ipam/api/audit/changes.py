"""What an audit event says of a change: each attribute with its value before and after.

Large values are cut, each with what is missing, and no event's changes are longer than
`CHANGES_MAX_BYTES`. Values that may be secret are not shown.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Struct

from ipam import model

Changes: TypeAlias = dict[str, tuple[Any, Any]]
"""By the attribute's name in the API: from what to what. None is what was not there."""

LIST_MAX: Final = 16
TEXT_MAX: Final = 255
OBJECT_MAX_BYTES: Final = 1024
CHANGES_MAX_BYTES: Final = 8192

SECRET: Final = frozenset({"binding_profile", "profile"})
"""Nova and its drivers put into a profile what they like."""
HIDDEN: Final = "(not recorded)"

_ELSEWHERE: Final = frozenset({"pk", "id", "name", "project_id", "tenant_id"})
"""The event has them in fields of their own, or they are internal."""
_FOLLOWING: Final = frozenset(
    {"revision_number", "created_at", "updated_at", "binding_vif_details", "segment"}
)
"""They follow from the rest."""
_PREFIXES: Final = ("binding_", "provider_")


def of_new(view: Struct) -> Changes:
    """The attributes of a new object that are neither empty nor false."""
    values = ((name, getattr(view, name)) for name in view.__struct_fields__)
    return {_wire(name): (None, _shown(name, value)) for name, value in _telling(values)}


def of_gone(row: Any) -> Changes:
    """The columns of a deleted row that are neither empty nor false."""
    values = row._mapping.items()  # noqa: SLF001  # public, named so that no column hides it
    return {_wire(name): (_shown(name, value), None) for name, value in _telling(values)}


def of_update(row: Any, values: Mapping[str, Any]) -> Changes:
    """New values of a row's columns."""
    return {
        _wire(name): (_shown(name, getattr(row, name)), _shown(name, value))
        for name, value in values.items()
        if name not in _FOLLOWING and getattr(row, name) != value
    }


def of_said(said: Mapping[str, tuple[Any, Any]]) -> Changes:
    """Changes that were noted in words of the API."""
    return {
        name: (_shown(name, before), _shown(name, after)) for name, (before, after) in said.items()
    }


def bounded(changes: Changes) -> Mapping[str, Any]:
    """The changes, only by their names if they are too long together."""
    if len(changes) * TEXT_MAX < CHANGES_MAX_BYTES and len(changes) < LIST_MAX:
        size = 0
    else:
        size = len(msgspec.json.encode(changes))
    if size <= CHANGES_MAX_BYTES:
        return changes
    return dict.fromkeys(changes, ("(too long)", "(too long)"))


def _telling(values: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    return (
        (name, value)
        for name, value in values
        if value and value is not UNSET and name not in _ELSEWHERE and name not in _FOLLOWING
    )


def _shown(name: str, value: Any) -> Any:
    """The value as it may stand in an event."""
    if name in SECRET:
        return HIDDEN if value else value
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return model.unpack(value)
    value = msgspec.to_builtins(value)
    if isinstance(value, list):
        return _list(value)
    size = len(msgspec.json.encode(value))
    return value if size <= OBJECT_MAX_BYTES else f"({size} bytes)"


def _list(value: list[Any]) -> list[Any]:
    shown = [_shown("", each) for each in value[:LIST_MAX]]
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
