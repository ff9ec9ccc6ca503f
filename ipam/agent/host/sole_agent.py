"""One agent for each directory: two would take each other's leases and servers."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ipam import files
from ipam.errors import HostUnfit


@contextlib.contextmanager
def sole_agent(*directories: Path) -> Iterator[None]:
    """Hold the directories, made if need be, for this process alone, however it ends.

    Raises HostUnfit if another agent holds one of them.
    """
    with contextlib.ExitStack() as closing:
        for directory in dict.fromkeys(directories):
            files.make_directory(directory, files.WAY_DIRECTORY)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            closing.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HostUnfit(
                    f"Another agent runs with {directory}: stop it, or set run_path and"
                    " [agent] state_path to other directories. Two agents on one host need two"
                    " names ([DEFAULT] host), too."
                ) from error
        yield
