"""Networks of this host that an admin works on by hand: the agent leaves them as they are.

A hold is a file on the host, named by the network's id: it is there for whoever has hands on the
host, whether or not the API answers, and outlives the agent and the host's restart.
"""

import contextlib
from collections.abc import Collection
from pathlib import Path

from ipam import files

TROUBLE = (
    "on hold on this host: the agent changes and repairs nothing of it."
    " `ipam agent hold NETWORK --off` there ends that."
)


class Holds:
    """The holds in a directory."""

    def __init__(self, state_path: Path) -> None:
        self.directory = state_path / "holds"
        with contextlib.suppress(OSError):  # a disk that is read-only has holds, or has none
            files.directory(self.directory)

    def network_ids(self) -> Collection[str]:
        """What is on hold now."""
        try:
            return {path.name for path in self.directory.iterdir()}
        except FileNotFoundError:
            return ()

    def hold(self, network_id: str) -> None:
        """Leave the network alone from now on."""
        files.make(self.directory / network_id)

    def end(self, network_id: str) -> None:
        """Look after the network again."""
        with contextlib.suppress(FileNotFoundError):
            (self.directory / network_id).unlink()
