"""Long sequences in parts, and in few different lengths."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

MOST_PARAMETERS: Final = 1000
"""Every database accepts so many parameters in one statement."""


def chunks(values: Sequence[T], most: int = MOST_PARAMETERS) -> Iterator[Sequence[T]]:
    """The values in their order, in parts of `most` each; the last may be shorter."""
    for start in range(0, len(values), most):
        yield values[start : start + most]


def padded(values: Sequence[T], most: int = MOST_PARAMETERS) -> Sequence[T]:
    """The values, with the last one repeated until there are 2, 4, 8 and so on, or `most`.

    So a condition on one of many values has few forms: drivers keep each form that they have seen.
    """
    length = len(values)
    missing = min(1 << (length - 1).bit_length(), max(most, length)) - length if length else 0
    return [*values, *[values[-1]] * missing] if missing else values


def alternatives(values: Sequence[T], most: int = MOST_PARAMETERS) -> Iterator[Sequence[T]]:
    """The values in parts, padded, for conditions on one of them."""
    for part in chunks(values, most):
        yield padded(part, most)
