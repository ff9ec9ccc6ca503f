import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
from hypothesis import strategies

from ipam.api.app import create_app
from ipam.api.http.kind import Kind
from ipam.api.networks import wire as network_wire
from ipam.api.ports import wire as port_wire
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, Api
from tests.changed_settings import changed

Make = Callable[..., dict[str, Any]]


def joined(pages: list[list[str]]) -> list[str]:
    return [*itertools.chain.from_iterable(pages)]


def walk(api: Api, path: str, rel: str = "next") -> list[list[str]]:
    """The ids of every page from this one on, following the links."""
    pages = []
    while path:
        result = api.call("GET", path)
        assert result.status_code == 200, result.text
        (collection,) = (name for name in result.json if not name.endswith("_links"))
        pages.append([item["id"] for item in result.json[collection]])
        links = {link["rel"]: link["href"] for link in result.json.get(f"{collection}_links", [])}
        url = urlsplit(links.get(rel, ""))
        path = f"{url.path.removeprefix('/v2.0')}?{url.query}" if url.path else ""
    return pages


def test_pages_over_ties_and_nulls_show_each_item_once(api_on_each: Api) -> None:
    api = api_on_each
    for n in range(7):
        place: dict[str, Any] = {
            "provider__network_type": "vlan",
            "provider__physical_network": "xy"[n % 2],
            "provider__segmentation_id": n + 1,
        }
        api.create("network", name="same", **(place if n % 3 else {}))
    for keys in itertools.product(
        ["sort_key=provider:physical_network"],
        ["asc", "desc"],
        ["", "&sort_key=name&sort_dir=asc"],
    ):
        query = f"{keys[0]}&sort_dir={keys[1]}{keys[2]}"
        whole = [item["id"] for item in api.call("GET", f"/networks?{query}").json["networks"]]
        pages = walk(api, f"/networks?{query}&limit=2")
        assert [len(page) for page in pages] == [2, 2, 2, 1]
        assert joined(pages) == whole
        back = walk(api, f"/networks?{query}&limit=2&page_reverse=True", rel="previous")
        assert joined(back[::-1]) == whole


def test_the_page_before_a_marker_is_the_one_that_led_to_it(api: Api) -> None:
    ids = [api.create("network", name=str(n))["id"] for n in range(5)]
    query = f"/networks?sort_key=name&limit=2&marker={ids[4]}&page_reverse=True"
    result = api.call("GET", query)
    assert [item["id"] for item in result.json["networks"]] == ids[2:4]
    rels = {link["rel"] for link in result.json["networks_links"]}
    assert rels == {"next", "previous"}


@pytest.mark.parametrize(("limit", "count"), [("0", 3), ("2", 2), ("99", 3), ("9" * 18, 3)])
def test_limit_bounds_a_page_and_zero_does_not(api: Api, limit: str, count: int) -> None:
    for _ in range(3):
        api.create("network")
    assert len(api.list("network", limit=limit)) == count


def test_the_last_full_page_leads_to_an_empty_one_that_leads_back(api: Api) -> None:
    made = api.create("network")
    assert "networks_links" not in api.call("GET", "/networks?limit=2").json
    steps = [("/networks?limit=1", [made["id"]], ["next"])]
    steps += [("next", [], ["previous"]), ("previous", [made["id"]], ["previous"])]
    links: dict[str, str] = {}
    for step, ids, rels in steps:
        result = api.client.simulate_get(links[step]) if links else api.call("GET", step)
        assert [item["id"] for item in result.json["networks"]] == ids
        links = {
            link["rel"]: link["href"].partition("//")[2].partition("/")[2].join(["/", ""])
            for link in result.json["networks_links"]
        }
        assert list(links) == rels


def one_of_each(api: Api, number: int) -> None:
    network = api.create("network", shared=True)
    cidr = f"10.0.{number}.0/24"
    api.create("subnet", network_id=network["id"], cidr=cidr, ip_version=4, enable_dhcp=False)
    api.create("port", network_id=network["id"])
    scope = {"name": f"scope-{number}", "ip_version": 4}
    api.call("POST", "/address-scopes", {"address_scope": scope})
    api.call("POST", "/subnetpools", {"subnetpool": {"name": "p", "prefixes": [cidr]}})
    agent = {"host": f"h{number}", "agent_type": "DHCP agent", "binary": "b", "started_at": 1}
    api.call("POST", "/agents", {"agent": agent | {"configurations": {}}})


