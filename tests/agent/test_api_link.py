"""What the agent sends to the API, and what follows from the answers."""

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ipam.agent import api_link
from ipam.agent.api_link import ApiLink
from ipam.agent.last_known_networks import LastKnownNetworks
from ipam.agent.names.book import NameBook
from ipam.agent.names.names import Names
from ipam.agent.names.news import NameNews
from ipam.errors import (
    AgentHostInUse,
    AgentNotFound,
    AgentReportRequired,
    IpamError,
    Malformed,
    ServiceRecovering,
    ServiceUnavailable,
)
from ipam.protocol.address_checks import AddressCheckAnswer
from ipam.protocol.dns_lookups import LookupAnswer
from ipam.protocol.probes import AskedProbe, ProbeAnswer
from ipam.protocol.recovery import HeldLease
from ipam.protocol.refusals import MOST_AT_ONCE, SeenRefusal
from ipam.protocol.reports import AgentFacts, NetworkFacts
from ipam.protocol.wake import AGENT_SOCKET, Waker, WakeSocket
from tests.agent.fake_api import FakeApi
from tests.agent.network_rows import network, subnet4

A, B, C, D, E = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "abcde")
FULL = "dhcp-state?network_id"
CHANGED = "dhcp-state?changed"
LONG_SECONDS = 3600.0


def facts(**more: Any) -> AgentFacts:
    counts = {"networks": 0, "ports": 0, "leases": 0, "troubles": {}}
    return AgentFacts(**{"dnsmasq_version": "2.91", **counts, **more})


