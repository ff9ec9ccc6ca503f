from typing import Any

import falcon
import falcon.testing
import pytest
from sqlalchemy import update

from ipam import clock
from ipam.api.app import create_app
from ipam.rules.nova_events import PLUGGED, ComputeEvent
from ipam.settings import Settings
from ipam.store import compute_events, dns_changes
from ipam.store.engine.database import Database
from ipam.store.tables import compute_event, dns_change
from tests.api.caller import ADMIN, READER, Api
from tests.changed_settings import changed


def scraped(api: Api) -> dict[str, float]:
    """Value by name and labels."""
    result = api.client.simulate_get("/metrics")
    assert result.status_code == 200
    assert result.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in result.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_are_counted_by_template_and_status(api: Api, network: dict[str, Any]) -> None:
    api.show("network", network["id"])
    api.call("GET", "/networks/nothing")
    api.call("GET", "/no-such-path")
    seen = scraped(api)
    total = 'ipam_http_requests_total{method="%s",route="%s",status="%s"}'
    assert seen[total % ("POST", "/v2.0/networks", 201)] == 1
    assert seen[total % ("GET", "/v2.0/networks/{resource_id}", 200)] == 1
    assert seen[total % ("GET", "/v2.0/networks/{resource_id}", 404)] == 1
    assert seen[total % ("GET", "none", 404)] == 1
    count = 'ipam_http_request_seconds_count{method="GET",route="/v2.0/networks/{resource_id}"}'
    assert seen[count] == 2
    assert seen["ipam_http_requests_in_progress"] == 1


def test_methods_that_nobody_knows_share_one_label(api: Api) -> None:
    api.call("TRACE", "/networks")
    assert any('method="other"' in name for name in scraped(api))


def test_methods_that_a_route_does_not_have_share_one_route(api: Api) -> None:
    before = set(scraped(api))
    for path in ("/networks", "/subnets", "/ports"):
        api.call("DELETE", path)
        api.call("TRACE", path)
    made = {name for name in scraped(api) if name not in before and "http_requests_total" in name}
    refused = 'ipam_http_requests_total{method="%s",route="none",status="405"}'
    assert {refused % "DELETE", refused % "other"} == {name for name in made if "405" in name}


def test_totals_and_the_allocator_are_told(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/29", ip_version=4)
    api.delete("port", api.create("port", network_id=network["id"])["id"])
    for _ in range(3):
        api.create("port", network_id=network["id"])
    body = {"ports": [{"network_id": network["id"]}] * 4}
    api.refused(409, "IpAddressGenerationFailure", "POST", "/ports", body)
    seen = scraped(api)
    assert seen["ipam_networks"] == seen["ipam_subnets"] == 1
    assert seen["ipam_ports"] == seen['ipam_addresses{state="owned"}'] == 4
    assert seen['ipam_addresses{state="released"}'] == 1
    assert seen["ipam_allocator_refills_total"] >= 1
    assert seen["ipam_allocator_exhaustions_total"] >= 1
    assert seen["ipam_database_up"] == 1
    assert seen['ipam_database_connections{state="limit"}'] > 0


def test_what_agents_say_is_wrong_and_whom_dhcp_refuses_is_counted(api_on_each: Api) -> None:
    api = api_on_each
    seen = scraped(api)
    assert seen["ipam_dhcp_refusals"] == seen["ipam_dhcp_refused_machines"] == 0
    network = api.create("network")
    troubles = {network["id"]: "dnsmasq does not start", "tap1": "busy"}
    guard = {"port_filter": True, "spoofed": 7, "storms": 300}
    said = {"troubles": troubles, "events_waiting": 200, "guard": guard}
    agent = {"host": "host-a", "started_at": 0, "configurations": said}
    agent_id = api.call("POST", "/agents", {"agent": agent}).json["agent"]["id"]
    refused = [
        {
            "network_id": network["id"],
            "client": f"fa:16:3e:00:00:0{number}",
            "reason": "no address available",
            "count": number,
            "first_at": 100,
            "last_at": 200,
        }
        for number in (2, 3)
    ]
    api.call("POST", f"/agents/{agent_id}/dhcp-refusals", {"dhcp_refusals": refused})
    seen = scraped(api)
    assert seen['ipam_agent_troubles{host="host-a"}'] == 2
    assert seen['ipam_agent_events_waiting{host="host-a"}'] == 200
    dropped = "ipam_agent_dropped_frames_total"
    assert seen[dropped + '{host="host-a",reason="spoofed"}'] == 7
    assert seen[dropped + '{host="host-a",reason="storm"}'] == 300
    assert (seen["ipam_dhcp_refusals"], seen["ipam_dhcp_refused_machines"]) == (5, 2)


def test_events_for_nova_are_counted_with_the_age_of_the_oldest(
    api_on_each: Api, database: Database
) -> None:
    names = ("ipam_compute_events_waiting", "ipam_compute_events_oldest_seconds")
    seen = scraped(api_on_each)
    assert [seen[name] for name in names] == [0, 0]
    events = [ComputeEvent(PLUGGED, "server", f"port-{number}") for number in range(3)]
    database.write(lambda tx: compute_events.put(tx, events))
    older = update(compute_event).where(compute_event.c.port_id == "port-1")
    made_us = clock.now_microseconds() - 90_000_000
    database.write(lambda tx: tx.execute(older.values(created_at_us=made_us)).rowcount)
    seen = scraped(api_on_each)
    assert seen[names[0]] == 3
    assert 90 <= seen[names[1]] < 900


def test_names_for_zones_elsewhere_are_counted_by_zone(
    settings: Settings, database: Database
) -> None:
    settings = changed(settings, "dns", zones=["lab.example 192.0.2.53", "a.example 192.0.2.53"])
    app = create_app(settings, authenticate=lambda _environ: ADMIN, database=database)
    places = [("lab.example", "web.lab.example"), ("lab.example", "www.lab.example")]
    database.write(lambda tx: dns_changes.put(tx, places))
    refused = update(dns_change).where(dns_change.c.name == "web.lab.example")
    made_us = clock.now_microseconds() - 90_000_000
    values = {"created_at_us": made_us, "last_error": "no"}
    database.write(lambda tx: tx.execute(refused.values(values)).rowcount)
    seen = scraped(Api(app))
    found = {
        zone: [seen[f'ipam_dns_changes_{what}{{zone="{zone}"}}'] for what in ("waiting", "failed")]
        for zone in ("lab.example", "a.example")
    }
    assert found == {"lab.example": [2, 1], "a.example": [0, 0]}
    assert 90 <= seen['ipam_dns_changes_oldest_seconds{zone="lab.example"}'] < 900
    assert seen['ipam_dns_changes_oldest_seconds{zone="a.example"}'] == 0


def test_subnets_are_told_one_by_one_when_asked_for(settings: Settings, sqlite: Database) -> None:
    each = changed(settings, "api", metrics_per_subnet=True)
    api = Api(create_app(each, authenticate=lambda _environ: ADMIN, database=sqlite))
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    name = f'ipam_subnet_addresses{{state="owned",subnet="{subnet["id"]}"}}'
    assert scraped(api)[name] == 1


@pytest.mark.parametrize(("public", "status"), [(True, 200), (False, 403)])
def test_metrics_are_open_or_for_admins(
    settings: Settings, sqlite: Database, public: bool, status: int
) -> None:
    open_or_not = changed(settings, "api", metrics_public=public)
    app = create_app(open_or_not, authenticate=lambda _environ: READER, database=sqlite)
    assert falcon.testing.TestClient(app).simulate_get("/metrics").status_code == status
