"""What an agent is told to serve, and how it learns of each change."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ipam.api.agents.dhcp_state_route import digests
from ipam.api.app import create_app
from ipam.settings import Settings
from ipam.store.dhcp_state import NETWORK, PORT, SUBNET, UNSCHEDULED, Part
from ipam.store.engine.database import Database
from tests.api.agents.test_agent_requests import report, silence
from tests.api.caller import ADMIN, READER, SERVICE, Api
from tests.api.numbers import network_pk
from tests.changed_settings import changed

NOWHERE = "11111111-2222-4333-8444-555555555555"


class Agent:
    """An agent's side of the conversation."""

    def __init__(self, api: Api, host: str = "host-a") -> None:
        self.api = api
        self.host = host
        self.id: str = report(api, host)["id"]
        self.path = f"/agents/{self.id}/dhcp-state"

    def digests(self) -> dict[str, str]:
        result = self.api.call("GET", self.path)
        assert result.status_code == 200, result.text
        return {each["id"]: each["digest"] for each in result.json["networks"]}

    def full(self, *network_ids: str) -> list[dict[str, Any]]:
        result = self.api.call("GET", self.path, params={"network_id": list(network_ids)})
        assert result.status_code == 200, result.text
        found: list[dict[str, Any]] = result.json["networks"]
        listed = self.digests()  # else the agent would ask for them at each poll
        assert {each["id"]: each["digest"] for each in found}.items() <= listed.items()
        return found

    def ready(self, *ports: dict[str, Any]) -> dict[str, list[str]]:
        body = {"ports": [{k: port[k] for k in ("id", "revision_number")} for port in ports]}
        result = self.api.call("POST", f"/agents/{self.id}/ready-ports", body)
        assert result.status_code == 200, result.text
        answer: dict[str, list[str]] = result.json
        return answer

    def down(self, *ports: dict[str, Any]) -> dict[str, list[str]]:
        body = {"ports": [{k: port[k] for k in ("id", "revision_number")} for port in ports]}
        result = self.api.call("POST", f"/agents/{self.id}/down-ports", body)
        assert result.status_code == 200, result.text
        answer: dict[str, list[str]] = result.json
        return answer

    def ports(self) -> dict[str, str]:
        """The status of each port that it serves, as the agent is told."""
        networks = self.full(*self.digests())
        return {port["id"]: port["status"] for network in networks for port in network["ports"]}


@pytest.fixture
def site(api_on_each: Api) -> Api:
    return api_on_each


def with_subnet(api: Api, **more: Any) -> dict[str, Any]:
    """A network with a DHCP subnet."""
    made = api.create("network", **more)
    api.create("subnet", network_id=made["id"], cidr="10.0.0.0/24", ip_version=4)
    return made


def test_a_network_without_dhcp_is_nobodys(site: Api) -> None:
    network = site.create("network")
    site.create(
        "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, enable_dhcp=False
    )
    site.create("network")
    assert Agent(site).digests() == {}


def test_asking_takes_the_networks_that_lack_an_agent(site: Api) -> None:
    network = with_subnet(site)
    first, second = Agent(site), Agent(site, "host-b")
    assert list(first.digests()) == [network["id"]]
    assert second.digests() == {}
    assert list(first.digests()) == [network["id"]]


def test_living_agents_share_the_networks(site: Api) -> None:
    networks = {with_subnet(site)["id"] for _ in range(4)}
    first, second = Agent(site), Agent(site, "host-b")
    first.digests()
    second.digests()
    first.digests()
    assert first.digests().keys() | second.digests().keys() == networks
    assert not first.digests().keys() & second.digests().keys()
    assert len(second.digests()) >= 1


def test_agents_that_ask_at_once_never_serve_one_network_twice(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings, authenticate=lambda _environ: SERVICE, database=database)
    admin = Api(create_app(settings, authenticate=lambda _environ: ADMIN, database=database))
    networks = {with_subnet(admin)["id"] for _ in range(6)}
    agents = [Agent(Api(app), f"host-{n}") for n in range(4)]
    together = threading.Barrier(4)

    def ask(agent: Agent) -> None:
        together.wait()
        for _ in range(4):
            agent.digests()

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(ask, agent) for agent in agents]:
            each.result()
    served = [network_id for agent in agents for network_id in agent.digests()]
    assert sorted(served) == sorted(networks)


