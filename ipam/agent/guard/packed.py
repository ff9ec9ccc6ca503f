"""The elements of one tap in little memory. Pure."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from ipam.agent.guard.elements import Element

_BETWEEN: Final = "\n"
"""In no name of a set and no key: those were parsed."""


class Packed(AbstractSet[Element]):
    """A set of elements that does not change, kept as one text.

    A host has thousands of taps with seven elements each. As objects these take four times as much
    memory, and all of them are visited when Python looks for cycles.
    """

    __slots__ = ("_text",)

    def __init__(self, elements: Iterable[Element] = ()) -> None:
        lines = sorted({f"{name} {key}" for name, key in elements})
        self._text = _BETWEEN.join(["", *lines, ""])

    def __iter__(self) -> Iterator[Element]:
        for line in self._text.split(_BETWEEN)[1:-1]:
            name, _, key = line.partition(" ")
            yield name, key

    def __len__(self) -> int:
        return self._text.count(_BETWEEN) - 1

    def __contains__(self, element: object) -> bool:
        if not isinstance(element, tuple):
            return False
        return f"{_BETWEEN}{' '.join(element)}{_BETWEEN}" in self._text

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            return self._text == other._text
        return super().__eq__(other)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return f"Packed({[*self]})"
