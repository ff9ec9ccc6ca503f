"""What is worked out of each network, kept while all is the same from which it was."""

from collections.abc import Callable, Collection
from typing import Generic, TypeVar

V = TypeVar("V")


class Unchanged(Generic[V]):
    """The values by network. Not thread-safe.

    In most turns one network of hundreds has changed.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[tuple[object, ...], V]] = {}

    def of(self, network_id: str, basis: tuple[object, ...], work_out: Callable[[], V]) -> V:
        """The network's value, the same object as long as the basis is equal.

        Comparing costs next to nothing where the basis has the same objects, too.
        """
        known = self._found.get(network_id)
        if known is not None and known[0] == basis:
            return known[1]
        value = work_out()
        self._found[network_id] = basis, value
        return value

    def forget(self, network_id: str) -> None:
        """Forget the network."""
        self._found.pop(network_id, None)

    def keep(self, network_ids: Collection[str]) -> None:
        """Forget all networks but these."""
        for network_id in self._found.keys() - network_ids:
            del self._found[network_id]

    def clear(self) -> None:
        """Forget all."""
        self._found.clear()