def test_as_many_agents_take_a_network_as_the_settings_say(
    settings: Settings, database: Database
) -> None:
    two = changed(settings, "network", dhcp_agents_per_network=2)
    api = Api(create_app(two, authenticate=lambda _environ: ADMIN, database=database))
    network = with_subnet(api)
    agents = [Agent(api, f"host-{n}") for n in range(3)]
    assert [list(agent.digests()) for agent in agents] == [[network["id"]]] * 2 + [[]]


def test_a_dead_or_switched_off_agent_and_a_reader_take_nothing(
    settings: Settings, database: Database
) -> None:
    def as_caller(caller: Any) -> Api:
        return Api(create_app(settings, authenticate=lambda _environ: caller, database=database))

    admin = as_caller(ADMIN)
    with_subnet(admin)
    agent = Agent(admin)
    as_caller(READER).refused(403, "PolicyNotAuthorized", "GET", agent.path)
    silence(database, "host-a", 1000)
    assert agent.digests() == {}
    report(admin)
    admin.update("agent", agent.id, admin_state_up=False)
    assert agent.digests() == {}
    admin.update("agent", agent.id, admin_state_up=True)
    assert len(as_caller(SERVICE).call("GET", agent.path).json["networks"]) == 1


def test_a_port_bound_to_the_host_brings_its_network(site: Api) -> None:
    network = with_subnet(site)
    Agent(site, "taker").digests()
    agent = Agent(site)
    assert agent.digests() == {}
    bound = site.create("port", network_id=network["id"], binding__host_id="host-a")
    assert list(agent.digests()) == [network["id"]]
    site.update("port", bound["id"], admin_state_up=False)
    assert agent.digests() == {}
    site.update("port", bound["id"], admin_state_up=True)
    moved = site.update("port", bound["id"], binding__host_id="host-b")
    Agent(site, "host-b").ready(moved)
    assert agent.digests() == {}


def test_a_switched_off_agent_keeps_the_ports_of_its_host(site: Api) -> None:
    network = with_subnet(site)
    agent = Agent(site)
    unbound = site.create("port", network_id=network["id"])
    bound = site.create("port", network_id=network["id"], binding__host_id="host-a")
    agent.digests()
    (full,) = agent.full(network["id"])
    assert {port["id"] for port in full["ports"]} == {unbound["id"], bound["id"]}
    site.update("agent", agent.id, admin_state_up=False)
    (full,) = agent.full(network["id"])
    assert [port["id"] for port in full["ports"]] == [bound["id"]]


def test_each_agent_gets_the_ports_of_its_host_and_the_scheduled_one_the_unbound(
    site: Api,
) -> None:
    network = with_subnet(site)
    ports = {
        host: site.create("port", network_id=network["id"], binding__host_id=host)
        for host in ("", "host-a", "host-b")
    }
    agents = {host: Agent(site, host) for host in ("host-a", "host-b")}
    for agent in agents.values():
        agent.digests()
    served = {
        host: {port["id"] for port in agent.full(network["id"])[0]["ports"]}
        for host, agent in agents.items()
    }
    assert served == {
        "host-a": {ports[""]["id"], ports["host-a"]["id"]},
        "host-b": {ports["host-b"]["id"]},
    }


