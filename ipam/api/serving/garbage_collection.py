"""How often an API process looks for garbage."""

import gc
from typing import Final

YOUNG: Final = 20_000
"""Python's 700 has it look a hundred times while one long list is made, each time at more."""


def settle() -> None:
    """Call once when the application is made: what is there now stays for good."""
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, old)
