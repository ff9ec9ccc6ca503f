"""The worker finds Nova in Keystone's catalog, and signs in again when its token is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam import settings as ipam_settings
from ipam.compute.nova import NovaEvents
from ipam.errors import ServiceUnavailable
from ipam.rules.nova_events import PLUGGED, ComputeEvent
from tests.compute.nova_endpoint import ACCEPTS, Answer, Events, NovaEndpoint
from tests.keystone.conftest import People

NOVA = """\
[nova]
auth_type = password
auth_url = {url}
username = ipam
password = {password}
user_domain_name = Default
project_name = service
project_domain_name = Default
"""
EVENT = ComputeEvent(PLUGGED, "11111111-2222-4333-8444-555555555555", "port-1")


@pytest.fixture
def endpoint() -> Iterator[NovaEndpoint]:
    opened = NovaEndpoint()
    yield opened
    opened.close()


def nova_events(directory: Path, url: str, password: str = "pw") -> NovaEvents:
    file = directory / "worker.conf"
    file.write_text(NOVA.format(url=url, password=password))
    return NovaEvents(ipam_settings.load([str(file)]))


def test_nova_is_found_in_the_catalog_as_soon_as_it_is_there_and_again_after_a_401(
    people: People, endpoint: NovaEndpoint, tmp_path: Path
) -> None:
    events = nova_events(tmp_path, people.server.url)
    with pytest.raises(ServiceUnavailable, match="catalog has no endpoint of Nova"):
        events.send([EVENT])
    people.directory.endpoint("compute", "nova", endpoint.url)
    assert events.send([EVENT]) == [200]
    first = endpoint.headers[-1]["x-auth-token"]
    assert first

    def refuse_the_first(sent: Events) -> Answer:
        return (401, {}) if endpoint.headers[-1]["x-auth-token"] == first else ACCEPTS(sent)

    endpoint.answer = refuse_the_first
    assert events.send([EVENT]) == [200]
    assert endpoint.headers[-1]["x-auth-token"] != first
    assert len(endpoint.batches) == 3


def test_a_wrong_password_and_a_keystone_that_is_away_are_told_apart(
    people: People, tmp_path: Path
) -> None:
    with pytest.raises(ServiceUnavailable, match="password"):
        nova_events(tmp_path, people.server.url, "wrong").send([EVENT])
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        nova_events(tmp_path, "http://127.0.0.1:1/v3").send([EVENT])