def test_the_full_answer_holds_what_dhcp_needs(settings: Settings, database: Database) -> None:
    with_domain = changed(settings, "network", dns_domain="site.example.")
    site = Api(create_app(with_domain, authenticate=lambda _environ: ADMIN, database=database))
    network = site.create("network", mtu=1400)
    four = site.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        dns_nameservers=["10.0.0.53"],
        host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.0.0.7"}],
    )
    six = site.create(
        "subnet",
        network_id=network["id"],
        cidr="fd00::/64",
        ip_version=6,
        gateway_ip=None,
        ipv6_address_mode="dhcpv6-stateful",
        ipv6_ra_mode="dhcpv6-stateful",
    )
    named = site.create(
        "port",
        network_id=network["id"],
        dns_name="www",
        fixed_ips=[{"ip_address": "10.0.0.77"}, {"ip_address": "fd00::77"}],
        device_owner="compute:nova",
        device_id="vm-1",
        extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "1300"}],
        binding__host_id="host-a",
    )
    plain = site.create(
        "port",
        network_id=network["id"],
        fixed_ips=[{"ip_address": "10.0.0.78"}],
        binding__host_id="host-a",
    )
    agent = Agent(site)
    agent.digests()
    (full,) = agent.full(network["id"])
    (dhcp_port,) = site.list("port", device_owner="network:dhcp")
    assert full["digest"] == agent.digests()[network["id"]]
    assert full["project_id"] == network["project_id"]
    assert (full["mtu"], full["dns_domain"]) == (1400, "site.example.")
    changed_name = site.call("PUT", f"/ports/{plain['id']}", {"port": {"dns_name": "db"}}).json
    for port, name in ((named, "www"), (changed_name["port"], "db")):
        fixed = port["fixed_ips"][0]["ip_address"]
        shown = [port, site.call("GET", f"/ports/{port['id']}").json["port"]]
        shown += site.list("port", id=port["id"])
        shown += site.call("GET", f"/find?q={fixed}").json["ports"]
        assert {one["dns_assignment"][0]["fqdn"] for one in shown} == {f"{name}.site.example."}
    site.call("PUT", f"/ports/{plain['id']}", {"port": {"dns_name": ""}})
    assert (full["admin_state_up"], full["lease_seconds"]) == (True, 86400)
    assert full["dhcp_port"] == {
        "id": dhcp_port["id"],
        "mac_address": dhcp_port["mac_address"],
        "fixed_ips": dhcp_port["fixed_ips"],
    }
    assert [subnet["id"] for subnet in full["subnets"]] == [four["id"], six["id"]]
    first, second = full["subnets"]
    assert first == {
        "id": four["id"],
        "cidr": "10.0.0.0/24",
        "ip_version": 4,
        "gateway_ip": "10.0.0.1",
        "enable_dhcp": True,
        "dns_nameservers": ["10.0.0.53"],
        "host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.7"}],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
    }
    assert second["ipv6_ra_mode"] == second["ipv6_address_mode"] == "dhcpv6-stateful"
    assert second["gateway_ip"] is None
    by_id = {port["id"]: port for port in full["ports"]}
    assert by_id.keys() == {named["id"], plain["id"]}
    served = by_id[named["id"]]
    assert served["hostname"] == "www"
    assert served["fixed_ips"] == named["fixed_ips"]
    assert served["extra_dhcp_opts"] == named["extra_dhcp_opts"]
    for name in (
        *("mac_address", "revision_number", "device_id", "device_owner", "admin_state_up"),
        "status",
    ):
        assert served[name] == named[name]
    assert served["binding_host_id"] == "host-a"
    assert by_id[plain["id"]]["hostname"] == "host-10-0-0-78"


def test_only_networks_that_it_serves_are_given_to_an_agent(site: Api) -> None:
    network = with_subnet(site)
    taker, other = Agent(site, "taker"), Agent(site)
    taker.digests()
    assert other.full(network["id"]) == []
    assert taker.full(NOWHERE, "nonsense") == []


def test_a_network_of_which_the_host_has_only_switched_off_ports_is_not_given(site: Api) -> None:
    network = site.create("network")
    off = {"admin_state_up": False, "binding:host_id": "host-a"}
    site.create("port", network_id=network["id"], **off)
    assert Agent(site).full(network["id"]) == []


