"""Which agents of other hosts are woken after a change, and how many at most."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ipam.api import wakes
from ipam.api.app import create_app
from ipam.api.wakes import Budget, DistantWakes
from ipam.protocol.wake import WakeSocket, Woken
from ipam.protocol.wake_port import WakeEnd, WakePort
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.agents.test_agent_requests import report, silence
from tests.api.caller import ADMIN, Api
from tests.api.leases.test_event_requests import event, send
from tests.api.numbers import network_pk
from tests.waiting import PATIENCE_SECONDS

Json = dict[str, Any]


def end(host: int) -> Json:
    return {"ip": f"192.0.2.{host}", "port": 9697, "key": f"{host:032x}"}


def heartbeat(api: Api, host: str, wake: Json | None) -> Json:
    return report(api, host, wake=wake)


class Sent(list[WakeEnd]):
    """Whom datagrams would be sent to."""

    def take(self, ends: Sequence[WakeEnd], _network_numbers: Collection[int]) -> None:
        self.extend(ends)

    def hosts(self) -> list[str]:
        found = sorted(one.ip.rpartition(".")[2] for one in self)
        self.clear()
        return found


def test_the_living_agents_of_a_networks_hosts_are_woken_and_no_others(
    api_on_each: Api, database: Database
) -> None:
    api = api_on_each
    scheduled, bound, elsewhere, dead = (
        heartbeat(api, host, end(number)) for number, host in enumerate("abcd", start=1)
    )
    report(api, "e")
    network = api.create("network")
    for host in ("b", "d", "e"):
        api.create("port", network_id=network["id"], **{"binding:host_id": host})
    api.call("POST", f"/agents/{scheduled['id']}/dhcp-networks", {"network_id": network["id"]})
    silence(database, dead["host"], 1000)
    assert "key" not in str(api.call("GET", f"/agents/{bound['id']}").json)
    assert elsewhere["alive"]
    sent = Sent()
    distant = DistantWakes(database, agent_down_time=75, send=sent.take)
    distant.turn([network_pk(database, network)])
    assert sent.hosts() == ["1", "2"]


def test_what_an_agent_says_last_counts(api: Api, sqlite: Database) -> None:
    network = api.create("network")
    api.create("port", network_id=network["id"], **{"binding:host_id": "a"})
    for wake in (end(1), None):
        heartbeat(api, "a", wake)
        sent = Sent()
        distant = DistantWakes(sqlite, agent_down_time=75, send=sent.take)
        distant.turn([network_pk(sqlite, network)])
        assert sent.hosts() == (["1"] if wake else [])


@pytest.mark.parametrize(
    "wrong", [{"ip": "x"}, {"port": 0}, {"port": 65536}, {"key": "short"}, {"key": "G" * 32}]
)
def test_what_is_no_end_is_refused(api: Api, wrong: Json) -> None:
    body = {"agent": {"host": "a", "started_at": 1, "wake": end(1) | wrong}}
    assert api.call("POST", "/agents", body).status_code == 400


def test_wakes_have_a_bound_and_some_are_saved_up() -> None:
    budget = Budget(0.0)
    assert budget.take(1000, 0.0) == wakes.MOST_SAVED
    assert budget.take(1000, 0.0) == 0
    assert budget.take(1000, 0.5) == wakes.MOST_A_SECOND // 2
    assert budget.take(3, 1000.0) == 3
    assert budget.take(1000, 1000.0) == wakes.MOST_SAVED - 3


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[WakeSocket]:
    opened = WakeSocket(tmp_path / "not-where-the-api-looks.sock", WakePort(0))
    yield opened
    opened.close()


def test_each_change_of_a_port_wakes_its_networks_agents(
    settings: Settings, sqlite: Database, waiting: WakeSocket
) -> None:
    app = create_app(
        settings, authenticate=lambda _environ: ADMIN, database=sqlite, wakes_distant=True
    )
    api, own = Api(app), waiting.distant_end("127.0.0.1")
    assert own is not None
    heartbeat(api, "a", {"ip": own.ip, "port": own.port, "key": own.key})
    network = api.create("network")

    number = network_pk(sqlite, network)

    def named() -> frozenset[int]:
        assert waiting.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE
        return waiting.changed_networks

    for _ in range(2):  # the host still has one when the other is deleted
        port = api.create("port", network_id=network["id"], **{"binding:host_id": "a"})
        assert named() == {number}
    api.call("PUT", f"/ports/{port['id']}", {"port": {"dns_name": "web"}})
    assert named() == {number}
    api.call("POST", f"/ports/{port['id']}/probe")
    assert named() == frozenset(), "a question is not in the network"
    api.call("DELETE", f"/ports/{port['id']}")
    assert named() == frozenset(), "the host may serve the network no longer"


def test_an_agent_is_woken_that_loses_its_last_part_of_a_network(
    settings: Settings, sqlite: Database, waiting: WakeSocket
) -> None:
    app = create_app(
        settings, authenticate=lambda _environ: ADMIN, database=sqlite, wakes_distant=True
    )
    api, own = Api(app), waiting.distant_end("127.0.0.1")
    assert own is not None
    agent = heartbeat(api, "a", {"ip": own.ip, "port": own.port, "key": own.key})
    network = api.create("network")
    at_host = {"network_id": network["id"], "binding:host_id": "a"}

    def wakes(method: str, path: str, body: Json | None = None) -> None:
        answer = api.call(method, path, body)
        assert answer.status_code in (200, 201, 204), answer.text
        assert waiting.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE, path

    wakes("POST", "/ports", {"port": at_host})
    (port,) = api.list("port")
    wakes("PUT", f"/ports/{port['id']}", {"port": {"binding:host_id": "b"}})
    wakes("POST", f"/ports/{port['id']}/bindings", {"binding": {"host": "a"}})
    wakes("DELETE", f"/ports/{port['id']}/bindings/a")
    wakes("PUT", f"/ports/{port['id']}", {"port": {"binding:host_id": "a"}})
    wakes("DELETE", f"/ports/{port['id']}")
    send(api, event(network["id"], host="a"))
    (lease,) = api.list("lease")
    wakes("PUT", f"/leases/{lease['id']}/release")
    for path in (
        f"/agents/{agent['id']}/dhcp-networks/{network['id']}",
        f"/networks/{network['id']}",
    ):
        wakes("POST", f"/agents/{agent['id']}/dhcp-networks", {"network_id": network["id"]})
        wakes("DELETE", path)
