"""Says when a lasting trouble is news: when it begins, when it changes, and when it ends.

Pure: the caller asks whether the trouble is news, and writes the log line itself.
"""


class Trouble:
    """A thing that may fail repeatedly. It is true while the thing fails."""

    def __init__(self) -> None:
        self._why: str | None = None

    def __bool__(self) -> bool:
        return self._why is not None

    def begins(self, why: str) -> bool:
        """Note that the thing fails for this reason; whether that is news."""
        is_news = why != self._why
        self._why = why
        return is_news

    def ends(self) -> bool:
        """Note that the thing works; whether it failed before."""
        failed, self._why = self._why is not None, None
        return failed
