"""A small cloud: Keystone with a catalog, and `ipam api`."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.servers.keystone_server import Directory, KeystoneServer, api_settings
from tests.servers.private_server import free_port, is_listening
from tests.waiting import until_it_serves

PASSWORD: Final = "sesame"

USERS: Final = {
    "admin": ("admin", ["admin"]),
    "member": ("demo", ["member"]),
    "reader": ("demo", ["reader"]),
    "stranger": ("other", ["member"]),
}
"""Who can sign in, which is also the name of the cloud in clouds.yaml: project and roles."""

CONFIG: Final = """\
[DEFAULT]
state_path = {directory}
run_path = {directory}
host = here
[database]
connection = {database_url}
[api]
bind_port = {port}
[network]
address_cooldown_seconds = 0
[quotas]
quota_port = -1
quota_fixed_ip = -1
{keystone}"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the cloud is; `projects` has ids by name."""

    keystone_url: str
    network_url: str
    clouds_yaml: Path
    projects: dict[str, str]


@contextlib.contextmanager
def site(keystone: KeystoneServer, database_url: str, directory: Path) -> Iterator[Site]:
    """Users, catalog, clouds.yaml, and a running `ipam api` until the block ends."""
    port = free_port()
    network_url = f"http://127.0.0.1:{port}"
    people = Directory(keystone)
    for name, (project, roles) in USERS.items():
        people.user(name, PASSWORD, project, *roles)
    people.user("ipam", PASSWORD, "service", "service")
    people.endpoint("network", "ipam", network_url)
    clouds = directory / "clouds.yaml"
    clouds.write_text(json.dumps({"clouds": {name: _cloud(keystone, name) for name in USERS}}))
    config = directory / "ipam.conf"
    config.write_text(
        CONFIG.format(
            directory=directory,
            database_url=database_url,
            port=port,
            keystone=api_settings(keystone.url, PASSWORD),
        )
    )
    with _api(config, port, directory / "api.log"):
        yield Site(keystone.url, network_url, clouds, people.projects)


def _cloud(keystone: KeystoneServer, name: str) -> dict[str, Any]:
    return {
        "auth_type": "v3password",
        "auth": {
            "auth_url": keystone.url,
            "username": name,
            "password": PASSWORD,
            "project_name": USERS[name][0],
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": "RegionOne",
        "identity_api_version": "3",
    }


@contextlib.contextmanager
def _api(config: Path, port: int, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "ipam", "api", "--config-file", str(config)]
    with log.open("w") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdout=output, stderr=output
        )
    try:
        until_it_serves(process, lambda: is_listening(port), log)
        yield
    finally:
        process.kill()
        process.wait()
    # A status of 500 is a defect wherever it comes from, also where a client hides it.
    assert "Traceback" not in log.read_text(), log.read_text()[-4000:]
