"""Measures the agent of a host with many networks: from nothing to DHCP, after a restart, at rest.

API (two granian workers), PostgreSQL, the agent and a real dnsmasq for each network share this
machine, in namespaces of their own (network, mounts, processes), so nothing else is disturbed and
all of it ends with them. The ports are of no server and need no taps.
"""

import json
import os
import subprocess
import sys
from typing import Any, Final

NETWORKS: Final = 500
PORTS: Final = 100
"""Of each network."""
QUICK: Final = 50
TARGETS: Final = {
    "cold_start": {"agent_cpu_s": 10, "served_s": 15},
    "restart": {"adopted_s": 3},
    "idle_poll": {"api_cpu_ms": 5},
    "agent_mb": 150,
}
APART: Final = (
    *("unshare", "--net", "--mount", "--propagation", "private"),
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
)


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in seconds and CPU of the start, of a restart and of rest, and the agent's memory."""
    figures["targets"] = TARGETS
    networks = QUICK if quick else NETWORKS
    run_apart(figures, "agent_host", str(networks), str(PORTS))
    if "restart" not in figures:
        raise RuntimeError("the measurement ended early; standard error says why")


def run_apart(figures: dict[str, Any], part: str, *words: str) -> None:
    """Fill in what the module says, which runs in namespaces of its own."""
    inside = [sys.executable, "-m", f"scripts.bench_parts.{part}", *words]
    with subprocess.Popen(
        [*APART, *inside], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    ) as running:
        assert running.stdout is not None
        try:
            for line in running.stdout:
                figures |= json.loads(line)
        finally:
            running.terminate()  # with it ends all that is inside
