"""Measures the memory of an idle API process, an idle agent, and one more network."""

import subprocess
import sys
import time
from typing import Any

import psutil

from scripts.bench_parts.processes import IPAM, Place, place, process, pss_mb, wait

NETWORKS = 20
SETTLE_SECONDS = 3
LIMITS_MB = {"api": 90, "agent": 70, "network": 1}


def run() -> dict[str, Any]:
    """PSS in MB beside a bare Python's and a bare dnsmasq's, and the limits."""
    with place() as made:
        subprocess.run([IPAM, "db", "upgrade", "--config-file", made.config], check=True)
        with (
            process(made, "api") as api,
            process(made, "agent", "run", "--remove-on-exit") as agent,
            made.client() as client,
        ):
            wait(lambda: _alive(client))
            time.sleep(SETTLE_SECONDS)
            idle = {"api": pss_mb(api.pid), "agent": pss_mb(agent.pid)}
            # What the first network brings in once is not what one more costs.
            before = _pss_with(made, range(1), api.pid, agent.pid)
            after = _pss_with(made, range(1, NETWORKS + 1), api.pid, agent.pid)
        floor = _bare_python_mb()
    more = {name: (after[name] - before[name]) / NETWORKS for name in after}
    measured = {**idle, "network": sum(more.values()), "dnsmasq": more["dnsmasq"]}
    return {
        "pss_mb": {name: round(value, 2) for name, value in measured.items()},
        "limit_mb": LIMITS_MB,
        "bare_python_mb": round(floor, 2),
        "ratio_to_bare_python": {name: round(idle[name] / floor, 2) for name in idle},
    }


def _alive(client: Any) -> bool:
    return any(agent["alive"] for agent in client.get("/v2.0/agents")["agents"])


def _pss_with(made: Place, numbers: range, api: int, agent: int) -> dict[str, float]:
    """The memory of each part once these networks are there too."""
    _make_networks(made, numbers)
    wait(lambda: len(_servers(made)) >= numbers.stop)
    time.sleep(SETTLE_SECONDS)
    servers = sum(pss_mb(server.pid) for server in _servers(made))
    return {"api": pss_mb(api), "agent": pss_mb(agent), "dnsmasq": servers}


def _make_networks(made: Place, numbers: range) -> None:
    with made.client() as client:
        for number in numbers:
            network = client.post("/v2.0/networks", json={"network": {"name": f"n{number}"}})
            subnet = {
                "network_id": network["network"]["id"],
                "ip_version": 4,
                "cidr": f"10.9.{number}.0/24",
            }
            client.post("/v2.0/subnets", json={"subnet": subnet})


def _servers(made: Place) -> list[psutil.Process]:
    """The dnsmasq main processes of this benchmark (their helpers are their children)."""
    found = []
    for candidate in psutil.process_iter(["name", "cmdline", "ppid"]):
        line = " ".join(candidate.info["cmdline"] or [])
        if candidate.info["name"] == "dnsmasq" and str(made.directory) in line:
            found.append(candidate)
    pids = {candidate.pid for candidate in found}
    return [candidate for candidate in found if candidate.info["ppid"] not in pids]


def _bare_python_mb() -> float:
    bare = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    time.sleep(0.5)
    try:
        return pss_mb(bare.pid)
    finally:
        bare.kill()
        bare.wait()
