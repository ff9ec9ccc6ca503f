"""What an agent says of itself, in the table of `ipam agent show`: a field by line. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ipam.cli.output import plain

Json = Mapping[str, Any]


def by_lines(agent: Json) -> dict[str, Any]:
    """The agent, with each of its `configurations` as a field of its own, in short lines."""
    shown = {name: value for name, value in agent.items() if name != "configurations"}
    for name, value in agent["configurations"].items():
        title = name if name not in shown else f"configurations.{name}"
        shown[title] = _lines(name, value)
    return shown


def _lines(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    try:
        return _IN_WORDS.get(name, _pairs)(value)
    except (KeyError, TypeError):  # an agent of another version
        return _pairs(value)


def _pairs(value: Json) -> list[str]:
    return [f"{key}: {plain(one)}" for key, one in value.items()]


def _guard(guard: Json) -> list[str]:
    first = f"on, for {guard['taps']} taps" if guard["port_filter"] else f"off: {guard['fault']}"
    dropped = ("spoofed", "storms", "fenced")
    counts = ", ".join(f"{guard[one]} {one}" for one in dropped if one in guard)
    return [first, f"dropped frames: {counts}"]


def _uplinks(uplinks: Json) -> list[str]:
    return [
        f"{name}: {one['fault'] or 'free'} (MTU {one['mtu']})" for name, one in uplinks.items()
    ]


_IN_WORDS: Final[Mapping[str, Callable[[Json], list[str]]]] = {
    "guard": _guard,
    "uplinks": _uplinks,
}
