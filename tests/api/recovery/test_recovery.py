"""A service is restored from an old backup under hosts that hold what came after it."""

import io
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from ipam.allocator import recovering, recovery_watch
from ipam.allocator.allocator import Allocator
from ipam.api.app import create_app
from ipam.settings import Settings
from ipam.store import subnet_counters
from ipam.store.backup import restoring, snapshot
from ipam.store.engine.database import Database
from ipam.store.tables import ip_address
from tests.api.agents.test_agent_requests import report
from tests.api.caller import ADMIN, Api

EMPTY_REPORT = {"part": 0, "is_last": True, "networks": [], "leases": []}

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For what the databases do alike."""


class Site:
    """A service that can be backed up and restored, as one that was started anew."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.start()

    def start(self) -> None:
        self.api = Api(
            create_app(self.settings, authenticate=lambda _: ADMIN, database=self.database)
        )

    def backup(self) -> bytes:
        file = io.BytesIO()
        snapshot.write_backup(self.database, file, "ipam 1")
        return file.getvalue()

    def restore(self, content: bytes, *, restart: bool = True) -> None:
        restoring.check_file(io.BytesIO(content), "it")
        restoring.restore(
            self.database,
            lambda: io.BytesIO(content),
            "it",
            replace=True,
            cooling_seconds=3600,
            restorer="root",
        )
        if restart:
            self.start()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.call("GET", "/recovery").json["recovery"]
        return found

    def finish(self) -> dict[str, Any]:
        result = self.api.call("PUT", "/recovery/finish")
        assert result.status_code == 200, result.text
        found: dict[str, Any] = result.json["recovery"]
        return found

    def owners(self) -> dict[str, str]:
        """The port of each address, in the API's answers. No address has two."""
        found = [
            (ip["ip_address"], one["id"])
            for one in self.api.list("port")
            for ip in one["fixed_ips"]
        ]
        assert [ip for ip, count in Counter(ip for ip, _ in found).items() if count > 1] == []
        return dict(found)


