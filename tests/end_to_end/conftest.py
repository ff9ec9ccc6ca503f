"""The whole service as processes of its own, and machines that ask it for addresses."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.live_service import (
    IPAM,
    LEASE_SECONDS,
    Machine,
    Service,
    agent_alive,
    run_or_fail,
)
from tests.guard_tables import remove_guard
from tests.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    if os.geteuid():
        pytest.skip("needs root: network namespaces, bridges and dnsmasq")
    # Not below pytest's own folder, which the hook's user may not enter.
    state = Path(tempfile.mkdtemp(prefix="ipam-e2e-"))
    state.chmod(0o755)
    run = Path(f"/run/ipam-e2e-{os.getpid()}")
    host = f"e2e-{os.getpid()}"
    config = state / "ipam.conf"
    config.write_text(
        f"[DEFAULT]\nhost = {host}\nstate_path = {state}\nrun_path = {run}\n"
        f"[api]\nbind_port = 0\n[network]\ndhcp_lease_duration = {LEASE_SECONDS}\n"
        "address_cooldown_seconds = 0\n"
    )
    log = (state / "log").open("w")
    process = subprocess.Popen(
        [IPAM, "up", "--config-file", str(config)], stdout=log, stderr=log, text=True
    )
    running = Service(host, run, state, process)
    try:
        eventually(lambda: agent_alive(running), (state / "log").read_text)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)
        log.close()
        remove_guard(run)
        shutil.rmtree(run, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Machine]]:
    """A function that plugs a machine into a port; all are gone after the test."""
    made: list[tuple[str, str]] = []

    def plug(port: dict[str, Any]) -> Machine:
        number = len(made)
        namespace = f"e2e-{os.getpid()}-{number}"
        tap, interface = f"tap{port['id']}"[:14], f"e{os.getpid() % 100000}x{number}"
        directory = tmp_path / namespace
        directory.mkdir()
        run_or_fail("ip", "netns", "add", namespace)
        made.append((namespace, tap))
        run_or_fail(
            *("ip", "link", "add", tap, "type", "veth", "peer", "name", interface),
            *("address", port["mac_address"], "netns", namespace),
        )
        plugged = Machine(namespace, interface, directory)
        plugged.run("ip", "link", "set", "lo", "up")
        plugged.run("ip", "link", "set", interface, "up")
        return plugged

    yield plug
    for namespace, tap in made:
        inside = subprocess.run(
            ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False
        )
        for pid in inside.stdout.split():  # dhclient stays to renew
            os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", namespace], check=False)
        subprocess.run(["ip", "link", "del", tap], check=False, stderr=subprocess.DEVNULL)
