"""A watch on directories that never knows what has changed: see ipam.agent.outside.FileWatch."""

from collections.abc import Iterable
from pathlib import Path


class FileWatchDouble:
    """All of what is watched may have changed, always."""

    def __init__(self) -> None:
        self.watched: set[Path] = set()

    def watch(self, directory: Path) -> None:
        assert directory.is_dir()
        self.watched.add(directory)

    def unwatch(self, directory: Path) -> None:
        self.watched.discard(directory)

    def changed(self) -> Iterable[Path]:
        return set(self.watched)
