"""What an agent is told of the names of its networks: all of them, then changes."""

from typing import Any

import pytest

from ipam import clock
from ipam.api.agents import dns_names
from ipam.api.app import create_app
from ipam.protocol.dns_names import CURSOR_HEADER
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.leases import endings
from tests.api.agents.test_dhcp_state_requests import Agent, with_subnet
from tests.api.caller import ADMIN, Api
from tests.api.leases.test_event_requests import MAC, event, send
from tests.changed_settings import changed

Json = dict[str, Any]


@pytest.fixture
def site(api_on_each: Api) -> Api:
    return api_on_each


class Asker:
    """An agent that keeps its cursor."""

    def __init__(self, api: Api, host: str = "host-a") -> None:
        self.agent = Agent(api, host)
        self.cursor, self.etag, self.told_cursor = 0, "", 0
        self.whole = self.changes()

    def changes(self) -> dict[str, Json] | None:
        """By port what changed since the last call; None if nothing did at all."""
        path = f"{self.agent.path}?names_since={self.cursor}"
        headers = {"If-None-Match": self.etag} if self.etag else {}
        answer = self.agent.api.call("GET", path, headers=headers)
        if self.cursor:
            self.told_cursor = int(answer.headers[CURSOR_HEADER])
        if answer.status_code == 304:
            return None
        assert answer.status_code == 200, answer.text
        self.etag = answer.headers["ETag"]
        names = answer.json["names"]
        self.cursor = names["cursor"]
        assert names.get("is_complete", True), names
        return {one["port_id"]: one for one in names["ports"]}

    def all(self, *network_ids: str, after: str = "") -> Json:
        params = {"names_of": list(network_ids)} | ({"after": after} if after else {})
        answer = self.agent.api.call("GET", self.agent.path, params=params)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json
        return found


def named(port: Json) -> Json:
    found = {
        "port_id": port["id"],
        "network_id": port["network_id"],
        "addresses": [ip["ip_address"] for ip in port["fixed_ips"]],
    }
    return found | ({"dns_name": port["dns_name"]} if port["dns_name"] else {})


def test_names_of_other_hosts_ports_are_told_and_those_of_other_networks_are_not(
    site: Api,
) -> None:
    network, other = with_subnet(site), with_subnet(site)
    mine = site.create("port", network_id=network["id"], **{"binding:host_id": "host-a"})
    asker = Asker(site)
    site.call("DELETE", f"/agents/{asker.agent.id}/dhcp-networks/{other['id']}")
    theirs = site.create(
        "port", network_id=network["id"], dns_name="web", **{"binding:host_id": "host-b"}
    )
    hidden = site.create("port", network_id=other["id"], **{"binding:host_id": "host-b"})
    found = asker.changes()
    assert found is not None
    assert found[theirs["id"]] == named(theirs)
    assert hidden["id"] not in found
    whole = {one["port_id"]: one for one in asker.all(network["id"], other["id"])["names"]}
    assert whole[mine["id"]] == named(mine)
    assert whole[theirs["id"]] == named(theirs)
    assert hidden["id"] not in whole


def test_names_that_changed_in_a_network_are_told_alone(site: Api) -> None:
    network, other = with_subnet(site), with_subnet(site)
    asker = Asker(site)
    mine = {"network_id": network["id"], "dns_name": "web", "binding:host_id": "host-a"}
    port = site.create("port", **mine)
    site.create("port", **mine | {"network_id": other["id"]})
    strange = with_subnet(site)
    site.create("port", **mine | {"network_id": strange["id"], "binding:host_id": "host-b"})

    def told(network: Json) -> list[Json]:
        query = f"names_of={network['id']}&names_since={asker.cursor}"
        answer = site.call("GET", f"{asker.agent.path}?{query}").json
        assert answer.keys() == {"names"}
        assert answer["names"]["cursor"] >= asker.cursor
        found: list[Json] = answer["names"]["ports"]
        return found

    assert named(port) in told(network)
    assert {one["network_id"] for one in told(network)} == {network["id"]}
    assert told(strange) == []


def test_each_kind_of_change_is_told_and_nothing_else_is(site: Api) -> None:
    network = with_subnet(site)
    asker = Asker(site)
    port = site.create("port", network_id=network["id"], **{"binding:host_id": "host-a"})
    found = asker.changes()
    assert found is not None
    assert found[port["id"]] == named(port)
    while asker.changes() is not None:  # the network is its agent's, and new
        pass
    path = f"/ports/{port['id']}"
    for change in ({"dns_name": "db"}, {"fixed_ips": [{"ip_address": "10.0.0.77"}]}):
        changed = site.call("PUT", path, {"port": change}).json["port"]
        found = asker.changes()
        assert found is not None
        assert found[port["id"]] == named(changed)
    site.call("PUT", f"/ports/{port['id']}", {"port": {"name": "no name of DNS"}})
    before = asker.cursor
    asker.changes()
    assert asker.cursor == before
    assert site.call("DELETE", path).status_code == 204
    found = asker.changes()
    assert found is not None
    assert found[port["id"]] == {"port_id": port["id"], "network_id": network["id"]}