def test_a_network_is_given_by_the_number_that_a_wake_says(
    api_on_each: Api, database: Database
) -> None:
    site, agent = api_on_each, Agent(api_on_each)
    served, foreign = site.create("network"), site.create("network")
    site.create("port", network_id=served["id"], **{"binding:host_id": "host-a"})
    numbers = [network_pk(database, one) for one in (served, foreign)]

    def changed_ones(*asked: object) -> Any:
        return site.call("GET", agent.path, params={"changed": list(asked)})

    assert changed_ones(*numbers, 10**15).json["networks"] == agent.full(served["id"])
    assert changed_ones(numbers[1]).json == {"networks": []}
    for wrong in ("x", "-1", "9" * 40):
        assert changed_ones(wrong).status_code == 400


Change = Callable[[Api, dict[str, Any]], object]

CHANGES: list[tuple[str, Change]] = [
    ("network", lambda api, it: api.update("network", it["network"]["id"], mtu=1300)),
    ("subnet", lambda api, it: api.update("subnet", it["subnet"]["id"], gateway_ip=None)),
    (
        "another subnet",
        lambda api, it: api.create(
            "subnet", network_id=it["network"]["id"], cidr="10.1.0.0/24", ip_version=4
        ),
    ),
    ("dhcp off", lambda api, it: api.update("subnet", it["subnet"]["id"], enable_dhcp=False)),
    ("new port", lambda api, it: api.create("port", network_id=it["network"]["id"])),
    ("name", lambda api, it: api.update("port", it["port"]["id"], dns_name="new")),
    (
        "address",
        lambda api, it: api.update(
            "port", it["port"]["id"], fixed_ips=[{"ip_address": "10.0.0.99"}]
        ),
    ),
    (
        "options",
        lambda api, it: api.update(
            "port", it["port"]["id"], extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "9"}]
        ),
    ),
    ("port off", lambda api, it: api.update("port", it["port"]["id"], admin_state_up=False)),
    ("bound", lambda api, it: api.update("port", it["port"]["id"], binding__host_id="host-b")),
    ("port gone", lambda api, it: api.delete("port", it["port"]["id"])),
]


@pytest.mark.parametrize("change", [pytest.param(c, id=name) for name, c in CHANGES])
def test_every_change_shows_in_the_digest_and_the_etag(site: Api, change: Change) -> None:
    network = site.create("network")
    subnet = site.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    port = site.create("port", network_id=network["id"])
    agent = Agent(site)
    before = agent.digests()
    etag = site.call("GET", agent.path).headers["etag"]
    assert agent.digests() == before
    change(site, {"network": network, "subnet": subnet, "port": port})
    after = agent.digests()
    assert after.keys() == before.keys() == {network["id"]}
    assert after != before
    result = site.call("GET", agent.path, headers={"If-None-Match": etag})
    assert result.status_code == 200
    assert agent.full(network["id"])[0]["digest"] == after[network["id"]]


