"""What the agent says that a kernel lacks is what `ip` fails to make."""

import os

import pytest

from ipam.agent.host.features import lacking
from tests.kernel_features import has

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes namespaces"),
]


def test_each_kind_of_link_that_cannot_be_made_is_named() -> None:
    named = {sentence.partition(":")[0] for sentence in lacking()}
    assert named == {kind for kind in ("vlan", "vxlan") if not has(kind)}
