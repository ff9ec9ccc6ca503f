"""Where a network is, by what the agents of its hosts say."""

from typing import Any

from tests.api.caller import Api

SAID: dict[str, Any] = {
    "bridge": "brq1",
    "wire": "vxlan-7",
    "state": "up",
    "peers": ["192.0.2.12"],
    "taps": 2,
    "guarded": 1,
}


def report(api: Api, host: str, **more: Any) -> None:
    body = {"agent": {"host": host, "started_at": 1} | more}
    assert api.call("POST", "/agents", body).status_code == 200


def hosts(api: Api, network: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("GET", f"/networks/{network['id']}/hosts").json["hosts"]
    return found


def test_a_network_is_on_the_hosts_of_its_ports_as_their_agents_say(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    for host in ("node-a", "node-a", "node-b", "node-c"):
        api.create("port", network_id=network["id"], binding__host_id=host)
    api.create("port", network_id=network["id"])
    tunnel: dict[str, Any] = {"tunnel_types": ["vxlan"], "tunneling_ip": "192.0.2.11"}
    tunnel["guard"] = {"port_filter": True}
    report(api, "node-a", configurations=tunnel, networks={network["id"]: SAID})
    report(api, "node-b", networks={network["id"]: {"state": "down", "fault": "No uplink."}})
    report(api, "node-d", networks={network["id"]: SAID})
    a, b, c = hosts(api, network)
    assert a == SAID | {
        "host": "node-a",
        "alive": True,
        "ports": 2,
        "fault": "",
        "tunneling_ip": "192.0.2.11",
        "port_filter": True,
    }
    assert (b["host"], b["state"], b["fault"]) == ("node-b", "down", "No uplink.")
    assert (c["host"], c["state"], c["alive"], c["ports"]) == ("node-c", "unknown", False, 1)
    report(api, "node-a", configurations=tunnel)
    assert hosts(api, network)[0] == a, "a report that leaves networks out changes none"
    report(api, "node-a", networks={})
    assert hosts(api, network)[0]["state"] == "unknown"


def test_what_an_agent_of_another_version_says_is_unknown(api: Api) -> None:
    network = api.create("network")
    api.create("port", network_id=network["id"], binding__host_id="node-a")
    strange: tuple[Any, ...] = (7, [], {"peers": 7}, {"state": "sideways"}, {"state": None}, None)
    for said in strange:
        report(api, "node-a", networks={network["id"]: said})
        (found,) = hosts(api, network)
        assert found["state"] == "unknown"
    report(api, "node-a", networks={network["id"]: SAID | {"more": 1}})
    assert hosts(api, network)[0]["state"] == "up"


def test_what_an_agent_says_of_networks_is_bounded_and_in_no_list_of_agents(api: Api) -> None:
    network = api.create("network")
    report(api, "node-a", networks={network["id"]: SAID})
    assert "networks" not in api.list("agent")[0]
    api.refused(404, "NetworkNotFound", "GET", "/networks/nowhere/hosts")
    too_long = {"agent": {"host": "b", "started_at": 1, "networks": {"x": "y" * 600_000}}}
    api.refused(400, "HTTPBadRequest", "POST", "/agents", too_long)
