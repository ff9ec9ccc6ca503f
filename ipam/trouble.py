"""A trouble that lasts is said once when it begins, once when it changes, and once when it ends.

Pure: whoever meets the trouble asks here whether it is news, and writes the log line itself.
"""


class Trouble:
    """One thing that may fail again and again. True while it fails."""

    def __init__(self) -> None:
        self._why: str | None = None

    def __bool__(self) -> bool:
        return self._why is not None

    def begins(self, why: str) -> bool:
        """It fails for this reason; whether that is news."""
        is_news = why != self._why
        self._why = why
        return is_news

    def ends(self) -> bool:
        """It works; whether it failed before."""
        failed, self._why = self._why is not None, None
        return failed
