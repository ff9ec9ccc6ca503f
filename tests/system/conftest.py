import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.open_directory import open_directory
from tests.system.ipam_host import FakeApi, Host


@pytest.fixture
def host() -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    with open_directory("agent") as directory:
        (directory / "run").mkdir()
        api = FakeApi(directory / "run")
        api.start()
        one = Host(directory, api)
        try:
            yield one
        finally:
            one.clean_up()


@pytest.fixture
def directory() -> Iterator[Path]:
    """One for dnsmasq's files."""
    with open_directory("wire") as made:
        yield made
