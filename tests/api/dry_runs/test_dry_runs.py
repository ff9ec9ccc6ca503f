"""A dry run answers what the requests would, tells hosts and machines, and changes nothing."""

from typing import Any

import pytest
from sqlalchemy import select

from ipam.store import tables
from ipam.store.engine.database import Database
from tests.api.caller import Api
from tests.api.leases.test_event_requests import event, send

HOST = "cn1"
UNTOUCHED = (
    *(tables.network, tables.subnet, tables.port, tables.ip_address, tables.ip_candidates),
    *(tables.ip_cursor, tables.audit_event, tables.compute_event, tables.allocation_event),
    *(tables.idempotency_key, tables.network_dhcp_agent, tables.agent, tables.lease),
)


class Site:
    """A network with a host that serves it, and machines with leases."""

    def __init__(self, api: Api) -> None:
        self.api = api
        report = {"host": HOST, "started_at": 1, "configurations": GUARDING}
        agent = api.call("POST", "/agents", {"agent": report})
        assert agent.status_code == 200, agent.text
        self.agent_id = agent.json["agent"]["id"]
        self.network_id = api.create("network", name="lan")["id"]
        self.subnet = api.create(
            "subnet",
            network_id=self.network_id,
            cidr="10.0.0.0/24",
            ip_version=4,
            allocation_pools=[{"start": "10.0.0.2", "end": "10.0.0.200"}],
        )

    def machine(self, number: int, **more: Any) -> dict[str, Any]:
        return self.api.create(
            "port",
            network_id=self.network_id,
            name=f"web{number}",
            mac_address=f"52:54:00:00:00:{number:02x}",
            fixed_ips=[{"ip_address": f"10.0.0.{number}"}],
            device_owner="compute:nova",
            device_id=f"vm-{number}",
            binding__host_id=HOST,
            **more,
        )

    def lease(self, port: dict[str, Any], expires_at: int) -> None:
        send(
            self.api,
            event(
                self.network_id,
                ip_address=port["fixed_ips"][0]["ip_address"],
                mac_address=port["mac_address"],
                expires_at=expires_at,
                host=HOST,
            ),
        )

    def rehearse(self, *requests: dict[str, Any]) -> Any:
        result = self.api.call("POST", "/dry-runs", {"dry_run": {"requests": list(requests)}})
        assert result.status_code == 200, result.text
        return result.json["dry_run"]

    def change_subnet(self, **values: Any) -> dict[str, Any]:
        path = f"/v2.0/subnets/{self.subnet['id']}"
        return {"method": "PUT", "path": path, "body": {"subnet": values}}


GUARDING = {"guard": {"port_filter": True, "fault": "", "taps": 0, "spoofed": 0, "storms": 0}}


@pytest.fixture
def site(api: Api) -> Site:
    return Site(api)


def counts(database: Database) -> dict[str, Any]:
    """Every row of what a change could have touched."""
    return database.read(
        lambda tx: {
            table.name: [tuple(row) for row in tx.execute(select(table))] for table in UNTOUCHED
        }
    )


def test_nothing_stays_on_any_database(api_on_each: Api, database: Database) -> None:
    site = Site(api_on_each)
    port = site.machine(9)
    before = counts(database)
    told = site.rehearse(
        {"method": "PUT", "path": f"/v2.0/ports/{port['id']}", "body": {"port": {"name": "x"}}},
        {
            "method": "POST",
            "path": "/v2.0/ports",
            "body": {"port": {"network_id": site.network_id}},
        },
        {"method": "POST", "path": "/v2.0/ports", "body": {"port": {"network_id": port["id"]}}},
        {"method": "DELETE", "path": f"/v2.0/ports/{port['id']}"},
        {"method": "DELETE", "path": f"/v2.0/networks/{site.network_id}"},
    )
    assert [one["status"] for one in told["answers"]] == [200, 201, 404, 204, 409]
    assert counts(database) == before
    assert api_on_each.show("port", port["id"])["name"] == "web9"


def test_a_new_gateway_restarts_nothing_and_is_heard_at_the_renewal(site: Site) -> None:
    port = site.machine(9)
    told = site.rehearse(site.change_subnet(gateway_ip="10.0.0.254"))
    (host,) = told["hosts"]
    assert (host["host"], host["network_name"], host["server"]) == (HOST, "lan", "reloads")
    (machine,) = told["machines"]
    assert machine["port_id"] == port["id"]
    assert (machine["effect"], machine["options"]) == ("hears", ["router"])
    assert told["totals"]["stopped"] == 0


def test_dhcp_switched_off_stops_the_server_and_its_machines_lose(site: Site) -> None:
    site.machine(9)
    told = site.rehearse(site.change_subnet(enable_dhcp=False))
    assert [one["server"] for one in told["hosts"]] == ["stops"]
    assert [one["effect"] for one in told["machines"]] == ["loses"]


def test_a_machine_that_gets_another_address_is_refused_at_its_renewal(site: Site) -> None:
    port = site.machine(9)
    site.lease(port, 2_000_000_000)
    moved = {"fixed_ips": [{"ip_address": "10.0.0.10"}]}
    path = f"/v2.0/ports/{port['id']}"
    told = site.rehearse({"method": "PUT", "path": path, "body": {"port": moved}})
    (host,) = told["hosts"]
    assert host["server"] == "reloads"
    actions = [(one["action"], one["what"]) for one in host["steps"]]
    assert ("release-lease", "10.0.0.9") in actions
    assert ("write-file", f"hosts/{port['id']}") in actions
    (machine,) = told["machines"]
    assert (machine["before"], machine["after"]) == (["10.0.0.9"], ["10.0.0.10"])
    assert (machine["effect"], machine["cut_off"], machine["has_lease"]) == ("moves", True, True)
    # The lease is of a day, as the service's setting says, and half of it is left.
    assert machine["until"] == "2033-05-17T15:33:20Z"
    felt = {name: count for name, count in told["totals"].items() if count}
    assert felt == {"moves": 1, "cut_off": 1, "stopped": 1}