def test_what_a_machine_calls_itself_is_told_while_its_lease_lasts(
    settings: Settings, database: Database
) -> None:
    serving = changed(settings, "network", serve_own_names=True)
    site = Api(create_app(serving, authenticate=lambda _environ: ADMIN, database=database))
    network = with_subnet(site)
    asker = Asker(site)
    addresses = {"fixed_ips": [{"ip_address": "10.0.0.5"}], "mac_address": MAC}
    port = site.create("port", network_id=network["id"], dns_name="web", **addresses)
    stranger = site.create("port", network_id=network["id"], project_id="project-x")

    def say(port: Json, action: str = "add", **said: str) -> None:
        machine = {"mac_address": port["mac_address"], **port["fixed_ips"][0]}
        del machine["subnet_id"]
        now = {"occurred_at_us": clock.now_microseconds(), "details": said}
        send(site, event(network["id"], action, **machine, **now))

    def told() -> str | None:
        """How the port's machine calls itself by the next answer; None if nothing is new."""
        found = asker.changes()
        return None if found is None else str(found[port["id"]].get("own_name", ""))

    while asker.changes() is not None:  # the network is its agent's, and new
        pass
    say(port, supplied_hostname="Laptop.elsewhere.example")
    assert told() == "laptop"
    say(port, "old")  # dnsmasq may leave out what it said before
    assert told() is None
    say(port, "old", supplied_hostname="desk")
    assert told() == "desk"
    assert {**named(port), "own_name": "desk"} in asker.all(network["id"])["names"]
    assert [one["port_id"] for one in site.list("lease", own_name="desk")] == [port["id"]]
    say(stranger, supplied_hostname="db")
    assert told() is None
    for said, name in (("no_name!", ""), ("desk", "desk"), ("", "")):
        say(port, supplied_hostname=said)
        assert told() == name
    say(port, supplied_hostname="desk")
    say(port, "del")
    assert told() == ""
    say(port, supplied_hostname="desk")
    assert told() == "desk"
    beyond = clock.now_seconds() + 7200
    database.write(
        lambda tx: endings.end_overdue(tx, before=beyond, after=0, last=10**6, limit=10)
    )
    assert told() == ""


def test_what_machines_call_themselves_does_not_count_by_default(site: Api) -> None:
    network = with_subnet(site)
    addresses = {"fixed_ips": [{"ip_address": "10.0.0.5"}], "mac_address": MAC}
    site.create("port", network_id=network["id"], **addresses)
    send(site, event(network["id"], details={"supplied_hostname": "laptop"}))
    assert [one["own_name"] for one in site.list("lease")] == [""]


def test_a_lease_that_becomes_a_reservation_is_told(site: Api) -> None:
    network = site.create("network")
    span = [{"start": "10.0.0.100", "end": "10.0.0.199"}]
    place = {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4}
    site.create("subnet", dynamic_ranges=span, **place)
    asker = Asker(site)
    send(site, event(network["id"], ip_address="10.0.0.100", hostname="printer"))
    (port,) = site.list("port", device_owner="dhcp:lease")
    found = asker.changes()
    assert found is not None
    assert found[port["id"]] == {**named(port), "is_leased": True}
    site.call("PUT", f"/ports/{port['id']}", {"port": {"device_owner": ""}})
    found = asker.changes()
    assert found is not None
    assert found[port["id"]] == named(port)


def test_all_names_come_in_parts(site: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_names, "MOST_AT_ONCE", 2)
    network = with_subnet(site)
    made = {site.create("port", network_id=network["id"])["id"] for _ in range(4)}
    asker, found, after = Asker(site), set(), ""
    while True:
        part = asker.all(network["id"], after=after)
        found |= {one["port_id"] for one in part["names"]}
        assert len(part["names"]) <= 2
        if part["following"] is None:
            break
        after = part["following"]
    assert found > made


def test_too_many_changes_are_not_told_one_by_one(
    site: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_names, "MOST_CHANGES", 2)
    network = with_subnet(site)
    agent = Agent(site)
    for _ in range(3):
        site.create("port", network_id=network["id"])
    names = site.call("GET", f"{agent.path}?names_since=1").json["names"]
    assert (names["ports"], names["is_complete"]) == ([], False)
    assert names["cursor"] > 1


def test_however_much_changes_elsewhere_a_quiet_agent_reads_none_of_it(
    site: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_subnet(site)
    asker = Asker(site)
    while asker.changes() is not None:  # the network is its agent's, and new
        pass
    cursor = asker.cursor
    monkeypatch.setattr(dns_names, "MOST_CHANGES", 2)
    foreign = site.create("network")
    site.create(
        "subnet", network_id=foreign["id"], cidr="10.0.0.0/24", ip_version=4, enable_dhcp=False
    )
    for _ in range(5):
        site.create("port", network_id=foreign["id"])
    assert asker.changes() is None
    assert asker.told_cursor > cursor
    asker.cursor = asker.told_cursor
    assert asker.changes() is None


@pytest.mark.parametrize("query", ["names_since=x", "names_since=-1", "names_of=a&after=9e9"])
def test_a_cursor_is_a_number(site: Api, query: str) -> None:
    agent = Agent(site)
    assert site.call("GET", f"{agent.path}?{query}").status_code == 400


def test_what_is_no_id_of_a_network_names_nothing(site: Api) -> None:
    agent = Agent(site)
    answer = site.call("GET", f"{agent.path}?names_of=%00&names_of=x")
    assert (answer.status_code, answer.json) == (200, {"names": [], "following": None})
    answer = site.call("GET", f"{agent.path}?network_id=%00&network_id=x")
    assert (answer.status_code, answer.json) == (200, {"networks": []})
