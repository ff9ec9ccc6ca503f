"""The place of a lab: its directory, its ports, its settings files, its programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipam.client import Client
from tests.servers.openstack import config_files
from tests.servers.openstack.config_files import Ports, Sections
from tests.servers.openstack.programs import Programs
from tests.servers.openstack.releases import Release


@dataclass(frozen=True)
class Place:
    """What every part of a lab is started with."""

    directory: Path
    ports: Ports
    release: Release
    programs: Programs
    controller: str
    """The name of the host on which the controllers and ipam's API are."""
    ipam: Sections = field(default_factory=dict)
    """Further settings of ipam's API and worker."""

    @property
    def run_path(self) -> Path:
        """ipam's, on the controller."""
        return self.directory / "run"

    @property
    def clouds_yaml(self) -> Path:
        """Signs in as admin or demo, both in the project demo."""
        return self.directory / "clouds.yaml"

    @property
    def ipam_config(self) -> str:
        """The settings of ipam's API and worker."""
        return self.path("ipam.conf")

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def write(self, name: str, sections: Sections) -> str:
        """Write a settings file; its path."""
        (self.directory / name).write_text(config_files.ini(sections))
        return self.path(name)

    def write_clouds(self, keystone_url: str, passwords: Mapping[str, str]) -> None:
        """Write clouds.yaml for these users of the project demo."""
        clouds = {
            name: _cloud(keystone_url, name, password) for name, password in passwords.items()
        }
        self.clouds_yaml.write_text(json.dumps({"clouds": clouds}, indent=2) + "\n")

    def client(self) -> Client:
        """ipam's API as local root."""
        return Client(socket_path=str(self.run_path / "api.sock"))


def _cloud(keystone_url: str, user: str, password: str) -> dict[str, Any]:
    return {
        "auth": {
            "auth_url": keystone_url,
            "username": user,
            "password": password,
            "project_name": "demo",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": config_files.REGION,
        "identity_api_version": "3",
    }
