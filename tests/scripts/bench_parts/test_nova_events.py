"""The wait for network-vif-plugged, as `scripts/bench nova` measures it."""

import os

import pytest

from scripts.bench_parts import nova_events
from tests.servers.mariadb_server import MariadbServer


@pytest.mark.system
@pytest.mark.root
def test_the_event_comes_from_agents_that_are_waked_and_that_poll() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: the agent makes bridges and namespaces")
    if reason := MariadbServer.missing():
        pytest.skip(reason)
    found = nova_events.latencies(2)
    assert [name.partition(" every")[0] for name in found] == ["agent waked", "agent polling"]
    assert all(0 < each["p50_ms"] <= each["p99_ms"] for each in found.values())
