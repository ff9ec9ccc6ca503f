"""Nova's servers are read completely, or not at all."""

import uuid
from collections.abc import Iterator

import pytest
from keystoneauth1 import session, token_endpoint
from keystoneauth1.adapter import Adapter

from ipam.compute.servers import Servers
from ipam.errors import CallerError, IpamError, ServiceUnavailable, Unauthorized
from tests.compute.nova_listing import Answer, NovaListing, error, nova_listing, server


@pytest.fixture
def nova() -> Iterator[NovaListing]:
    with nova_listing(page_size=2) as running:
        yield running


def add(nova: NovaListing, number: int) -> list[str]:
    return [nova.add(server(str(uuid.uuid4()))) for _ in range(number)]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5])
def test_every_page_is_read_to_the_end(nova: NovaListing, number: int) -> None:
    ids = add(nova, number)
    heard: list[int] = []
    assert Servers(nova.adapter()).listed(heard.append).keys() == set(ids)
    assert heard[-1] == number


def test_servers_of_a_cell_that_is_down_are_listed_as_far_as_they_are_known(
    nova: NovaListing,
) -> None:
    ids = add(nova, 7)
    nova.down = set(ids[2:5])
    found = Servers(nova.adapter()).listed()
    assert found.keys() == set(ids)
    assert {one.id for one in found.values() if not one.known} == nova.down


def test_servers_are_listed_though_every_cell_is_down(nova: NovaListing) -> None:
    nova.down = set(add(nova, 3))
    assert Servers(nova.adapter()).listed().keys() == nova.down


def test_one_server_is_found_also_where_the_list_does_not_show_it(nova: NovaListing) -> None:
    deleted, down, here = add(nova, 3)
    nova.soft_deleted, nova.down = {deleted}, {down}
    servers = Servers(nova.adapter())
    assert servers.listed().keys() == {down, here}
    for server_id, status in ((deleted, "SOFT_DELETED"), (down, "UNKNOWN"), (here, "ACTIVE")):
        found = servers.find(server_id)
        assert found
        assert (found.id, found.status) == (server_id, status)
    assert servers.find(str(uuid.uuid4())) is None


@pytest.mark.parametrize(
    ("answer", "raised", "said"),
    [
        (
            error("forbidden", 403, "Policy disallows."),
            CallerError,
            "role admin.*Policy disallows",
        ),
        (error("unauthorized", 401, "No."), Unauthorized, "token"),
        (error("computeFault", 406, "2.60 at most"), CallerError, "2.69.*2.60 at most"),
        (error("computeFault", 500, "Unexpected"), ServiceUnavailable, "500.*Unexpected"),
        ((502, b"<html>"), ServiceUnavailable, "502"),
        ((404, {"message": "no such path"}), ServiceUnavailable, "404"),
        ((200, b'{"servers": [{"id":'), ServiceUnavailable, "Compute API"),
        ((200, {}), ServiceUnavailable, "Compute API"),
        ((200, {"servers": None}), ServiceUnavailable, "Compute API"),
        ((200, {"servers": [{}]}), ServiceUnavailable, "Compute API"),
    ],
)
def test_a_failure_also_in_the_middle_of_the_pages_is_no_shorter_list(
    nova: NovaListing, answer: Answer, raised: type[IpamError], said: str
) -> None:
    ids = add(nova, 5)
    servers = Servers(nova.adapter())
    nova.before = lambda path: answer if "marker" in path or path.endswith(ids[1]) else None
    with pytest.raises(raised, match=said):
        servers.find(ids[1])
    with pytest.raises(raised, match=said):
        servers.listed()


def test_a_marker_that_went_away_is_no_shorter_list(nova: NovaListing) -> None:
    ids = add(nova, 5)

    def delete(path: str) -> None:
        if "marker" in path:
            del nova.servers[ids[3]]

    nova.before = delete
    with pytest.raises(ServiceUnavailable, match="cut off"):
        Servers(nova.adapter()).listed()


def test_a_list_that_does_not_get_on_ends_with_an_error(nova: NovaListing) -> None:
    body = {"servers": [server(str(uuid.uuid4()))]}
    nova.before = lambda _: (200, body)
    with pytest.raises(ServiceUnavailable, match="again"):
        Servers(nova.adapter()).listed()


def test_a_nova_that_is_away_and_a_session_without_sign_in_are_told_apart() -> None:
    gone = token_endpoint.Token("http://127.0.0.1:9/v2.1", "t")
    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1:9"):
        Servers(Adapter(session.Session(auth=gone), service_type="compute")).listed()
    with pytest.raises(CallerError, match="sign in"):
        Servers(Adapter(session.Session(), service_type="compute")).listed()