def test_a_deleted_machines_address_ends_with_its_lease(site: Site) -> None:
    port = site.machine(9)
    site.lease(port, 2_000_000_000)
    told = site.rehearse({"method": "DELETE", "path": f"/v2.0/ports/{port['id']}"})
    (machine,) = told["machines"]
    assert (machine["port_name"], machine["effect"]) == ("web9", "loses")
    assert machine["until"] == "2033-05-18T03:33:20Z"
    assert not machine["cut_off"]


def test_a_deleted_agent_leaves_its_networks_to_others_and_its_bound_ports_served(
    site: Site,
) -> None:
    api = site.api
    api.create("port", network_id=site.network_id, mac_address="52:54:00:00:00:08")
    site.machine(9)
    assert api.call("GET", f"/agents/{site.agent_id}/dhcp-state").status_code == 200
    told = site.rehearse({"method": "DELETE", "path": f"/v2.0/agents/{site.agent_id}"})
    assert told["unserved"] == [site.network_id]
    assert [one["mac_address"] for one in told["machines"]] == ["52:54:00:00:00:08"]


def test_requests_see_what_those_before_them_did(site: Site) -> None:
    site.machine(9)
    wide = [{"start": "10.0.0.2", "end": "10.0.0.100"}]
    told = site.rehearse(
        site.change_subnet(gateway_ip="10.0.0.150"),
        site.change_subnet(allocation_pools=wide),
        site.change_subnet(gateway_ip="10.0.0.150"),
    )
    assert [one["status"] for one in told["answers"]] == [409, 200, 200]
    assert told["machines"][0]["options"] == ["router"]


def test_what_is_refused_is_not_recorded_and_a_key_is_not_taken(site: Site) -> None:
    body = {"dry_run": {"requests": [{"method": "DELETE", "path": "/v2.0/ports/no-such"}]}}
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        told = site.api.call("POST", "/dry-runs", body, headers=headers)
        assert told.json["dry_run"]["answers"][0]["status"] == 404
        assert "Idempotent-Replayed" not in told.headers
    events = site.api.call("GET", "/audit-events").json["audit_events"]
    assert not [one for one in events if "no-such" in one["path"] or "dry" in one["path"]]
    metrics = site.api.client.simulate_get("/metrics").text
    assert 'method="DELETE",route="/v2.0/ports/' not in metrics


def test_the_transaction_is_over_when_the_answer_is_there(site: Site) -> None:
    """Also where a request ended in a fault: the next write is no part of a rehearsal."""
    site.rehearse(site.change_subnet(gateway_ip="10.0.1.1"), site.change_subnet(name="x"))
    site.api.update("subnet", site.subnet["id"], name="real")
    assert site.api.show("subnet", site.subnet["id"])["name"] == "real"


@pytest.mark.parametrize("path", ["/v2.0/dry-runs", "/v2.0/dry%2Druns", "/healthcheck", "ports"])
def test_a_path_that_cannot_be_tried_is_refused(api: Api, path: str) -> None:
    body = {"dry_run": {"requests": [{"method": "POST", "path": path}]}}
    message = api.refused(400, "InvalidInput", "POST", "/dry-runs", body)
    assert path in message


def test_a_port_that_changes_hosts_loses_nothing(site: Site) -> None:
    port = site.machine(9)
    there = {"host": "cn2", "started_at": 1, "configurations": GUARDING}
    assert site.api.call("POST", "/agents", {"agent": there}).status_code == 200
    path, body = f"/v2.0/ports/{port['id']}", {"port": {"binding:host_id": "cn2"}}
    told = site.rehearse({"method": "PUT", "path": path, "body": body})
    assert told["machines"] == []
    assert {one["host"]: one["server"] for one in told["hosts"]} == {"cn2": "starts"}


def test_a_withdrawn_prefix_is_lost_by_machines_that_make_their_addresses(site: Site) -> None:
    six = site.api.create(
        "subnet",
        network_id=site.network_id,
        cidr="2001:db8::/64",
        ip_version=6,
        ipv6_ra_mode="slaac",
        ipv6_address_mode="slaac",
    )
    site.api.create("port", network_id=site.network_id, binding__host_id=HOST)
    told = site.rehearse({"method": "DELETE", "path": f"/v2.0/subnets/{six['id']}"})
    assert [one["server"] for one in told["hosts"]] == ["restarts"]
    assert [one["effect"] for one in told["machines"]] == ["loses"]


def test_the_guard_cuts_off_who_was_free_before_and_leaves_its_address(site: Site) -> None:
    port = site.machine(9, port_security_enabled=False)
    change = {"port_security_enabled": True, "fixed_ips": [{"ip_address": "10.0.0.10"}]}
    path = f"/v2.0/ports/{port['id']}"
    told = site.rehearse({"method": "PUT", "path": path, "body": {"port": change}})
    assert [one["cut_off"] for one in told["machines"]] == [True]
    kept = {"allowed_address_pairs": [{"ip_address": "10.0.0.9"}], **change}
    told = site.rehearse({"method": "PUT", "path": path, "body": {"port": kept}})
    assert [one["cut_off"] for one in told["machines"]] == [False]
