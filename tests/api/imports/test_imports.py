"""An import is applied whole or not at all, keeps ids, and is undone but for what changed."""

from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, Api
from tests.changed_settings import changed

NETWORK_ID = "11111111-1111-4111-8111-111111111111"
PORT_ID = "31111111-1111-4111-8111-111111111111"

ESTATE: dict[str, Any] = {
    "format": "dnsmasq",
    "source": "/etc/dnsmasq.conf",
    "networks": [{"ref": "lan", "id": NETWORK_ID, "body": {"name": "lan"}}],
    "subnets": [
        {
            "network": "lan",
            "server_address": "192.0.2.2",
            "body": {
                "cidr": "192.0.2.0/24",
                "ip_version": 4,
                "allocation_pools": [{"start": "192.0.2.100", "end": "192.0.2.110"}],
            },
        }
    ],
    "ports": [
        {
            "network": "lan",
            "id": PORT_ID,
            "body": {
                "name": "web",
                "mac_address": "52:54:00:00:00:01",
                "fixed_ips": [{"ip_address": "192.0.2.100"}],
            },
        }
    ],
    "report": ["create port web (dnsmasq.conf:3)"],
}


def apply(api: Api, **changes: Any) -> Any:
    return api.call("POST", "/imports", {"import": ESTATE | changes})


def test_ids_are_kept_and_the_server_has_the_old_servers_address(api: Api) -> None:
    made = apply(api)
    assert made.status_code == 201, made.text
    view = made.json["import"]
    assert (view["networks"], view["subnets"], view["ports"]) == (1, 1, 1)
    assert api.show("network", NETWORK_ID)["name"] == "lan"
    port = api.show("port", PORT_ID)
    assert port["fixed_ips"][0]["ip_address"] == "192.0.2.100"
    (own,) = [one for one in api.list("port") if one["device_owner"] == "network:dhcp"]
    assert [one["ip_address"] for one in own["fixed_ips"]] == ["192.0.2.2"]


def test_a_port_of_a_host_without_an_agent_is_named_by_its_own_id(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    (port,) = ESTATE["ports"]
    bound = {**port, "body": {**port["body"], "binding:host_id": "unheard"}}
    assert apply(api, ports=[bound]).status_code == 201
    assert f"port {PORT_ID} is bound to host unheard" in caplog.text


def test_the_servers_address_is_none_of_the_estates(api: Api) -> None:
    subnet = {**ESTATE["subnets"][0], "server_address": None}
    assert apply(api, subnets=[subnet]).status_code == 201
    (own,) = [one for one in api.list("port") if one["device_owner"] == "network:dhcp"]
    assert [one["ip_address"] for one in own["fixed_ips"]] == ["192.0.2.101"]


def test_one_fault_leaves_nothing_behind(api: Api) -> None:
    second = {"network": "lan", "body": {"fixed_ips": [{"ip_address": "192.0.2.100"}]}}
    refused = apply(api, ports=[*ESTATE["ports"], second])
    assert refused.status_code == 409
    assert api.list("network") == api.list("port") == api.list("subnet") == []
    assert api.call("GET", "/imports").json["imports"] == []


def test_an_id_that_is_there_is_refused_by_name(api: Api) -> None:
    assert apply(api).status_code == 201
    again = apply(api)
    assert again.status_code == 409
    assert NETWORK_ID in again.json["NeutronError"]["message"]


def test_faults_of_the_body_are_named(api: Api) -> None:
    refused = api.call("POST", "/imports", {"import": {"format": 1, "ports": [{"network": 2}]}})
    assert refused.status_code == 400
    message = refused.json["NeutronError"]["message"]
    assert "format" in message
    assert "body" in message


def test_an_undo_removes_what_was_made(api: Api) -> None:
    import_id = apply(api).json["import"]["id"]
    undone = api.call("PUT", f"/imports/{import_id}/undo").json["undone"]
    assert undone == {"removed": 3, "kept": []}
    assert api.list("network") == api.list("port") == []
    assert api.call("GET", f"/imports/{import_id}").json["import"]["undone_at"]
    again = api.call("PUT", f"/imports/{import_id}/undo")
    assert again.status_code == 409
    assert again.json["NeutronError"]["type"] == "ImportUndone"


def test_an_undo_keeps_what_was_changed_and_what_that_stands_on(api: Api) -> None:
    import_id = apply(api).json["import"]["id"]
    api.update("port", PORT_ID, name="mine")
    undone = api.call("PUT", f"/imports/{import_id}/undo").json["undone"]
    assert undone["removed"] == 0
    assert [one["kind"] for one in undone["kept"]] == ["port", "subnet", "network"]
    assert undone["kept"][0]["reason"] == "it was changed since"
    assert api.show("port", PORT_ID)["name"] == "mine"


def test_what_follows_from_something_else_is_no_change_to_an_undo(
    settings: Settings, sqlite: Database
) -> None:
    settings = changed(settings, "network", dns_domain="site.example.")
    api = Api(create_app(settings, authenticate=lambda _environ: ADMIN, database=sqlite))
    router = {
        "network": "lan",
        "body": {
            "device_owner": "network:router_interface",
            "fixed_ips": [{"ip_address": "192.0.2.1"}],
        },
    }
    import_id = apply(api, ports=[*ESTATE["ports"], router]).json["import"]["id"]
    (subnet,) = api.list("subnet")
    assert subnet["gateway_served"], "only while the router has its port"
    (assignment,) = api.show("port", PORT_ID)["dns_assignment"]
    assert assignment["fqdn"].endswith(".site.example.")
    undone = api.call("PUT", f"/imports/{import_id}/undo").json["undone"]
    assert undone == {"removed": 4, "kept": []}


def test_the_report_is_kept(api: Api) -> None:
    import_id = apply(api).json["import"]["id"]
    assert api.call("GET", f"/imports/{import_id}/report").json == {"report": ESTATE["report"]}
    missing = api.call("GET", f"/imports/{NETWORK_ID}/report")
    assert missing.status_code == 404
    assert missing.json["NeutronError"]["type"] == "ImportNotFound"
    assert api.call("PUT", f"/imports/{NETWORK_ID}/undo").status_code == 404


def test_each_database_takes_an_import_and_its_undo(api_on_each: Api) -> None:
    import_id = apply(api_on_each).json["import"]["id"]
    assert api_on_each.call("PUT", f"/imports/{import_id}/undo").json["undone"]["removed"] == 3
