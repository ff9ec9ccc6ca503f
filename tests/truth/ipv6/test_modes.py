"""Each pair of IPv6 modes that Neutron allows, with real clients: what machines come to."""

import os
from collections.abc import Mapping

import pytest

from tests.truth.ipv6.cells import EVERY_CELL, Cell, few_cells
from tests.truth.ipv6.place import tried
from tests.truth.site import Site

pytestmark = [pytest.mark.root, pytest.mark.system]

CELLS = EVERY_CELL if os.environ.get("IPAM_TEST_EVERY_CELL") else few_cells()


@pytest.fixture(scope="module")
def faults(site: Site) -> Mapping[Cell, str]:
    """All cells are tried at once: each is mostly waiting."""
    return dict(tried(site, CELLS))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_machine_has_what_its_port_and_network_say(
    faults: Mapping[Cell, str], cell: Cell
) -> None:
    assert faults[cell] == ""
