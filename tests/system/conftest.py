import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.open_directory import open_directory
from tests.system.ipam_host import FakeApi, Host
from tests.system.two_hosts import Cloud, started


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


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An API and two hosts, for a test that may end a part of them."""
    yield from _cloud()


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[Cloud]:
    """An API and two hosts, for all tests that leave them running."""
    yield from _cloud()


def _cloud() -> Iterator[Cloud]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    with started(Cloud) as made:
        yield made