def test_nothing_new_is_304_without_a_body(site: Api) -> None:
    with_subnet(site)
    agent = Agent(site)
    first = site.call("GET", agent.path)
    etag = first.headers["etag"]
    for header in (etag, f"W/{etag}", f'"other", {etag}'):
        same = site.call("GET", agent.path, headers={"If-None-Match": header})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == etag
    assert site.call("GET", agent.path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_deleted_network_leaves_the_list(site: Api) -> None:
    network = with_subnet(site)
    agent = Agent(site)
    agent.digests()
    (subnet,) = site.list("subnet")
    site.delete("subnet", subnet["id"])
    site.delete("network", network["id"])
    assert agent.digests() == {}


def test_settings_that_go_into_the_answer_go_into_the_digest(
    settings: Settings, sqlite: Database
) -> None:
    api = Api(create_app(settings, authenticate=lambda _environ: ADMIN, database=sqlite))
    with_subnet(api)
    agent = Agent(api)
    before = agent.digests()
    shorter = changed(settings, "network", dhcp_lease_duration=120)
    api = Api(create_app(shorter, authenticate=lambda _environ: ADMIN, database=sqlite))
    assert Agent(api).digests() != before


def test_an_unknown_agent_is_told_to_register(site: Api) -> None:
    for name in (NOWHERE, "host-a"):
        site.refused(404, "AgentNotFound", "GET", f"/agents/{name}/dhcp-state")
        site.refused(
            404, "AgentNotFound", "GET", f"/agents/{name}/dhcp-state", params={"network_id": "x"}
        )
        body: dict[str, Any] = {"ports": []}
        for told in ("ready-ports", "down-ports"):
            site.refused(404, "AgentNotFound", "POST", f"/agents/{name}/{told}", body)


def test_a_ready_port_becomes_active_and_keeps_its_revision(site: Api) -> None:
    network = with_subnet(site)
    bound = site.create("port", network_id=network["id"], binding__host_id="host-a")
    unbound = site.create("port", network_id=network["id"])
    agent = Agent(site)
    before = agent.digests()
    answer = agent.ready(bound, unbound)
    assert sorted(answer["ready"]) == sorted([bound["id"], unbound["id"]])
    for port in (bound, unbound):
        shown = site.show("port", port["id"])
        assert shown["status"] == "ACTIVE"
        assert shown["revision_number"] == port["revision_number"]
    assert agent.digests() == before
    assert sorted(agent.ready(bound, unbound)["ready"]) == sorted(answer["ready"])


def test_a_port_that_changed_since_or_is_not_the_agents_stays_down(site: Api) -> None:
    network = with_subnet(site)
    Agent(site, "taker").digests()
    changed = site.create("port", network_id=network["id"], binding__host_id="host-a")
    site.update("port", changed["id"], dns_name="new")
    others = site.create("port", network_id=network["id"], binding__host_id="host-b")
    unbound = site.create("port", network_id=network["id"])
    off = site.create(
        "port", network_id=network["id"], binding__host_id="host-a", admin_state_up=False
    )
    gone = {"id": NOWHERE, "revision_number": 0}
    answer = Agent(site).ready(changed, others, unbound, off, gone)
    assert answer["ready"] == []
    assert len(answer["ignored"]) == 5
    assert {port["status"] for port in site.list("port", network_id=network["id"])} >= {"DOWN"}
    assert site.show("port", changed["id"])["status"] == "DOWN"
    assert site.show("port", others["id"])["status"] == "DOWN"


def test_a_port_whose_tap_has_gone_is_down_until_it_is_ready_again(site: Api) -> None:
    network = with_subnet(site)
    port = site.create("port", network_id=network["id"], binding__host_id="host-a")
    agent = Agent(site)
    agent.ready(port)
    before = agent.digests()
    for _ in range(2):
        assert agent.down(port) == {"down": [port["id"]], "ignored": []}
        assert site.show("port", port["id"])["status"] == "DOWN"
    assert site.show("port", port["id"])["revision_number"] == port["revision_number"]
    assert agent.digests() == before
    agent.ready(port)
    assert site.show("port", port["id"])["status"] == "ACTIVE"


def test_a_port_that_changed_since_or_is_on_another_host_does_not_go_down(site: Api) -> None:
    network = with_subnet(site)
    agent, other = Agent(site), Agent(site, "host-b")
    agent.digests()
    changed = site.create("port", network_id=network["id"], binding__host_id="host-a")
    unbound = site.create("port", network_id=network["id"])
    others = site.create("port", network_id=network["id"], binding__host_id="host-b")
    renamed = site.update("port", changed["id"], dns_name="new")
    agent.ready(renamed, unbound)
    other.ready(others)
    gone = {"id": NOWHERE, "revision_number": 0}
    answer = agent.down(changed, others, gone)
    assert (answer["down"], len(answer["ignored"])) == ([], 3)
    assert other.down(unbound)["down"] == [], "another agent serves it"
    found = {each["id"]: each["status"] for each in site.list("port")}
    assert {found[each["id"]] for each in (changed, unbound, others)} == {"ACTIVE"}
    assert agent.down(unbound)["down"] == [unbound["id"]]
    assert site.show("port", unbound["id"])["status"] == "DOWN"


@pytest.mark.parametrize("told", ["ready-ports", "down-ports"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ports": {}},
        {"ports": [{"id": "x", "revision_number": -1}]},
        {"ports": [{"id": NOWHERE}]},
        {"ports": [7]},
    ],
)
def test_a_wrong_list_of_ports_is_refused(api: Api, body: Any, told: str) -> None:
    agent = Agent(api)
    api.refused(400, "HTTPBadRequest", "POST", f"/agents/{agent.id}/{told}", body)


def test_a_digest_depends_on_every_row_and_on_nothing_else() -> None:
    rows = [
        Part(NETWORK, 1, 1, "n", 3),
        Part(SUBNET, 1, 7, "s", 1),
        Part(PORT, 1, 8, "p", 1),
        Part(PORT, 1, 9, "q", 2),
    ]
    digest = digests(rows, "")
    assert digests([*reversed(rows), Part(UNSCHEDULED, 2, 2, "m", 0)], "") == digest
    assert digests(rows, "salt") != digest
    for place, row in enumerate(rows):
        raised = Part(row.kind, row.network_pk, row.pk, row.id, row.revision + 1)
        assert digests([*rows[:place], raised, *rows[place + 1 :]], "") != digest
    swapped = [*rows[:2], Part(PORT, 1, 8, "p", 2), Part(PORT, 1, 9, "q", 1)]
    assert digests(swapped, "") != digest
    assert digests(rows[:3], "") != digest


def test_a_servers_port_that_is_bound_to_no_host_is_nobodys(site: Api) -> None:
    network = with_subnet(site)
    shelved = site.create(
        "port", network_id=network["id"], device_id=NOWHERE, device_owner="compute:nova"
    )
    agent = Agent(site)
    assert list(agent.digests()) == [network["id"]]
    (full,) = agent.full(network["id"])
    assert full["ports"] == []
    assert agent.ready(shelved) == {"ready": [], "ignored": [shelved["id"]]}


def tell_tunnel(agent: Agent, address: str | None) -> None:
    said = {"tunnel_types": ["vxlan"] if address else [], "tunneling_ip": address}
    report(agent.api, agent.host, configurations=said)


def peers(agent: Agent, network: dict[str, Any]) -> list[str] | None:
    (full,) = agent.full(network["id"])
    found: list[str] | None = full.get("peers")
    return found


def test_the_other_hosts_of_a_network_with_tunnels_are_its_peers(
    site: Api, database: Database
) -> None:
    a, b, c = (Agent(site, f"host-{name}") for name in "abc")
    tell_tunnel(a, "192.0.2.1")
    tell_tunnel(b, "192.0.2.2")
    network = site.create(
        "network", provider__network_type="vxlan", provider__segmentation_id=7, name="v"
    )
    plain = site.create("network")
    for one in (network, plain):
        site.create("port", network_id=one["id"], binding__host_id="host-a")
    assert (peers(a, network), peers(a, plain)) == ([], None)
    (full,) = a.full(network["id"])
    assert (full["network_type"], full["segmentation_id"]) == ("vxlan", 7)
    before = a.digests()
    there = site.create("port", network_id=network["id"], binding__host_id="host-b")
    site.create("port", network_id=network["id"], binding__host_id="host-b")
    assert (peers(a, network), peers(b, network)) == (["192.0.2.2"], ["192.0.2.1"])
    after = a.digests()
    assert before[network["id"]] != after[network["id"]]
    assert before[plain["id"]] == after[plain["id"]]
    site.create("port", network_id=network["id"], binding__host_id="host-c")
    assert peers(a, network) == ["192.0.2.2"], "that host has no tunnels"
    tell_tunnel(c, "2001:db8::3")
    body = {"binding": {"host": "host-d"}}
    d = Agent(site, "host-d")
    tell_tunnel(d, "192.0.2.4")
    path = f"/ports/{there['id']}/bindings"
    assert site.call("POST", path, body).status_code == 201
    assert peers(a, network) == ["192.0.2.2", "192.0.2.4", "2001:db8::3"]
    silence(database, "host-b", 1000)
    assert "192.0.2.2" in (peers(a, network) or []), "its machines go on"
    tell_tunnel(d, None)
    assert "192.0.2.4" not in (peers(a, network) or [])
