"""Decides how a value of a wrong type or size is told: the value, and the rule. Pure."""

import re
from typing import Any, Final

from ipam import values

_ENUM: Final = re.compile(r"Invalid enum value .*", re.DOTALL)
_LENGTH: Final = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
_BOUND: Final = re.compile(r"Expected `int` (>=|<=) (-?\d+)")
_TYPE: Final = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`")
_KINDS: Final = {
    "int": "an integer",
    "str": "a string",
    "bool": "a boolean",
    "float": "a number",
    "array": "a list",
    "object": "an object",
}


def reason(said: str, value: Any, choices: tuple[Any, ...] = ()) -> str:
    """A message of msgspec as a sentence that names the value; another message as it is.

    `choices`: the values that there may be, if they are few.
    """
    shown = _shown(value)
    if _ENUM.fullmatch(said):
        return f"{shown} is none of {', '.join(map(repr, choices))}" if choices else said
    if found := _LENGTH.fullmatch(said):
        unit = "character" if found[1] == "str" else "item"
        rule = "at most" if found[2] == "<=" else "at least"
        return f"{shown} has {counted(len(value), unit)}, {rule} {found[3]} are allowed"
    if found := _BOUND.fullmatch(said):
        return f"{shown} is {'less' if found[1] == '>=' else 'more'} than {found[2]}"
    if (found := _TYPE.fullmatch(said)) and found[1] in _KINDS:
        return f"{shown} is not {_KINDS[found[1]]}"
    return said


def counted(count: int, noun: str) -> str:
    """The number with its noun: `1 item`, `2 items`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return values.shown(value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "the list"
    names = {None: "null", True: "true", False: "false"}
    return names[value] if value is None or isinstance(value, bool) else str(value)[:100]
