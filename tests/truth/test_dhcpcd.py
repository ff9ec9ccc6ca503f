"""What the dhcpcd of a machine tells of."""

import pytest

from tests.truth.cell import run_cell
from tests.truth.machine import DHCPCD
from tests.truth.site import Site

pytestmark = [pytest.mark.root, pytest.mark.system]


def test_a_leased_address_is_told_beside_one_of_its_own_making(site: Site) -> None:
    assert not run_cell(site, "only_stateful", "SLAAC subnet comes", DHCPCD).fault
