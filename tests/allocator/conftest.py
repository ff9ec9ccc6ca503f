"""A subnet with ports, without the API."""

from collections.abc import Callable

import pytest

from ipam.store.engine.database import Database
from tests.allocator.subnets import Ground, make_ground


@pytest.fixture
def ground(database: Database) -> Callable[..., Ground]:
    """A function that makes a subnet with these pools ("first-last" each) and so many ports."""

    def make(*pools: str, ports: int = 1) -> Ground:
        return make_ground(database, pools, ports)

    return make


@pytest.fixture
def small(ground: Callable[..., Ground]) -> Ground:
    """A subnet of six addresses and two ports."""
    return ground("10.0.0.1-10.0.0.6", ports=2)
