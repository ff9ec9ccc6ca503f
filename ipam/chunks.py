"""Long sequences in parts."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

MOST_PARAMETERS: Final = 1000
"""Every database accepts so many parameters in one statement."""


def chunks(values: Sequence[T], most: int = MOST_PARAMETERS) -> Iterator[Sequence[T]]:
    """The values in their order, in parts of `most` each; the last may be shorter."""
    for start in range(0, len(values), most):
        yield values[start : start + most]