@pytest.mark.parametrize(
    "path",
    ["networks", "subnets", "ports", "address-scopes", "subnetpools", "rbac-policies", "agents"],
)
def test_links_lead_through_every_resource_to_the_end_and_back(api: Api, path: str) -> None:
    for number in range(3):
        one_of_each(api, number)
    result = api.call("GET", f"/{path}?sort_key=id")
    (collection,) = result.json
    whole = [item["id"] for item in result.json[collection]]
    assert len(whole) == 3
    pages = walk(api, f"/{path}?sort_key=id&limit=1")
    assert (pages[-1], joined(pages)) == ([], whole)
    back = walk(api, f"/{path}?sort_key=id&limit=1&page_reverse=True", rel="previous")
    assert (back[-1], joined(back)) == ([], whole[::-1])


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "limit=",
        "sort_key=nonsense",
        "sort_key=subnets",
        "sort_key=name&sort_dir=up",
        "sort_dir=asc",
        "sort_key=name&sort_dir=asc&sort_dir=asc",
        "marker=nonsense&limit=1",
        "marker=%00",
        "page_reverse=maybe",
        "admin_state_up=banana",
        "mtu=many",
        "mtu=99999999999999999999",
        "mtu=%D9%A3",
        "status=BANANA",
        "name=%00",
        "dns_domain=a,b",
    ],
)
def test_an_impossible_query_is_refused(api: Api, network: dict[str, Any], query: str) -> None:
    api.refused(400, "HTTPBadRequest", "GET", f"/networks?{query}")


@pytest.mark.parametrize(
    "query", ["fixed_ips=x", "fixed_ips=ip_address%3Dx", "mac_address=x", "fixed_ips=a%3Db"]
)
def test_an_impossible_port_query_is_refused(api: Api, query: str) -> None:
    api.refused(400, "HTTPBadRequest", "GET", f"/ports?{query}")


def test_every_fault_of_a_query_is_reported(api: Api) -> None:
    path = "/networks?limit=-1&sort_key=x&admin_state_up=banana"
    message = api.refused(400, "HTTPBadRequest", "GET", path)
    for part in ("limit", "'x'", "'banana'"):
        assert part in message


def test_an_unknown_filter_is_ignored(api: Api, network: dict[str, Any]) -> None:
    assert len(api.list("network", nonsense="x", colour="x")) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "ab"),
        ({"name": "a"}, "a"),
        ({"name": ["a", "b"]}, "ab"),
        ({"name": ""}, ""),
        ({"admin_state_up": "True"}, "a"),
        ({"admin_state_up": "False"}, "b"),
        ({"shared": "False"}, "ab"),
        ({"router:external": "True"}, "b"),
        ({"tenant_id": "p"}, "a"),
        ({"project_id": ["p", "q"]}, "ab"),
        ({"mtu": "1400"}, "b"),
        ({"status": "ACTIVE"}, "ab"),
        ({"status": "active"}, "ab"),
        ({"status": "DOWN"}, ""),
        ({"provider:network_type": "LOCAL"}, "ab"),
        ({"id": "nonsense"}, ""),
        ({"name": "a", "mtu": "1400"}, ""),
    ],
)
def test_filters_narrow_a_list(api_on_each: Api, filters: dict[str, Any], found: str) -> None:
    api = api_on_each
    api.create("network", name="a", tenant_id="p")
    api.create(
        "network", name="b", tenant_id="q", admin_state_up=False, mtu=1400, router__external=True
    )
    assert "".join(sorted(item["name"] for item in api.list("network", **filters))) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"fixed_ips": "ip_address=10.0.0.50"}, "a"),
        ({"fixed_ips": ["ip_address=10.0.0.50", "ip_address=10.0.0.60"]}, "ab"),
        ({"fixed_ips": "ip_address=10.0.0.50,ip_address=10.0.0.51"}, "a"),
        ({"fixed_ips": "ip_address=10.0.0.99"}, ""),
        ({"fixed_ips": "ip_address_substr=0.0.5"}, "a"),
        ({"fixed_ips": "ip_address_substr=10.0.0."}, "abd"),
        ({"fixed_ips": "ip_address_substr=nothing"}, ""),
        ({"fixed_ips": "subnet_id=SUBNET"}, "abd"),
        ({"fixed_ips": ["subnet_id=SUBNET", "ip_address=10.0.0.60"]}, "b"),
        ({"fixed_ips": "subnet_id=x"}, ""),
        ({"binding:host_id": "node-1"}, "a"),
        ({"device_owner": "network:dhcp"}, "d"),
        ({"device_id": ["one", "two"]}, "ab"),
        ({"mac_address": "FA:16:3E:00:00:0A"}, "a"),
        ({"status": "ACTIVE"}, "d"),
        ({"status": "active"}, "d"),
        ({"network_id": "NETWORK", "device_id": "two"}, "b"),
    ],
)
def test_port_filters_narrow_a_list(api_on_each: Api, filters: dict[str, Any], found: str) -> None:
    api = api_on_each
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    (dhcp,) = api.list("port")
    api.update("port", dhcp["id"], name="d")
    api.create(
        "port",
        network_id=network["id"],
        name="a",
        device_id="one",
        binding__host_id="node-1",
        mac_address="fa:16:3e:00:00:0a",
        fixed_ips=[{"ip_address": "10.0.0.50"}],
    )
    api.create(
        "port",
        network_id=network["id"],
        name="b",
        device_id="two",
        fixed_ips=[{"ip_address": "10.0.0.60"}],
    )

    def real(text: str) -> str:
        return text.replace("SUBNET", subnet["id"]).replace("NETWORK", network["id"])

    given = {
        name: [real(value) for value in ([values] if isinstance(values, str) else values)]
        for name, values in filters.items()
    }
    assert "".join(sorted(port["name"] for port in api.list("port", **given))) == found


