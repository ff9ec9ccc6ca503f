"""`ipam lease refusals`: the machines that ask DHCP in vain."""

import json

from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi


def test_machines_that_ask_in_vain_are_listed_by_network_host_and_mac(
    local: Ipam, api: LiveApi
) -> None:
    for name in ("demo", "other"):
        local("network", "create", name)
    networks = json.loads(local("network", "list", "-f", "json").out)
    ids = {one["Name"]: one["ID"] for one in networks}
    with Client(socket_path=api.socket) as client:
        agent = {"agent": {"host": "node-7", "started_at": 0, "agent_type": "DHCP agent"}}
        path = f"/v2.0/agents/{client.post('/v2.0/agents', json=agent)['agent']['id']}"
        told = [
            {
                "network_id": network_id,
                "client": f"fa:16:3e:00:00:0{number}",
                "reason": "no address available",
                "count": number,
                "first_at": 100,
                "last_at": 200,
            }
            for number, network_id in enumerate(ids.values(), 1)
        ]
        client.post(f"{path}/dhcp-refusals", json={"dhcp_refusals": told})
    found = json.loads(local("lease", "refusals", "-f", "json").out)
    assert {(one["Machine"], one["Count"]) for one in found} == {
        ("fa:16:3e:00:00:01", 1),
        ("fa:16:3e:00:00:02", 2),
    }
    for words in (("--network", "demo"), ("--mac", "fa:16:3e:00:00:01", "--host", "node-7")):
        (one,) = json.loads(local("lease", "refusals", *words, "-f", "json").out)
        assert one["Reason"] == "no address available"
    nobody = local("lease", "refusals", "--host", "nowhere")
    assert (nobody.status, nobody.err.strip()) == (0, "No dhcp refusals.")
