"""What a kernel lacks is skipped, or fails where it has to be there."""

import os

import pytest

from tests import kernel_features
from tests.kernel_features import LACKS, need

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes namespaces"),
]


def test_what_is_lacking_is_skipped_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probes = {"nothing": ("false",), "loopback": ("ip link show lo",), "half": ("true", "false")}
    monkeypatch.setattr(kernel_features, "PROBES", probes)
    for required, outcome in (
        ("", pytest.skip.Exception),
        ("x,half,nothing", pytest.fail.Exception),
    ):
        monkeypatch.setenv("IPAM_TEST_REQUIRE", required)
        need("loopback")
        for feature in ("nothing", "half"):
            with pytest.raises(outcome, match=f"{LACKS}{feature}"):
                need(feature)