def test_subnets_are_found_by_what_their_network_is(api_on_each: Api) -> None:
    api = api_on_each
    for name, of_network in (
        ("plain", {}),
        ("shared", {"shared": True}),
        ("external", {"router__external": True}),
    ):
        network = api.create("network", **of_network)
        api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, name=name)

    def found(**filters: Any) -> list[str]:
        return sorted(one["name"] for one in api.list("subnet", **filters))

    assert found(shared="True") == ["shared"]
    assert found(shared="False") == ["external", "plain"]
    assert found(router__external="True") == ["external"]
    assert found(router__external="False", shared="False", sort_key="shared") == ["plain"]
    shown = {one["name"]: one["router:external"] for one in api.list("subnet")}
    assert shown == {"plain": False, "shared": False, "external": True}
    api.refused(400, "HTTPBadRequest", "GET", "/subnets?shared=perhaps")


def test_subnets_are_found_by_address_and_version(api: Api, subnet: dict[str, Any]) -> None:
    api.create("subnet", network_id=subnet["network_id"], cidr="2001:db8::/64", ip_version=6)
    assert len(api.list("subnet", gateway_ip="10.0.0.1")) == 1
    assert len(api.list("subnet", ip_version="6")) == 1
    assert len(api.list("subnet", cidr="10.0.0.0/24")) == 1
    assert len(api.list("subnet", enable_dhcp="True", network_id=subnet["network_id"])) == 2


@pytest.mark.parametrize("kind", [network_wire.KIND, port_wire.KIND], ids=lambda kind: kind.name)
def test_each_field_alone_is_what_the_whole_shows(api_on_each: Api, kind: Kind) -> None:
    api = api_on_each
    attributes = {
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": 7,
        "router:external": True,
        "shared": True,
        "is_default": True,
    }
    network = api.create("network", name="n", dns_domain="example.org.", **attributes)
    subnet = {"cidr": "10.0.0.0/24", "ip_version": 4, "enable_dhcp": False}
    api.create("subnet", network_id=network["id"], **subnet)
    api.create("port", network_id=network["id"], name="p", device_id="d", binding__host_id="h")
    (whole,) = api.list(kind.name)
    for names in (*([name] for name in whole), [*whole], [*kind.rows.verbatim], ["nonsense"]):
        cut = {name: value for name, value in whole.items() if name in names}
        assert api.list(kind.name, fields=names) == [cut]
        shown = api.call("GET", f"/{kind.collection}/{whole['id']}", params={"fields": names})
        assert shown.json == {kind.name: cut}


