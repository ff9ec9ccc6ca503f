"""The API over TCP, as openstacksdk reaches it with a clouds.yaml of auth_type http_basic."""

import json
from collections.abc import Iterator
from pathlib import Path

import openstack
import pytest
from openstack.config import OpenStackConfig

from ipam.store import schema
from ipam.store.engine.database import Database
from tests.servers.live_api import live_api


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[openstack.connection.Connection]:
    template = tmp_path / "template.sqlite"
    database = Database(f"sqlite:///{template}")
    schema.upgrade(database)
    database.dispose()
    directory = tmp_path / "service"
    directory.mkdir()
    with live_api(template, directory) as api:
        clouds = {
            "lab": {
                "auth_type": "http_basic",
                "auth": {"endpoint": api.url, "username": "admin", "password": "sesame"},
            }
        }
        path = tmp_path / "clouds.yaml"
        path.write_text(json.dumps({"clouds": clouds}))
        config = OpenStackConfig(config_files=[str(path)], load_envvars=False)
        connection = openstack.connection.Connection(config=config.get_one("lab"))
        yield connection
        connection.close()
