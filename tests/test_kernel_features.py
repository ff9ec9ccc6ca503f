"""What a kernel lacks is skipped, or fails where it has to be there."""

import os
from types import SimpleNamespace
from typing import Any

import pytest

from tests import kernel_features
from tests.conftest import pytest_terminal_summary
from tests.kernel_features import LACKS, need


def test_what_was_skipped_is_counted_in_one_table() -> None:
    told: list[str] = []
    reasons = [f"Skipped: {LACKS}vlan", "Skipped: needs root", f"Skipped: {LACKS}vlan"]
    skipped = [SimpleNamespace(longrepr=("test.py", 1, one)) for one in reasons]
    reporter: Any = SimpleNamespace(
        stats={"skipped": skipped}, section=told.append, line=told.append
    )
    pytest_terminal_summary(reporter)
    assert told == ["this kernel lacks", "vlan         2 tests skipped"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes namespaces")
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
