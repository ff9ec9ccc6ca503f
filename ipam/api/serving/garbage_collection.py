"""Tunes Python's garbage collection for an API process."""

import gc
import threading
from typing import Final

from ipam.api.serving import heap

YOUNG: Final = 3_000
"""All threads wait for a collection, for a time that grows with the objects. With Python's 700,
making one long list starts a hundred of them."""

TIDY_SECONDS: Final = 10
"""Python's own collections of old objects come after hundreds of thousands of new ones."""

OLD: Final = 20_000
"""Where a tidying leaves more objects, the next ones do not look at them: a look at so many holds
all threads for a few milliseconds."""

WHOLE_TURNS: Final = 30
"""Each so many tidyings look at every object, also those that were left out."""

LEFT_OUT: Final = 40_000
"""They do so earlier where so many were left out since: caches that change drop old ones."""
WHOLE_TURNS_AT_LEAST: Final = 3
"""So many tidyings lie between two looks at every object, each of which holds all threads for
100 to 200 ms on a busy machine."""


def settle() -> None:
    """Exempt the present objects from collection. Call it once, when the application is made."""
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, old)


def tidy_until(stopped: threading.Event) -> None:
    """Collect what was used and is garbage, old or new, and give its memory back. For a thread."""
    collections = -1
    turns = left_out = 0
    while not stopped.wait(TIDY_SECONDS):
        young = gc.get_stats()[0]["collections"]
        if young != collections:  # since then nothing was done that is worth it
            turns += 1
            if _is_whole(turns, left_out):
                gc.unfreeze()
                gc.collect()
                gc.freeze()
                turns = left_out = 0
            else:
                left_out += _tidy()
            heap.give_back()
            collections = gc.get_stats()[0]["collections"]


def _is_whole(turns: int, left_out: int) -> bool:
    """Whether to look at every object, so many turns after the last look."""
    return turns >= WHOLE_TURNS or (turns >= WHOLE_TURNS_AT_LEAST and left_out >= LEFT_OUT)


def _tidy() -> int:
    """Collect, and leave out what is left of it if that is much; how many objects that are."""
    gc.collect()
    old = len(gc.get_objects(generation=2))
    if old <= OLD:
        return 0
    gc.freeze()  # the caches; what requests held just now waits for the next look at all
    return old
