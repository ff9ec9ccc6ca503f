"""Which requests leave which events for Nova, on three databases."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.rules.nova_events import CHANGED, DELETED, PLUGGED, UNPLUGGED
from ipam.settings import Settings
from ipam.store import compute_events, tables
from ipam.store.engine.database import Database
from tests.api.agents.test_dhcp_state_requests import Agent, with_subnet
from tests.api.caller import ADMIN, SERVICE, Api
from tests.changed_settings import changed

SERVER = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
NOVA = Caller(user_id="nova", project_id="service", roles=frozenset({"admin", "service"}))


class Site:
    """The application as an admin and as Nova calls it, and the outbox."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.api = self.called_by(ADMIN)
        self.nova = self.called_by(NOVA)

    def called_by(self, caller: Caller) -> Api:
        return Api(
            create_app(self.settings, authenticate=lambda _environ: caller, database=self.database)
        )

    def told(self) -> list[tuple[str, str, str]]:
        """What waits in the outbox, in its order; it is empty afterwards."""
        event = tables.compute_event.c
        query = select(event.name, event.server_id, event.port_id).order_by(event.pk)
        found = self.database.read(lambda tx: tx.execute(query).all())
        self.database.write(lambda tx: tx.execute(delete(tables.compute_event)).rowcount)
        return [(row.name, row.server_id, row.port_id) for row in found]

    def names(self, port: dict[str, Any], server: str = SERVER) -> list[str]:
        told = self.told()
        assert {each[1:] for each in told} <= {(server, port["id"])}
        return [name for name, _, _ in told]


@pytest.fixture
def site(settings: Settings, database: Database) -> Site:
    return Site(changed(settings, "compute", send_events=True), database)


def server_port(api: Api, **more: Any) -> dict[str, Any]:
    network = with_subnet(api)
    usual = {"device_id": SERVER, "device_owner": "compute:nova", "binding__host_id": "host-a"}
    return api.create("port", network_id=network["id"], **(usual | more))


def test_a_port_from_its_boot_to_its_end(site: Site) -> None:
    port = server_port(site.api)
    assert site.told() == []
    agent = Agent(site.api)
    agent.ready(port)
    assert site.told() == [(PLUGGED, SERVER, port["id"])]
    agent.ready(port)
    assert site.told() == []
    site.api.update("port", port["id"], admin_state_up=False)
    assert site.names(port) == [UNPLUGGED, CHANGED]
    site.api.delete("port", port["id"])
    assert site.names(port) == [DELETED]


UPDATES: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "new"}, []),
    ({"description": "new"}, []),
    ({"dns_name": "new"}, []),
    ({"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1300"}]}, []),
    ({"fixed_ips": [{"ip_address": "10.0.0.99"}]}, [CHANGED]),
    ({"mac_address": "fa:16:3e:00:00:99"}, [CHANGED]),
    ({"binding__profile": {"a": 1}}, [CHANGED]),
    ({"binding__host_id": "host-b"}, [CHANGED]),
    ({"device_owner": "compute:east"}, [CHANGED]),
    ({"device_owner": "compute:nova"}, []),
]


@pytest.mark.parametrize(("asked", "events"), UPDATES, ids=[str(u[0])[:40] for u in UPDATES])
def test_an_update_leaves_an_event_where_novas_copy_is_wrong_now(
    site: Site, asked: dict[str, Any], events: list[str]
) -> None:
    port = server_port(site.api)
    site.api.update("port", port["id"], **asked)
    assert site.names(port) == events


def test_both_servers_hear_of_a_port_that_changes_hands(site: Site) -> None:
    port = server_port(site.api)
    site.api.update("port", port["id"], device_id=OTHER)
    assert site.told() == [(CHANGED, SERVER, port["id"]), (CHANGED, OTHER, port["id"])]


def test_nova_hears_nothing_of_what_it_writes_while_a_server_boots(site: Site) -> None:
    network = with_subnet(site.api)
    port = site.api.create("port", network_id=network["id"], device_id=SERVER)
    wanted = {"device_id": SERVER, "device_owner": "compute:nova", "binding__host_id": "host-a"}
    site.nova.update("port", port["id"], **wanted, binding__profile={"x": 1}, dns_name="web-1")
    assert site.told() == []
    site.nova.update("port", port["id"], device_id="", device_owner="", binding__host_id=None)
    assert site.told() == []
    site.nova.update("port", port["id"], **wanted, mac_address="fa:16:3e:00:00:99")
    assert site.names(port) == [CHANGED]


def test_an_unbound_port_was_unplugged_whoever_did_it(site: Site) -> None:
    port = server_port(site.api)
    Agent(site.api).ready(port)
    site.told()
    site.nova.update("port", port["id"], device_id="", device_owner="", binding__host_id=None)
    assert site.names(port) == [UNPLUGGED]


def test_tags_are_no_news_for_nova(site: Site) -> None:
    port = server_port(site.api)
    assert site.api.call("PUT", f"/ports/{port['id']}/tags/red").status_code == 201
    assert site.told() == []


@pytest.mark.parametrize(
    "more", [{"device_id": "vm-1"}, {"device_owner": ""}, {"device_owner": "network:other"}]
)
def test_a_port_that_is_no_servers_leaves_nothing(site: Site, more: dict[str, Any]) -> None:
    port = server_port(site.api, **more)
    Agent(site.api).ready(port)
    site.api.update("port", port["id"], fixed_ips=[{"ip_address": "10.0.0.99"}])
    site.api.delete("port", port["id"])
    assert site.told() == []