class Host:
    """An agent's host: what it was last told, and the leases of its machines."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.name = name
        self.networks: list[dict[str, Any]] = []
        self.leases: list[dict[str, Any]] = []
        self.heartbeat()

    def heartbeat(self) -> None:
        self.id = report(self.site.api, self.name)["id"]

    @property
    def path(self) -> str:
        return f"/agents/{self.id}"

    def ask(self) -> Any:
        return self.site.api.call("GET", f"{self.path}/dhcp-state")

    def look(self) -> None:
        """Take what the API says; every machine of the host has a lease."""
        ids = [one["id"] for one in self.ask().json["networks"]]
        found = self.site.api.call("GET", f"{self.path}/dhcp-state", params={"network_id": ids})
        self.networks = found.json["networks"]
        self.leases = [
            {
                "network_id": network["id"],
                "ip_address": ip["ip_address"],
                "mac_address": one["mac_address"],
                "expires_at": 4_000_000_000,
            }
            for network in self.networks
            for one in network["ports"]
            for ip in one["fixed_ips"]
        ]

    def tell(self) -> None:
        """Tell what the host holds, each network in a part of its own."""
        parts = [[one] for one in self.networks] or [[]]
        for number, networks in enumerate(parts):
            is_last = number == len(parts) - 1
            body = {
                "part": number,
                "is_last": is_last,
                "networks": networks,
                "leases": self.leases if is_last else [],
            }
            result = self.site.api.call("POST", f"{self.path}/recovery", body)
            assert result.status_code == 200, result.text

    def held(self) -> dict[str, tuple[str, str]]:
        """MAC address and port of each address that a machine of the host uses."""
        return {
            ip["ip_address"]: (one["mac_address"], one["id"])
            for network in self.networks
            for one in network["ports"]
            for ip in one["fixed_ips"]
        }


@pytest.fixture
def site(settings: Settings, database: Database) -> Site:
    return Site(settings, database)


@pytest.fixture
def network(site: Site) -> dict[str, Any]:
    made = site.api.create("network", name="net")
    site.api.create("subnet", network_id=made["id"], cidr="10.0.0.0/24", ip_version=4)
    return made


Plug = Callable[..., dict[str, Any]]


@pytest.fixture
def plug(site: Site, network: dict[str, Any]) -> Plug:
    def make(host: str, **more: Any) -> dict[str, Any]:
        return site.api.create("port", network_id=network["id"], binding__host_id=host, **more)

    return make


def test_old_backup_under_live_machines_gives_no_address_twice(site: Site, plug: Plug) -> None:
    one, two = Host(site, "host-1"), Host(site, "host-2")
    stays, goes = plug("host-1", name="stays"), plug("host-1", name="goes")
    backup = site.backup()
    freed = goes["fixed_ips"][0]["ip_address"]
    site.api.delete("port", goes["id"])
    heir = plug("host-2", name="heir", fixed_ips=[{"ip_address": freed}])
    later = [plug("host-2", name=f"later-{n}", project_id="project-b") for n in range(5)]
    moved = site.api.update("port", stays["id"], fixed_ips=[{"ip_address": "10.0.0.200"}])
    new = Host(site, "host-3")
    plug("host-3", name="of a host that the backup does not have", dns_name="web")
    hosts = (one, two, new)
    for host in hosts:
        host.look()
    before = {ip: owner for host in hosts for ip, owner in host.held().items()}

    site.restore(backup)
    for host in (one, two):
        assert host.ask().status_code == 503
    assert new.ask().status_code == 404
    new.heartbeat()
    message = site.api.refused(
        503, "ServiceRecovering", "POST", "/ports", {"port": {"network_id": heir["network_id"]}}
    )
    assert "ipam recover status" in message
    assert site.status()["missing"] == ["host-1", "host-2", "host-3"]
    for host in hosts:
        host.tell()
        assert host.ask().status_code == 503
    found = site.finish()
    assert (found["status"], found["missing"]) == ("finished", [])
    assert found["counts"]["taken_back"] == 7
    assert found["counts"]["changed"] == 2
    assert [each["port"] for each in found["unserved"]] == [goes["id"]]
    assert len(found["conflicts"]) == 1
    assert freed in found["conflicts"][0]

    owners = site.owners()
    assert {ip: owners[ip] for ip in before} == {ip: owner for ip, (_, owner) in before.items()}
    for ip, (mac, owner) in before.items():
        shown = site.api.show("port", owner)
        assert shown["mac_address"] == mac, ip
    assert site.api.show("port", later[0]["id"])["project_id"] == "project-b"
    assert site.api.show("port", later[0]["id"])["name"] == "later-0"
    assert owners["10.0.0.200"] == moved["id"]
    for host in hosts:
        served = host.held()
        host.look()
        assert served.items() <= host.held().items()
    after = [plug("host-1") for _ in range(60)]
    given = {ip["ip_address"] for each in after for ip in each["fixed_ips"]}
    assert not given & before.keys()
    site.owners()
    leases = {each["ip_address"]: each["mac_address"] for each in site.api.list("lease")}
    assert leases == {ip: mac for ip, (mac, _) in before.items()}
    assert site.database.read(subnet_counters.wrong) == []


def test_networks_and_subnets_of_the_lost_time_are_made_again(
    site: Site, network: dict[str, Any], plug: Plug
) -> None:
    host = Host(site, "host-1")
    plug("host-1")
    backup = site.backup()
    site.api.create("subnet", network_id=network["id"], cidr="10.1.0.0/24", ip_version=4)
    plug("host-1", fixed_ips=[{"ip_address": "10.1.0.9"}])
    new = site.api.create("network", name="new", mtu=1400)
    subnet = site.api.create("subnet", network_id=new["id"], cidr="10.2.0.0/24", ip_version=4)
    site.api.create("port", network_id=new["id"], binding__host_id="host-1")
    host.look()
    before = host.networks
    site.restore(backup)
    host.heartbeat()
    host.tell()
    found = site.finish()
    assert found["networks"] == [new["id"]]
    assert found["counts"]["subnets"] == 2
    assert found["unknown_networks"] == []
    host.look()
    for then, now in zip(before, host.networks, strict=True):
        assert then["dhcp_port"] == now["dhcp_port"]
        assert [without(one, "digest") for one in then["subnets"]] == now["subnets"]
        for one, other in zip(then["ports"], now["ports"], strict=True):
            assert without(one, "revision_number", "status") == without(
                other, "revision_number", "status"
            )
    assert site.api.show("network", new["id"])["mtu"] == 1400
    body = {"port": {"network_id": new["id"]}}
    site.api.refused(409, "IpAddressGenerationFailure", "POST", "/ports", body)
    pools = [{"start": "10.2.0.10", "end": "10.2.0.99"}]
    site.api.update("subnet", subnet["id"], allocation_pools=pools)
    site.api.create("port", network_id=new["id"])
    site.owners()
    assert site.database.read(subnet_counters.wrong) == []


@on_sqlite
def test_host_that_tells_while_the_recovery_ends_is_heard(
    site: Site, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = Host(site, "host-1"), Host(site, "host-2")
    backup = site.backup()
    one, other = plug("host-1"), plug("host-2")
    for host in (early, late):
        host.look()
    site.restore(backup)
    for host in (early, late):
        host.heartbeat()
    early.tell()
    tell_leases = recovering._tell_leases

    def tell_meanwhile(*given: Any) -> None:
        if len(site.status()["missing"]) == 1:
            late.tell()
        tell_leases(*given)

    monkeypatch.setattr(recovering, "_tell_leases", tell_meanwhile)
    assert site.finish()["counts"]["taken_back"] == 2
    assert {one["id"], other["id"]} <= set(site.owners().values())


@on_sqlite
def test_network_whose_segment_another_has_now_is_told(site: Site) -> None:
    host = Host(site, "host-1")
    before = site.backup()
    place = {
        "provider__network_type": "vlan",
        "provider__physical_network": "room",
        "provider__segmentation_id": 7,
    }
    lost = site.api.create("network", **place)
    site.api.create("subnet", network_id=lost["id"], cidr="10.2.0.0/24", ip_version=4)
    site.api.create("port", network_id=lost["id"], binding__host_id="host-1")
    host.look()
    site.restore(before)
    site.finish()
    site.api.create("network", **place)
    host.heartbeat()
    host.tell()
    found = site.status()
    assert found["unknown_networks"] == [{"network": lost["id"], "hosts": ["host-1"]}]
    assert found["networks"] == []


def without(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


@on_sqlite
def test_process_that_ran_all_the_while_gives_nothing_either(
    site: Site, plug: Plug, network: dict[str, Any]
) -> None:
    plug("host-1")
    site.restore(site.backup(), restart=False)
    for more in ({}, {"fixed_ips": [{"ip_address": "10.0.0.99"}]}):
        body = {"port": {"network_id": network["id"], **more}}
        site.api.refused(503, "ServiceRecovering", "POST", "/ports", body)
    site.finish()
    plug("host-1")


def test_machines_address_without_a_port_is_set_aside(site: Site, plug: Plug) -> None:
    host = Host(site, "host-1")
    plug("host-1")
    backup = site.backup()
    host.look()
    network_id = host.networks[0]["id"]
    host.leases.append(
        {
            "network_id": network_id,
            "ip_address": "10.0.0.77",
            "mac_address": "52:54:00:00:00:77",
            "expires_at": 4_000_000_000,
        }
    )
    site.restore(backup)
    host.heartbeat()
    host.tell()
    assert site.finish()["set_aside"] == ["10.0.0.77"]
    row = site.database.read(
        lambda tx: tx.execute(
            select(ip_address).where(ip_address.c.ip == bytes([10, 0, 0, 77]))
        ).one()
    )
    assert (row.owner_pk, row.free_at) == (None, 4_000_000_000)


def test_host_that_tells_late_keeps_what_is_free(site: Site, plug: Plug) -> None:
    backup_of_nothing = site.backup()
    host = Host(site, "host-9")
    first, second = plug("host-9"), plug("host-9")
    host.look()
    site.restore(backup_of_nothing)
    assert site.finish()["status"] == "finished"
    taken = second["fixed_ips"][0]["ip_address"]
    other = plug("host-1", fixed_ips=[{"ip_address": taken}])
    host.heartbeat()
    assert "AgentReportRequired" in host.ask().text
    host.tell()
    host.look()
    assert site.api.call("POST", f"{host.path}/recovery", EMPTY_REPORT).json == {"taken": False}
    owners = site.owners()
    assert owners[first["fixed_ips"][0]["ip_address"]] == first["id"]
    assert owners[taken] == other["id"]
    assert host.held().keys() == {first["fixed_ips"][0]["ip_address"]}
    assert any(taken in each for each in site.status()["conflicts"])


@on_sqlite
def test_recovery_ends_by_itself_when_all_have_told(
    site: Site, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(site, "host-1")
    plug("host-1")
    host.look()
    monkeypatch.setattr(recovery_watch, "LOOK_SECONDS", 0.0)
    site.restore(site.backup())
    host.heartbeat()
    host.tell()
    assert site.status()["status"] == "recovering"
    monkeypatch.setattr(recovering, "QUIET_SECONDS", -1)
    plug("host-1")
    assert site.status()["status"] == "finished"


def test_ending_that_was_killed_in_between_goes_on(
    site: Site, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(site, "host-1")
    backup = site.backup()
    kept = plug("host-1")
    host.look()
    site.restore(backup)
    host.heartbeat()
    host.tell()

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    allocator = Allocator(site.database, cooldown_seconds=0, worker="w")
    for step in ("_findings", "_tell_leases"):
        with monkeypatch.context() as patch:
            patch.setattr(recovering, step, die)
            with pytest.raises(KeyboardInterrupt):
                recovering.finish(site.database, allocator, agent_down_time=75)
        assert site.status()["status"] == "recovering"
        assert len(site.api.list("port", device_owner="")) == (step == "_tell_leases")
    found = site.finish()
    assert [one["id"] for one in site.api.list("port", device_owner="")] == [kept["id"]]
    assert [one["port"] for one in found["taken_back"]] == [kept["id"]]


@on_sqlite
def test_agents_learn_of_names_that_changed_in_the_lost_time(site: Site, plug: Plug) -> None:
    host = Host(site, "host-1")
    plug("host-1", dns_name="web")
    backup = site.backup()
    asked = {"names_since": "0"}
    cursor = site.api.call("GET", f"{host.path}/dhcp-state", params=asked).json["names"]["cursor"]
    host.look()
    site.restore(backup)
    host.heartbeat()
    host.tell()
    site.finish()
    asked = {"names_since": str(cursor)}
    said = site.api.call("GET", f"{host.path}/dhcp-state", params=asked).json["names"]
    assert said["is_complete"] is False
    assert said["cursor"] > cursor


@on_sqlite
def test_report_that_cannot_be_read_is_refused_with_its_fault(site: Site, plug: Plug) -> None:
    host = Host(site, "host-1")
    plug("host-1")
    host.look()
    (held,) = host.networks
    (one,) = held["ports"]
    (lease,) = host.leases
    site.restore(site.backup())
    host.heartbeat()
    option = {"opt_name": "ntp-server", "opt_value": "192.0.2.1"}
    torn, pair = option | {"opt_value": "\n"}, {"ip_address": "x"}
    subnet, route = held["subnets"][0], {"destination": "10.0.0.1/8", "nexthop": "10.0.0.1"}
    for bad in (
        {"part": -1},
        {"leases": [{"network_id": host.id, "ip_address": "10.0.0.1", "expires_at": 2**63}]},
        {"leases": [{"network_id": host.id, "ip_address": "none"}]},
        {"leases": [lease | {"mac_address": "06-fa:16:3e:00:00:01"}]},
        {"networks": [{"id": host.id}]},
        {"networks": [held | {"id": "x"}]},
        {"networks": [held | {"ports": [one | {"id": "x"}]}]},
        {"networks": [held | {"ports": [one | {"name": "n" * 256}]}]},
        {"networks": [held | {"ports": [one | {"mac_address": "x"}]}]},
        {"networks": [held | {"ports": [one | {"extra_dhcp_opts": [torn]}]}]},
        {"networks": [held | {"ports": [one | {"extra_dhcp_opts": [option] * 51}]}]},
        {"networks": [held | {"ports": [one | {"allowed_address_pairs": [pair]}]}]},
        {"networks": [held | {"subnets": [subnet | {"dns_nameservers": ["x"]}]}]},
        {"networks": [held | {"subnets": [subnet | {"host_routes": [route]}]}]},
    ):
        site.api.refused(
            400, "HTTPBadRequest", "POST", f"{host.path}/recovery", EMPTY_REPORT | bad
        )
    deep = '{"unknown": ' + "[" * 3000
    result = site.api.client.simulate_request("POST", f"/v2.0{host.path}/recovery", body=deep)
    assert result.json["NeutronError"]["message"] == "The body is nested too deeply."
    assert site.api.call("POST", f"{host.path}/recovery", EMPTY_REPORT).json == {"taken": True}


@on_sqlite
def test_service_that_was_never_restored_takes_no_report(site: Site) -> None:
    host = Host(site, "host-1")
    assert site.api.call("POST", f"{host.path}/recovery", EMPTY_REPORT).json == {"taken": False}
    assert site.status()["status"] == "none"
