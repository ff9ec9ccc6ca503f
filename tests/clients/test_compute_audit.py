"""The audit at a cloud: one sign-in at Keystone, and the catalog leads to both services."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam import keystone_session
from ipam import settings as ipam_settings
from ipam.cli.main import main
from ipam.errors import CallerError
from ipam.worker.compute_audit import auditor
from tests.clients.site import PASSWORD, Site
from tests.compute.nova_listing import NovaListing, nova_listing, server
from tests.servers.keystone_server import Directory, KeystoneServer

CONFIG = """\
[DEFAULT]
state_path = {directory}
run_path = {directory}
[nova]
auth_type = password
auth_url = {keystone}
username = admin
password = {password}
user_domain_name = Default
project_name = admin
project_domain_name = Default
region_name = {region}
"""


@pytest.fixture(scope="module")
def nova(keystone: KeystoneServer, cloud: Site) -> Iterator[NovaListing]:
    with nova_listing() as running:
        running.add(server(str(uuid.uuid4())))
        Directory(keystone).endpoint("compute", "nova", running.url)
        yield running


def settings(cloud: Site, directory: Path, region: str) -> Any:
    path = directory / "ipam.conf"
    text = CONFIG.format(
        directory=directory, keystone=cloud.keystone_url, password=PASSWORD, region=region
    )
    path.write_text(text)
    return ipam_settings.load([str(path)])


def test_the_command_line_finds_both_services_in_the_catalog(
    cloud: Site,
    nova: NovaListing,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
    words = ("compute", "audit", "--pause", "0", "-f", "json")
    status = main(["--os-cloud", "admin", *words])
    captured = capfd.readouterr()
    assert (status, json.loads(captured.out)) == (0, []), captured.err
    assert "0 ports, 1 servers" in captured.err


def test_the_worker_without_a_socket_finds_both_services_in_the_catalog(
    cloud: Site, nova: NovaListing, tmp_path: Path
) -> None:
    conf = settings(cloud, tmp_path, "RegionOne")
    with auditor(conf, keystone_session.nova_adapter(conf)) as looking:
        assert looking.look().servers.keys() == nova.servers.keys()


def test_a_region_without_the_services_is_a_sentence(
    cloud: Site, nova: NovaListing, tmp_path: Path
) -> None:
    conf = settings(cloud, tmp_path, "Nowhere")
    with (
        pytest.raises(CallerError, match="catalog"),
        auditor(conf, keystone_session.nova_adapter(conf)) as looking,
    ):
        looking.look()
