"""Horizon, ipam and Keystone, each as a process, and a browser to look at Horizon.

Runs only with `pytest -m horizon`. Needs Debian's chromium and chromium-driver.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.horizon.browser import Browser
from tests.servers.horizon_server import HorizonServer
from tests.servers.keystone_server import (
    ADMIN_PASSWORD,
    Directory,
    KeystoneServer,
    api_settings,
)
from tests.servers.private_server import free_port, is_listening
from tests.waiting import PATIENCE_SECONDS, until_it_serves

IPAM = str(Path(sys.executable).with_name("ipam"))

CONFIG = """\
[DEFAULT]
state_path = {directory}
run_path = {directory}
[api]
bind_port = {port}
[network]
address_cooldown_seconds = 0
{keystone}"""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where everything is."""

    keystone: KeystoneServer
    horizon: HorizonServer
    network_url: str

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the network service answers the cloud's admin."""
        token = self.keystone.token("admin", ADMIN_PASSWORD, "admin")
        headers = {"X-Auth-Token": token}
        answer = httpx.post(f"{self.network_url}/v2.0{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "horizon" in str(config.option.markexpr):
        return
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    items[:] = [item for item in items if item not in ours]
    config.hook.pytest_deselected(items=ours)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with contextlib.ExitStack() as stack:
        keystone = KeystoneServer()
        keystone.launch()
        stack.callback(keystone.remove)
        people = Directory(keystone)
        people.user("ipam", "secret", "service", "admin", "service")
        people.user("anna", "pass-anna", "lab", "member", "reader")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        people.endpoint("network", "ipam", url)
        stack.callback(_start_api(tmp_path_factory.mktemp("ipam"), port, keystone.url))
        horizon = HorizonServer()
        horizon.launch(keystone.url)
        stack.callback(horizon.remove)
        yield Cloud(keystone, horizon, url)


def _start_api(directory: Path, port: int, keystone_url: str) -> Callable[[], None]:
    """Starts the API; gives what ends it."""
    config = directory / "ipam.conf"
    keystone = api_settings(keystone_url, "secret")
    config.write_text(CONFIG.format(directory=directory, port=port, keystone=keystone))
    subprocess.run([IPAM, "db", "upgrade", "--config-file", str(config)], check=True)
    with (directory / "api.log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", IPAM, "api", "--config-file", str(config)],
            stdout=log,
            stderr=log,
        )

    def stop() -> None:
        process.terminate()
        process.wait(PATIENCE_SECONDS)

    try:
        until_it_serves(process, lambda: is_listening(port), directory / "api.log")
    except BaseException:
        stop()
        raise
    return stop


@pytest.fixture
def browser(cloud: Cloud, tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(cloud.horizon.url, tmp_path)
    try:
        yield opened
    finally:
        opened.picture("last")
        opened.close()
