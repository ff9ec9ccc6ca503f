"""One service for all tests that ask it, and real clients, what is so."""

import os
from collections.abc import Iterator

import pytest

from tests.truth.site import Site


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    one = Site()
    one.start()
    try:
        yield one
    finally:
        one.close()
