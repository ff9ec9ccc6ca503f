"""A state, a change, and a real client asks again: the API is as right as the client finds it."""

import os

import pytest

from tests.truth.cell import chosen, run_cell
from tests.truth.site import Site

pytestmark = [pytest.mark.root, pytest.mark.system]

EVERY_CELL = bool(os.environ.get("IPAM_TEST_EVERY_CELL"))


@pytest.mark.parametrize(("state", "change", "client"), chosen(every=EVERY_CELL))
def test_what_the_api_says_is_what_the_machine_gets(
    site: Site, state: str, change: str, client: str
) -> None:
    outcome = run_cell(site, state, change, client)
    assert not outcome.fault, f"{outcome}\n{site.log()[-3000:]}"
