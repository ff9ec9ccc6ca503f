"""Takes agents' reports of machines that their DHCP servers did not answer."""

from collections.abc import Mapping
from typing import Any

import falcon
import msgspec

from ipam.api.agents.lookup import known
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.protocol.refusals import SeenRefusal, SeenRefusals
from ipam.store import dhcp_refusals
from ipam.store.engine.database import Transaction
from ipam.store.engine.write_again import write_again


class AgentRefusalsRoute:
    """POST of the machines whose count has changed."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Tell of machines that DHCP did not answer, each in the place of what was told",
                request=({"dhcp_refusals": list[SeenRefusal]},),
                response={"recorded": int},
                rule="create_dhcp_state",
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self.service.settings.api.max_body_bytes)
        given = parse(SeenRefusals, body).result()
        by_network: dict[str, dict[str, dict[str, Any]]] = {}
        for one in given.dhcp_refusals:
            content = msgspec.to_builtins(one)
            content["times"] = content.pop("count")
            by_network.setdefault(content.pop("network_id"), {})[one.client] = content

        def write(tx: Transaction) -> int:
            host = known(tx, resource_id).host
            return sum(
                dhcp_refusals.record(tx, host, network_id, list(by_network[network_id].values()))
                for network_id in sorted(by_network)
            )

        respond(resp, {"recorded": write_again(self.service.database, write)})