def test_a_migration_tells_when_the_target_is_ready_and_when_the_port_changes_over(
    site: Site,
) -> None:
    source, target = Agent(site.api, "source"), Agent(site.api, "target")
    port = server_port(site.api, binding__host_id="source")
    source.ready(port)
    assert site.names(port) == [PLUGGED]
    path = f"/ports/{port['id']}/bindings"
    assert site.nova.call("POST", path, {"binding": {"host": "target"}}).status_code == 201
    assert site.told() == []
    arriving = site.api.show("port", port["id"])
    target.ready(arriving)
    target.ready(arriving)
    assert site.names(port) == [PLUGGED]
    assert site.nova.call("PUT", f"{path}/target/activate").status_code == 200
    assert site.names(port) == [UNPLUGGED]
    arrived = site.api.show("port", port["id"])
    source.ready(arrived)
    assert site.told() == []
    target.ready(arrived)
    assert site.names(port) == [PLUGGED]
    assert site.nova.call("DELETE", f"{path}/source").status_code == 204
    assert site.told() == []
    assert site.nova.call("DELETE", f"{path}/target").status_code == 204
    assert site.names(port) == [UNPLUGGED]


def test_a_host_that_a_port_leaves_plugs_nothing(site: Site) -> None:
    port = server_port(site.api, binding__host_id="source")
    path = f"/ports/{port['id']}/bindings"
    site.nova.call("POST", path, {"binding": {"host": "target"}})
    leaving = update(tables.port_binding).values(leaving=True)
    assert site.database.write(lambda tx: tx.execute(leaving).rowcount) == 1
    Agent(site.api, "target").ready(site.api.show("port", port["id"]))
    assert site.told() == []


def test_several_ports_that_become_ready_leave_an_event_each(site: Site) -> None:
    network = with_subnet(site.api)
    ports = [
        site.api.create(
            "port",
            network_id=network["id"],
            binding__host_id="host-a",
            device_id=SERVER,
            device_owner="compute:nova",
        )
        for _ in range(5)
    ]
    Agent(site.api).ready(*ports)
    assert sorted(site.told()) == sorted((PLUGGED, SERVER, port["id"]) for port in ports)


def test_a_change_that_was_rolled_back_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server_port(site.api)
    put = compute_events.put

    def put_and_fail(*arguments: Any) -> None:
        put(*arguments)
        raise ValueError("of all things")

    with monkeypatch.context() as patched:
        patched.setattr(compute_events, "put", put_and_fail)
        result = site.api.call("DELETE", f"/ports/{port['id']}")
    assert result.status_code == 500
    site.api.show("port", port["id"])
    assert site.told() == []
    taken = [{"ip_address": "10.0.0.1"}, {"ip_address": "10.0.0.1"}]
    for refused in ({"fixed_ips": taken}, {"fixed_ips": [{"ip_address": "192.0.2.1"}]}):
        assert site.api.call("PUT", f"/ports/{port['id']}", {"port": refused}).status_code == 400
    assert site.told() == []


def statements(database: Database, work: Callable[[], object]) -> Sequence[str]:
    """What reached the database while this ran."""
    from sqlalchemy import event  # noqa: PLC0415  # the only place that listens

    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    work()
    event.remove(database.engine, "before_cursor_execute", note)
    return seen


def test_without_the_setting_no_statement_is_added(settings: Settings, sqlite: Database) -> None:
    site = Site(settings, sqlite)
    port = server_port(site.api)
    agent = Agent(site.api)

    def everything() -> None:
        agent.ready(port)
        site.api.update("port", port["id"], mac_address="fa:16:3e:00:00:99")
        site.api.delete("port", port["id"])

    assert not [text for text in statements(sqlite, everything) if "compute_event" in text]
    site = Site(changed(settings, "compute", send_events=True), sqlite)
    other = server_port(site.api, device_id="")
    idle = statements(sqlite, lambda: site.api.delete("port", other["id"]))
    assert not [text for text in idle if "compute_event" in text]


def test_the_worker_is_woken_after_the_commit_and_only_then(
    settings: Settings, sqlite: Database
) -> None:
    site = Site(changed(settings, "compute", send_events=True), sqlite)
    port = server_port(site.api)
    path = settings.run_path / "worker-wake.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as worker:
        worker.bind(str(path))
        site.api.update("port", port["id"], name="new")
        with pytest.raises(BlockingIOError):
            worker.recv(16)
        site.api.update("port", port["id"], mac_address="fa:16:3e:00:00:99")
        assert worker.recv(16) == b""
        assert len(site.told()) == 1
    path.unlink()


def test_agents_are_services_and_still_plug(site: Site) -> None:
    port = server_port(site.api)
    Agent(site.called_by(SERVICE)).ready(port)
    assert site.names(port) == [PLUGGED]


def test_a_subnet_that_goes_with_its_ports_addresses_is_told(site: Site) -> None:
    network = site.api.create("network")
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    prefix = {"cidr": "2001:db8::/64", "ip_version": 6}
    six = site.api.create("subnet", network_id=network["id"], **prefix, **modes)
    server = {"device_id": SERVER, "device_owner": "compute:nova"}
    port = site.api.create("port", network_id=network["id"], **server)
    site.told()
    site.api.delete("subnet", six["id"])
    assert site.names(port) == [CHANGED]
