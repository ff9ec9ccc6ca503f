"""Takes some of many in each look, other ones each time. Pure."""

from collections.abc import Collection


class InTurn:
    """All have their turn in so many looks, or in as many looks as they are."""

    def __init__(self, looks: int) -> None:
        self._looks = looks
        self._left: list[str] = []
        self._over = 0

    def some(self, every: Collection[str]) -> list[str]:
        """The next ones. Some of them may be gone since the round began."""
        if not self._left:
            self._left = list(every)
        most = max(len(every), self._looks)
        count, self._over = divmod(most + self._over, self._looks)
        found, self._left = self._left[:count], self._left[count:]
        return found
