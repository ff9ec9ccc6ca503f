"""Takes agents' reports of machines that their DHCP servers did not answer."""

from collections.abc import Mapping
from typing import Any, Final

import falcon
import msgspec

from ipam.api.agents.lookup import known
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.protocol.refusals import SeenRefusal, SeenRefusals
from ipam.store import dhcp_refusals, served_networks
from ipam.store.engine.database import Transaction
from ipam.store.engine.write_again import write_again

RULE: Final = "create_dhcp_state"


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
                rule=RULE,
                of_host=True,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        access = req.context.access
        body = read_json(req, self.service.settings.api.max_body_bytes)
        given = parse(SeenRefusals, body).result()
        by_network: dict[str, dict[str, dict[str, Any]]] = {}
        for one in given.dhcp_refusals:
            content = msgspec.to_builtins(one)
            content["times"] = content.pop("count")
            by_network.setdefault(content.pop("network_id"), {})[one.client] = content

        def write(tx: Transaction) -> int:
            agent = known(tx, resource_id, access, RULE)
            told_of = list(by_network)
            if access.caller.host:
                told_of = [*served_networks.served_ids(tx, agent, told_of)]
            return sum(
                dhcp_refusals.record(
                    tx, agent.host, network_id, list(by_network[network_id].values())
                )
                for network_id in sorted(told_of)
            )

        respond(resp, {"recorded": write_again(self.service.database, write)})
