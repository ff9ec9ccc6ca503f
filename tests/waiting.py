"""How tests wait: for a fact, never for a time.

`PATIENCE_SECONDS` is the one bound. It is no expectation: only what hangs ever takes it, and on a
slow or loaded machine everything else still ends long before. It stays below pytest's own
`timeout`, so that a failure names what was waited for.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

PATIENCE_SECONDS: Final = 240.0
LOOK_AGAIN_SECONDS: Final = 0.02

Found = TypeVar("Found")


def eventually(
    probe: Callable[[], Found],
    what: str | Callable[[], str] = "it never came true",
    *,
    every: float = LOOK_AGAIN_SECONDS,
) -> Found:
    """The first true answer of the probe.

    Fails with `what` was waited for, which a function may say when it is known.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := probe()):
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {PATIENCE_SECONDS:g} s: {told}")
        time.sleep(every)
    return found