def test_pages_of_few_fields_have_their_links(api: Api) -> None:
    for n in range(5):
        api.create("network", name=f"net-{n}")
    listed: list[str] = []
    path = "/networks?fields=name&limit=2&sort_key=name"
    while path:
        answer = api.call("GET", path).json
        listed += [network["name"] for network in answer["networks"]]
        hrefs = [link["href"] for link in answer["networks_links"] if link["rel"] == "next"]
        path = hrefs[0].partition("/v2.0")[2] if hrefs else ""
    assert listed == [f"net-{n}" for n in range(5)]


def test_fields_cut_what_is_shown(api: Api, network: dict[str, Any]) -> None:
    shown = api.list("network", fields=["id", "router:external", "nonsense"])
    assert shown == [{"id": network["id"], "router:external": False}]
    one = api.call("GET", f"/networks/{network['id']}?fields=name&fields=segments")
    assert one.json == {"network": {"name": "net"}}


def test_links_lead_to_the_public_url(settings: Settings, sqlite: Database, api: Api) -> None:
    for _ in range(2):
        api.create("network")
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example.org"}
    (link,) = api.call("GET", "/networks?limit=1", headers=proxied).json["networks_links"]
    assert link["href"].startswith("https://api.example.org/v2.0/networks?limit=1&marker=")
    public = changed(settings, "api", public_url="https://public.example/net/")
    other = Api(create_app(public, authenticate=lambda _: ADMIN, database=sqlite))
    (link,) = other.call("GET", "/networks?limit=1").json["networks_links"]
    assert link["href"].startswith("https://public.example/net/v2.0/networks?limit=1&marker=")


def test_no_filter_compares_a_number_with_any_text(api_on_each: Api) -> None:
    """SQLite compares what it is given, PostgreSQL fails."""
    paths = api_on_each.call("GET", "/openapi.json").json["paths"]
    asked = 0
    for path, item in paths.items():
        for parameter in item.get("get", {}).get("parameters", []) if "{" not in path else []:
            name = parameter["name"]
            for text in ("abc", "10.0.0.1", "9" * 18):
                result = api_on_each.call(
                    "GET", path.removeprefix("/v2.0"), params={name: text, "limit": "1"}
                )
                assert result.status_code in (200, 400, 404), (path, name, text, result.text)
                asked += 1
    assert asked > 500


def test_items_are_found_by_when_they_were_made_and_changed(api_on_each: Api) -> None:
    network = api_on_each.create("network")
    for name in ("created_at", "updated_at"):
        assert api_on_each.list("network", **{name: network[name]}) == [network]
        assert api_on_each.list("network", **{name: "2001-01-01"}) == []


def test_pools_are_found_by_the_numbers_that_they_show_as_text(api_on_each: Api) -> None:
    pool = api_on_each.create("subnetpool", name="p", prefixes=["10.0.0.0/8"], min_prefixlen=12)
    assert api_on_each.list("subnetpool", min_prefixlen=pool["min_prefixlen"]) == [pool]
    assert api_on_each.list("subnetpool", min_prefixlen="13") == []


def test_page_size_max_bounds_every_list(settings: Settings, sqlite: Database) -> None:
    bounded = changed(settings, "api", page_size_max=2)
    api = Api(create_app(bounded, authenticate=lambda _environ: ADMIN, database=sqlite))
    ids = {api.create("network")["id"] for _ in range(5)}
    assert len(api.list("network")) == len(api.list("network", limit=9)) == 2
    assert set(joined(walk(api, "/networks"))) == ids


@hypothesis.settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    names=strategies.lists(strategies.sampled_from(["", "a", "A", "b", "ä"]), max_size=9),
    limit=strategies.integers(1, 4),
    descending=strategies.booleans(),
)
def test_pages_joined_are_the_whole_list(
    api: Api, names: list[str], limit: int, descending: bool
) -> None:
    for old in api.list("network"):
        api.delete("network", old["id"])
    for name in names:
        api.create("network", name=name, mtu=1400 + len(name))
    query = f"sort_key=mtu&sort_key=name&sort_dir=asc&sort_dir={'desc' if descending else 'asc'}"
    whole = [item["id"] for item in api.call("GET", f"/networks?{query}").json["networks"]]
    assert joined(walk(api, f"/networks?{query}&limit={limit}")) == whole
    assert len(whole) == len(names)
