import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.ipam_host import FakeApi, Host


@pytest.fixture
def host() -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    # Not pytest's own directory: it is closed to the users that dnsmasq and the hook become.
    directory = Path(tempfile.mkdtemp(prefix="ipam-agent-"))
    directory.chmod(0o755)
    (directory / "run").mkdir()
    api = FakeApi(directory / "run")
    api.start()
    one = Host(directory, api)
    try:
        yield one
    finally:
        one.clean_up()
        shutil.rmtree(directory)


@pytest.fixture
def directory() -> Iterator[Path]:
    """One for dnsmasq's files; not pytest's own, as above."""
    with tempfile.TemporaryDirectory(prefix="ipam-wire-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
