"""A directory for what runs as another user: dnsmasq and the lease hook do."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_directory(name: str) -> Iterator[Path]:
    """A directory that everybody may enter and read, gone at the end of the block.

    pytest's `tmp_path` lets in its own user alone, so a dnsmasq finds none of its files there.
    """
    with tempfile.TemporaryDirectory(prefix=f"ipam-{name}-") as path:
        directory = Path(path)
        directory.chmod(0o755)
        yield directory