class Desk:
    """A link with all that is around it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.api = FakeApi()
        self.names = Names(NameBook(None))
        self.facts = facts()
        self.networks: dict[str, NetworkFacts] | None = None
        self.changes = 0
        self.refused: list[SeenRefusal] = []
        self.displaced: list[AgentHostInUse] = []
        self.held: list[HeldLease] = []
        self.heard = 0
        self._wakes: list[WakeSocket] = []
        self._running: ApiLink | None = None

    def open(self, *, report_seconds: float = LONG_SECONDS) -> ApiLink:
        self._wakes.append(WakeSocket(self.directory / AGENT_SOCKET))
        return ApiLink(
            self.api.client,
            LastKnownNetworks(self.directory / "networks"),
            NameNews(self.api.client, self.names),
            host="host-a",
            zone="",
            wake=self._wakes[-1],
            poll_seconds=LONG_SECONDS,
            report_seconds=report_seconds,
            facts=lambda: self.facts,
            whereabouts=lambda: self.networks,
            on_change=self._changed,
            answer=self._answer,
            look_up=lambda one: LookupAnswer(id=one.id, trouble=one.network_id),
            check_addresses=lambda one: AddressCheckAnswer(id=one.id, trouble=one.network_id),
            refusals=self._refused,
            held_leases=lambda: self.held,
            on_displaced=self.displaced.append,
            on_heard=self._heard,
        )

    def _heard(self) -> None:
        self.heard += 1

    def _answer(self, asked: Sequence[AskedProbe]) -> list[ProbeAnswer]:
        return [ProbeAnswer(id=one.id, trouble=one.port_id) for one in asked]

    def _refused(self) -> list[SeenRefusal]:
        news, self.refused = self.refused, []
        return news

    def start(self) -> ApiLink:
        """A link with its thread, which has looked once."""
        self._running = self.open()
        self._running.start()
        self.api.await_bodies("dhcp-state", 1)
        return self._running

    def start_refused(self) -> None:
        """A link with its thread, whose first heartbeat is not taken."""
        self._running = self.open()
        self._running.start()
        self.api.await_bodies("agents", 1)

    def ask_and_await_heartbeats(self, count: int) -> None:
        assert self._running is not None
        self._running.ask()
        self.api.await_bodies("agents", count)

    def stop(self) -> None:
        """The thread has done all that it was asked for, and ended."""
        if self._running is not None:
            self._running.stop()
            self._wakes.pop().close()
        self._running = None

    def close(self) -> None:
        self.stop()
        for wake in self._wakes:
            wake.close()

    def _changed(self) -> None:
        self.changes += 1

    def serve(self, *ids: str, **more: Any) -> None:
        """The API has these networks from now on; each change has a digest of its own."""
        count = len(self.api.requests)
        for each in ids:
            self.api.networks[each] = network(id=each, **{"digest": f"{count}", **more})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.close()


def messages(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= level]


# What is fetched


def test_the_first_look_fetches_everything_and_keeps_it_on_disk(desk: Desk) -> None:
    desk.serve(A, B)
    link = desk.open()
    link.turn()
    assert link.networks.keys() == {A, B}
    assert desk.changes == 1
    assert LastKnownNetworks(desk.directory / "networks").load() == link.networks


def test_what_is_on_disk_is_served_at_once_and_fetched_anew_all_the_same(desk: Desk) -> None:
    desk.serve(A)
    desk.open().turn()
    again = desk.open()
    assert again.networks.keys() == {A}
    again.turn()
    assert desk.api.bodies(FULL) == [[A], [A]], "a status on disk may be of any age"


def test_the_api_is_heard_when_it_has_said_what_to_serve_after_a_heartbeat(desk: Desk) -> None:
    link = desk.open(report_seconds=0)
    assert link.heard_at == float("-inf")
    began = time.monotonic()
    link.turn()
    first = link.heard_at
    assert first >= began
    desk.api.refuse = lambda path, _body: (
        ServiceUnavailable("no") if path == "dhcp-state" else None
    )
    with pytest.raises(IpamError):
        link.turn()
    assert (link.heard_at, desk.heard) == (first, 1), "it may serve what another does by now"
    desk.api.refuse = lambda _path, _body: None
    link.turn()
    assert link.heard_at > first
    assert desk.heard == 2


def test_nothing_is_fetched_while_nothing_changed(desk: Desk) -> None:
    desk.serve(A)
    link = desk.open()
    link.turn()
    before = link.networks
    link.turn()
    assert link.networks is before
    assert desk.changes == 1
    assert len(desk.api.bodies(FULL)) == 1


def test_only_what_moved_is_fetched_and_the_rest_stays_the_same_object(desk: Desk) -> None:
    desk.serve(A, B)
    link = desk.open()
    link.turn()
    kept = link.networks[A]
    desk.serve(B, mtu=9000)
    link.turn()
    assert desk.api.bodies(FULL)[1:] == [[B]]
    assert link.networks[B].mtu == 9000
    assert link.networks[A] is kept


def test_what_is_no_longer_served_is_dropped(desk: Desk) -> None:
    desk.serve(A, B)
    link = desk.open()
    link.turn()
    del desk.api.networks[A]
    link.turn()
    assert link.networks.keys() == {B}
    assert desk.changes == 2


def test_many_networks_are_fetched_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_link, "NETWORKS_PER_REQUEST", 2)
    desk.serve(A, B, C, D, E)
    link = desk.open()
    link.turn()
    assert desk.api.bodies(FULL) == [[A, B], [C, D], [E]]
    assert link.networks.keys() == {A, B, C, D, E}


def test_a_fetch_that_fails_in_the_middle_changes_nothing_and_is_made_good(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_link, "NETWORKS_PER_REQUEST", 1)
    desk.serve(A)
    link = desk.open()
    link.turn()
    desk.serve(A, B, C, mtu=9000)

    def refuse(path: str, body: Any) -> IpamError | None:
        return ServiceUnavailable("away") if (path, body) == (FULL, [B]) else None

    desk.api.refuse = refuse
    with pytest.raises(ServiceUnavailable):
        link.turn()
    assert {key: row.mtu for key, row in link.networks.items()} == {A: 1450}
    assert desk.changes == 1
    desk.api.refuse = lambda _path, _body: None
    link.turn()
    assert {key: row.mtu for key, row in link.networks.items()} == {A: 9000, B: 9000, C: 9000}


# Answers that do not fit


def test_a_network_that_does_not_fit_stays_as_it_is_and_the_others_move(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.serve(A, B)
    link = desk.open()
    link.turn()
    desk.serve(A, subnets=[subnet4(cidr=["10.0.0.0/24"])])
    desk.serve(B, mtu=9000)
    link.turn()
    assert link.networks[A].subnets[0].cidr == "10.0.0.0/24"
    assert link.networks[B].mtu == 9000
    (told,) = messages(caplog)
    assert A in told
    assert "Expected `str`, got `array` - at `$.subnets[0].cidr`" in told


def test_what_does_not_fit_is_told_once_and_when_it_fits_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.serve(A, mtu="large")
    link = desk.open()
    link.turn()
    link.turn()
    desk.serve(B)
    link.turn()
    assert link.networks.keys() == {B}
    assert len(messages(caplog)) == 1
    caplog.set_level(logging.INFO)
    desk.serve(A)
    link.turn()
    assert link.networks.keys() == {A, B}
    assert messages(caplog, logging.INFO)[-1].startswith(f"network {A}: nothing is wrong")


def test_a_network_that_fits_in_another_way_not_is_told_anew(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    link = desk.open()
    for fault in ({"mtu": "large"}, {"dns_domain": 7}):
        desk.serve(A, **fault)
        link.turn()
    assert ["$.mtu" in told for told in messages(caplog)] == [True, False]


@pytest.mark.parametrize("digests", [[], {}, {"networks": [{"id": A}]}, {"networks": None}])
def test_a_list_of_networks_that_does_not_fit_changes_nothing(desk: Desk, digests: Any) -> None:
    desk.serve(A)
    link = desk.open()
    link.turn()
    desk.api.digests = digests
    with pytest.raises(Malformed, match="dhcp-state is not as expected"):
        link.turn()
    assert link.networks.keys() == {A}


def test_a_file_that_cannot_be_read_costs_only_its_network(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.serve(A, B, C)
    desk.open().turn()
    (desk.directory / "networks" / f"{A}.json").write_text('{"id": "half')
    (desk.directory / "networks" / f"{B}.json").write_text(f'{{"id": "{B}", "digest": "d"}}')
    assert desk.open().networks.keys() == {C}
    told = messages(caplog)
    assert len(told) == 2
    assert any("missing required field `project_id`" in each for each in told)


# Heartbeats


def test_the_first_heartbeat_says_who_lives_here(desk: Desk) -> None:
    desk.open().turn()
    (body,) = desk.api.bodies("agents")
    started_at = body["agent"].pop("started_at")
    assert started_at > 1_700_000_000
    assert body["agent"] == {
        "host": "host-a",
        "agent_type": "DHCP agent",
        "binary": "ipam-agent",
        "availability_zone": None,
        "configurations": {
            "dnsmasq_version": "2.91",
            "networks": 0,
            "ports": 0,
            "leases": 0,
            "troubles": {},
        },
        "wake": None,
    }


def test_a_heartbeat_comes_when_it_is_due_or_when_there_is_news(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = desk.open()
    link.turn()
    desk.facts = facts(leases=1)
    link.turn()
    assert len(desk.api.bodies("agents")) == 1, "news wait a little"
    monkeypatch.setattr(api_link, "SOONEST_HEARTBEAT_SECONDS", 0.0)
    link.turn()
    link.turn()
    assert [b["agent"]["configurations"]["leases"] for b in desk.api.bodies("agents")] == [0, 1]
    due = desk.open(report_seconds=0.0)
    due.turn()
    due.turn()
    assert len(desk.api.bodies("agents")) == 4


def test_where_networks_are_is_told_when_that_changes_and_else_with_the_next_heartbeat(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_link, "SOONEST_HEARTBEAT_SECONDS", 0.0)
    link, turns = desk.open(), 0

    def told(networks: dict[str, NetworkFacts] | None) -> Any:
        """What a turn says of networks; None if it sends no heartbeat."""
        nonlocal turns
        desk.networks = networks
        link.turn()
        bodies = desk.api.bodies("agents")[turns:]
        turns += len(bodies)
        return bodies[0]["agent"].get("networks", "nothing") if bodies else None

    assert told(None) == "nothing"
    down = NetworkFacts(state="down", fault="No uplink.")
    assert told({A: down}) == {A: {"state": "down", "fault": "No uplink."}}
    assert told({A: down}) is None
    assert told({A: NetworkFacts(state="up", taps=1)}) == {A: {"state": "up", "taps": 1}}
    assert told({A: NetworkFacts(state="up", taps=2)}) is None, "a port more is no haste"
    desk.facts = facts(leases=1)
    assert told({A: NetworkFacts(state="up", taps=2)}) == {A: {"state": "up", "taps": 2}}
    desk.facts = facts(leases=2)
    assert told({A: NetworkFacts(state="up", taps=2)}) == "nothing"
    monkeypatch.setattr(api_link, "TELL_ALL_SECONDS", 0.0)
    assert told({}) == {}
    desk.facts = facts(leases=3)
    assert told({}) == {}, "from time to time all is said again"


# Reports


def test_ports_are_reported_in_parts_and_each_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_link, "PORTS_PER_REPORT", 2)
    link = desk.open()
    link.report({"p1": (1, True), "p2": (2, False), "p3": (3, True)})
    for _ in range(3):
        link.turn()
    assert desk.api.bodies("down-ports") == [{"ports": [{"id": "p2", "revision_number": 2}]}]
    assert desk.api.bodies("ready-ports") == [
        {"ports": [{"id": "p1", "revision_number": 1}]},
        {"ports": [{"id": "p3", "revision_number": 3}]},
    ]


def test_a_report_that_was_not_taken_is_sent_again(desk: Desk) -> None:
    link = desk.open()
    link.report({"p1": (1, True)})
    desk.api.refuse = lambda path, _body: (
        ServiceUnavailable("away") if path == "ready-ports" else None
    )
    with pytest.raises(ServiceUnavailable):
        link.turn()
    desk.api.refuse = lambda _path, _body: None
    link.turn()
    link.turn()
    assert len(desk.api.bodies("ready-ports")) == 2


def test_what_is_found_while_a_report_is_under_way_is_reported_next(desk: Desk) -> None:
    link = desk.open()
    link.report({"p1": (1, True)})

    def meanwhile(path: str, _body: Any) -> None:
        if path == "ready-ports":
            link.report({"p1": (1, False)})

    desk.api.refuse = meanwhile
    link.turn()
    link.turn()
    assert [path for path, _ in desk.api.requests if path.endswith("-ports")] == [
        "ready-ports",
        "down-ports",
    ]


# The thread


def test_a_wake_from_the_api_brings_on_a_look(desk: Desk) -> None:
    desk.start()
    Waker(str(desk.directory / AGENT_SOCKET)).wake()
    desk.api.await_bodies("dhcp-state", 2)


def test_networks_that_a_wake_names_are_read_before_all_are_looked_through(desk: Desk) -> None:
    desk.serve(A, B)
    desk.api.numbers = {1: A, 2: B, 3: C}
    link = desk.start()
    desk.api.await_bodies(FULL, 1)
    desk.serve(B, C)
    Waker(str(desk.directory / AGENT_SOCKET)).wake([2, 3])
    desk.api.await_bodies("dhcp-state", 2)
    desk.stop()
    assert desk.api.bodies(CHANGED) == [[2, 3]]
    assert desk.api.bodies(FULL) == [[A, B]], "the look finds nothing more"
    assert desk.changes == 2
    assert LastKnownNetworks(desk.directory / "networks").load() == link.networks
    assert link.networks[B].digest == desk.api.networks[B]["digest"]
    assert link.networks.keys() == {A, B, C}


def test_names_of_what_a_wake_names_are_taken_in_and_told_again_by_the_look(desk: Desk) -> None:
    asked: list[int] = []

    def changes(cursor: int) -> Any:
        asked.append(cursor)
        ports = [{"port_id": B, "network_id": A, "dns_name": "web", "addresses": ["10.0.0.9"]}]
        return {"cursor": 7 + len(asked), "ports": ports if cursor else []}

    desk.api.names = changes
    desk.serve(A)
    desk.api.numbers = {1: A}
    desk.start()
    desk.api.await_bodies("dhcp-state?names_of", 1)
    desk.serve(A)
    Waker(str(desk.directory / AGENT_SOCKET)).wake([1])
    desk.api.await_bodies("dhcp-state", 2)
    desk.stop()
    assert asked == [0, 8, 8]


def test_what_a_wake_names_is_on_the_disk_though_names_are_refused(desk: Desk) -> None:
    desk.api.names = lambda _cursor: {"cursor": 8, "ports": []}
    desk.serve(A)
    desk.api.numbers = {1: A}
    link = desk.start()
    desk.api.await_bodies("dhcp-state?names_of", 1)
    asked = "dhcp-state?names_of&names_since"
    desk.api.refuse = lambda path, _body: ServiceUnavailable("away") if path == asked else None
    desk.serve(A)
    Waker(str(desk.directory / AGENT_SOCKET)).wake([1])
    desk.api.await_bodies(asked, 1)
    desk.stop()
    assert link.networks[A].digest == desk.api.networks[A]["digest"]
    assert LastKnownNetworks(desk.directory / "networks").load() == link.networks


def test_what_a_wake_names_and_has_gone_is_looked_for_at_once(desk: Desk) -> None:
    desk.serve(A, B)
    desk.api.numbers = {2: B}
    link = desk.start()
    desk.api.await_bodies(FULL, 1)
    del desk.api.networks[B]
    Waker(str(desk.directory / AGENT_SOCKET)).wake([2])
    desk.api.await_bodies("dhcp-state", 2)
    desk.stop()
    assert link.networks.keys() == {A}


def test_a_named_network_that_cannot_be_read_is_told_of_by_the_look(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.serve(A)
    desk.api.numbers = {1: A}
    desk.start()
    desk.api.await_bodies(FULL, 1)
    desk.serve(A, mtu="many")
    Waker(str(desk.directory / AGENT_SOCKET)).wake([1])
    desk.api.await_bodies(FULL, 2)
    desk.stop()
    assert [one for one in messages(caplog) if f"network {A}: cannot read" in one]


def test_wakes_without_end_keep_no_look_and_no_heartbeat_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_link, "AFTER_CHANGE_SECONDS", 0.01)
    desk.serve(A)
    desk.api.numbers = {1: A}
    waker = Waker(str(desk.directory / AGENT_SOCKET))

    def change_again(path: str, _body: Any) -> None:
        if path in (CHANGED, "dhcp-state"):
            desk.serve(A)
            waker.wake([1])

    desk.start()
    desk.api.await_bodies(FULL, 1)
    desk.api.refuse = change_again
    desk.serve(A)
    waker.wake([1])
    desk.api.await_bodies("dhcp-state", 4)
    assert len(desk.api.bodies(CHANGED)) >= 3


def test_a_restored_api_is_told_what_is_held_after_a_wake_that_names_networks(desk: Desk) -> None:
    desk.serve(A)
    desk.api.numbers = {1: A}
    desk.start()
    desk.api.await_bodies(FULL, 1)
    lost = AgentReportRequired("the backup was restored")
    desk.api.refuse = lambda path, _body: lost if path.startswith("dhcp-state") else None
    Waker(str(desk.directory / AGENT_SOCKET)).wake([1])
    desk.api.await_bodies("recovery", 1)


def test_asking_brings_on_a_look(desk: Desk) -> None:
    desk.start().ask()
    desk.api.await_bodies("dhcp-state", 2)


def test_a_report_alone_is_sent_without_a_look(desk: Desk) -> None:
    link = desk.start()
    link.report({"p1": (1, True)})
    desk.api.await_bodies("ready-ports", 1)
    link.report({"p2": (1, True)})
    desk.api.await_bodies("ready-ports", 2)
    assert len(desk.api.bodies("dhcp-state")) == 1


def test_an_agent_that_was_deleted_signs_on_anew_and_fetches_everything(desk: Desk) -> None:
    desk.serve(A)
    link = desk.start()
    desk.api.await_bodies(FULL, 1)
    gone = iter([AgentNotFound("Agent could not be found.")])
    desk.api.refuse = lambda path, _body: next(gone, None) if path == "dhcp-state" else None
    link.ask()
    desk.api.await_bodies("dhcp-state", 2)
    link.ask()
    assert desk.api.await_bodies(FULL, 2) == [[A], [A]]
    assert len(desk.api.bodies("agents")) == 2


def test_an_api_that_is_away_is_told_of_once_and_once_that_it_is_back(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.serve(A)
    link = desk.start()
    desk.api.await_bodies(FULL, 1)
    desk.api.refuse = lambda _path, _body: ServiceUnavailable("away")
    for count in (2, 3, 4):
        link.ask()
        desk.api.await_bodies("dhcp-state", count)
    desk.api.refuse = lambda _path, _body: None
    link.ask()
    desk.api.await_bodies("dhcp-state", 5)
    desk.stop()
    assert messages(caplog) == ["serving the last known state: away", "the API answers again"]
    assert link.networks.keys() == {A}


def test_an_unforeseen_error_ends_nothing_and_is_told_once_with_its_place(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    link = desk.start()
    desk.api.await_bodies("agents", 1)
    desk.api.digests = {"networks": [{"id": A, "digest": "d"}]}  # and no such network
    for count in (2, 3):
        link.ask()
        desk.api.await_bodies(FULL, count - 1)
    desk.api.digests = None
    desk.serve(B)
    link.ask()
    desk.api.await_bodies(FULL, 3)
    desk.stop()
    assert link.networks.keys() == {B}
    told, _back = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert told.exc_info is not None
    assert told.exc_info[0] is KeyError


def test_what_somebody_asks_about_a_port_is_answered(desk: Desk) -> None:
    question = {"id": f"{7:08x}-aaaa-4000-8000-000000000000", "port_id": subnet4()["id"]}
    desk.api.digests = {"networks": [], "probes": [question]}
    desk.start()
    (body,) = desk.api.await_bodies("probes", 1)
    answer = {"id": question["id"], "offers": [], "trouble": question["port_id"]}
    assert body == {"probes": [answer]}


def test_an_answer_that_the_api_did_not_take_is_given_again(desk: Desk) -> None:
    question = {"id": f"{7:08x}-aaaa-4000-8000-000000000000", "port_id": subnet4()["id"]}
    desk.api.digests = {"networks": [], "probes": [question]}
    away = iter([ServiceUnavailable("away")])
    desk.api.refuse = lambda path, _body: next(away, None) if path == "probes" else None
    link = desk.start()
    desk.api.await_bodies("probes", 1)
    link.ask()
    assert len(desk.api.await_bodies("probes", 2)) == 2


def refusal(client: str, count: int = 1) -> SeenRefusal:
    return SeenRefusal(
        network_id=subnet4()["id"],
        client=client,
        reason="no address available",
        count=count,
        first_at=100,
        last_at=107,
    )


def test_who_is_refused_is_told_once_and_again_where_that_failed(desk: Desk) -> None:
    away = iter([ServiceUnavailable("away")])
    desk.api.refuse = lambda path, _body: next(away, None) if path == "dhcp-refusals" else None
    desk.refused = [refusal("fa:16:3e:00:00:01"), refusal("fa:16:3e:00:00:02")]
    link = desk.start()
    desk.api.await_bodies("dhcp-refusals", 1)
    desk.refused = [refusal("fa:16:3e:00:00:01", 2)]
    link.ask()
    told = desk.api.await_bodies("dhcp-refusals", 2)[1]["dhcp_refusals"]
    assert [(one["client"][-2:], one["count"]) for one in told] == [("02", 1), ("01", 2)]
    desk.stop()
    assert len(desk.api.bodies("dhcp-refusals")) == 2


def test_of_many_that_are_refused_the_latest_are_told(desk: Desk) -> None:
    desk.refused = [refusal(f"02:{number:04x}") for number in range(2 * MOST_AT_ONCE)]
    desk.start()
    (body,) = desk.api.await_bodies("dhcp-refusals", 1)
    assert len(body["dhcp_refusals"]) == MOST_AT_ONCE
    assert body["dhcp_refusals"][-1]["client"] == f"02:{2 * MOST_AT_ONCE - 1:04x}"


# Another agent of the same name


def in_use(heard: str) -> AgentHostInUse:
    return AgentHostInUse(f"Another agent is alive as host host-a: it was heard of at {heard}.")


def test_an_agent_does_not_start_beside_another_of_its_name(desk: Desk) -> None:
    desk.api.refuse = lambda _path, _body: in_use("noon")
    with pytest.raises(AgentHostInUse, match="Another agent is alive"):
        desk.open().introduce()


def test_an_agent_starts_while_the_api_is_away(desk: Desk) -> None:
    desk.api.refuse = lambda _path, _body: ServiceUnavailable("away")
    desk.open().introduce()
    assert len(desk.api.bodies("agents")) == 1


def test_an_agent_gives_way_to_another_that_is_heard_of_again(desk: Desk) -> None:
    """Its own remains, from before it was installed anew, are heard of no more."""
    heard = "noon"
    desk.api.refuse = lambda path, _body: in_use(heard) if path == "agents" else None
    desk.start_refused()
    for count in (2, 3):
        desk.ask_and_await_heartbeats(count)
    assert desk.displaced == []
    heard = "a minute later"
    desk.ask_and_await_heartbeats(4)
    desk.stop()
    assert [str(one) for one in desk.displaced] == [str(in_use("a minute later"))]


# What is told after the API was restored from a backup


def test_an_agent_of_a_restored_api_tells_what_it_holds_and_serves_on(desk: Desk) -> None:
    desk.serve(A, B)
    link = desk.open()
    link.turn()
    known = link.networks
    desk.held = [HeldLease(network_id=A, ip_address="10.0.0.5", mac_address="52:54:00:00:00:05")]
    del desk.api.networks[B]
    refusal: IpamError = AgentReportRequired("A backup was restored.")
    desk.api.refuse = lambda path, _body: refusal if path == "dhcp-state" else None
    with pytest.raises(AgentReportRequired):
        link.turn()
    first, last = desk.api.bodies("recovery")
    assert [(part["part"], part["is_last"]) for part in (first, last)] == [(0, False), (1, True)]
    assert [network["id"] for network in first["networks"]] == sorted((A, B))
    assert [lease["ip_address"] for lease in last["leases"]] == ["10.0.0.5"]
    refusal = ServiceRecovering("Others have not told yet.")
    with pytest.raises(ServiceRecovering):
        link.turn()
    assert len(desk.api.bodies("recovery")) == 2
    assert link.networks is known
    desk.api.refuse = lambda _path, _body: None
    link.turn()
    assert link.networks.keys() == {A}


def test_a_restarted_agent_tells_what_is_on_its_disk(desk: Desk) -> None:
    desk.serve(A)
    desk.open().turn()
    refusal = AgentReportRequired("A backup was restored.")
    desk.api.refuse = lambda path, _body: refusal if path == "dhcp-state" else None
    again = desk.open()
    with pytest.raises(AgentReportRequired):
        again.turn()
    assert [one["id"] for one in desk.api.bodies("recovery")[0]["networks"]] == [A]
    assert again.networks.keys() == {A}


def test_the_cursor_of_names_goes_on_though_nothing_changes(desk: Desk) -> None:
    asked: list[int] = []

    def changes(cursor: int) -> Any:
        asked.append(cursor)
        return {"cursor": 7, "ports": []}

    desk.api.names = changes
    desk.serve(A)
    link = desk.open()
    for cursor in ("", "20", "not a number", "30"):
        desk.api.names_cursor = cursor
        link.turn()
    link.turn()
    assert asked == [0, 7, 20, 20, 30]


def test_a_question_about_names_is_answered(desk: Desk) -> None:
    question = {"id": A, "network_id": B, "questions": ["web"]}
    desk.api.digests = {"networks": [], "dns_lookups": [question]}
    desk.open().turn()
    (body,) = desk.api.bodies("dns-answer")
    assert (body["dns_answer"]["id"], body["dns_answer"]["trouble"]) == (A, B)


def test_a_question_about_who_uses_addresses_is_answered(desk: Desk) -> None:
    question = {"id": A, "network_id": B, "ip_addresses": ["10.0.0.5"]}
    desk.api.digests = {"networks": [], "address_checks": [question]}
    desk.open().turn()
    (body,) = desk.api.bodies("address-checks")
    assert (body["address_check"]["id"], body["address_check"]["trouble"]) == (A, B)
