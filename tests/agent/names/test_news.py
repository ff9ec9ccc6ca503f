"""When an agent asks for all names, and what it does with changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from ipam.agent.names.book import NameBook
from ipam.agent.names.names import Names
from ipam.agent.names.news import AFTER_FAILURE_SECONDS, AGAIN_SECONDS, NameNews
from ipam.errors import ServiceUnavailable
from ipam.protocol.dns_names import ChangedNames, NamedPort
from tests.agent.fake_api import FakeApi
from tests.agent.names.test_names import NETWORK, OTHER, Resolver, port

PATH = "/v2.0/agents/a/dhcp-state"


class Desk:
    """The news with all that is around it."""

    def __init__(self, directory: Path) -> None:
        self.api = FakeApi()
        self.api.all_names = self._all
        self.ports: list[NamedPort] = []
        self.per_part = 2
        self.now = 100.0
        self.resolver = Resolver(directory / "read")
        self.names = Names(NameBook(None))
        self.names.open(NETWORK, self.resolver.directory)
        self.news = NameNews(self.api.client, self.names, lambda: self.now)

    def _all(self, query: Mapping[str, Any]) -> Any:
        start = int(query.get("after", 0))
        part = self.ports[start : start + self.per_part]
        more = start + self.per_part < len(self.ports)
        return {
            "names": [
                {"port_id": one.port_id, "network_id": NETWORK, "addresses": one.addresses}
                for one in part
            ],
            "following": str(start + self.per_part) if more else None,
        }

    def poll(self, *networks: str, changes: ChangedNames | None = None) -> None:
        self.news.take(changes or ChangedNames(7, []), networks)
        self.news.complete(PATH)

    def asked(self) -> list[Any]:
        return [query["names_of"] for query in self.api.bodies("agents/a/dhcp-state?names_of")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_all_names_of_a_network_are_asked_for_when_it_comes(desk: Desk) -> None:
    desk.ports = [port(number) for number in range(1, 6)]
    desk.poll(NETWORK)
    assert desk.asked() == [[NETWORK]] * 3  # in parts
    assert desk.resolver.answers().keys() == {f"host-10-0-0-{number}" for number in range(1, 6)}
    desk.poll(NETWORK)
    assert len(desk.asked()) == 3
    desk.poll(NETWORK, OTHER)
    assert desk.asked()[3:] == [[OTHER]] * 3
    desk.poll(NETWORK)
    desk.poll(NETWORK, OTHER)
    assert desk.asked()[6:] == [[OTHER]] * 3


def test_changes_are_taken_and_asked_for_from_there(desk: Desk) -> None:
    desk.poll(NETWORK)
    desk.poll(NETWORK, changes=ChangedNames(42, [port(5, "web")]))
    assert desk.news.cursor == 42
    assert desk.resolver.answers() == {"web": {"10.0.0.5"}}
    assert len(desk.asked()) == 1


def test_changes_that_come_early_are_answered_and_told_again(desk: Desk) -> None:
    early = ChangedNames(42, [port(5, "web")])
    desk.api.names = lambda _cursor: asdict(early)
    desk.news.ask_early(PATH, [NETWORK])
    assert desk.resolver.answers() == {}, "it is not known from when on"
    desk.api.names = None
    desk.poll(NETWORK)
    desk.api.names = lambda _cursor: asdict(early)
    desk.news.ask_early(PATH, [NETWORK])
    assert desk.resolver.answers() == {"web": {"10.0.0.5"}}
    assert desk.news.cursor == 7, "other networks have changes since then, too"
    desk.poll(NETWORK, changes=early)
    assert desk.resolver.answers() == {"web": {"10.0.0.5"}}
    for nothing in (ChangedNames(50, []), ChangedNames(50, [], is_complete=False)):
        desk.api.names = lambda _cursor, answer=nothing: asdict(answer)
        desk.news.ask_early(PATH, [NETWORK])
    assert desk.resolver.answers() == {"web": {"10.0.0.5"}}
    assert len(desk.asked()) == 1


def test_after_too_many_changes_all_are_asked_for(desk: Desk) -> None:
    desk.poll(NETWORK)
    desk.poll(NETWORK, changes=ChangedNames(42, [], is_complete=False))
    assert desk.asked() == [[NETWORK]] * 2


def test_an_api_that_was_away_is_asked_again(desk: Desk) -> None:
    desk.api.refuse = lambda _path, _body: ServiceUnavailable("away")
    with pytest.raises(ServiceUnavailable):
        desk.poll(NETWORK)
    desk.api.refuse = lambda _path, _body: None
    desk.ports = [port(5)]
    desk.news.complete(PATH)
    assert desk.resolver.answers().keys() == {"host-10-0-0-5"}


def test_an_older_api_is_asked_for_nothing(desk: Desk) -> None:
    desk.news.take(None, [NETWORK])
    desk.news.complete(PATH)
    assert desk.asked() == []


def test_from_time_to_time_all_are_asked_for_again(desk: Desk) -> None:
    desk.ports = [port(5), port(6)]
    desk.poll(NETWORK)
    desk.ports = [port(5)]
    desk.now += AGAIN_SECONDS * 1.3
    desk.news.complete(PATH)
    assert desk.resolver.answers().keys() == {"host-10-0-0-5"}


def test_a_disk_that_refuses_is_tried_again_after_a_while(desk: Desk, tmp_path: Path) -> None:
    desk.ports = [port(5)]
    desk.resolver.directory.rename(tmp_path / "moved")
    desk.poll(NETWORK)
    desk.poll(NETWORK)
    assert len(desk.asked()) == 1
    (tmp_path / "moved").rename(desk.resolver.directory)
    desk.now += AFTER_FAILURE_SECONDS
    desk.news.complete(PATH)
    assert len(desk.asked()) == 2
    assert desk.resolver.answers().keys() == {"host-10-0-0-5"}
