"""Takes agents' answers to questions about what ports' machines would get."""

from collections.abc import Mapping
from typing import Final

import falcon
import msgspec

from ipam.api.agents.lookup import known
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.protocol.probes import ProbeAnswer, ProbeAnswers
from ipam.store import port_probes
from ipam.store.engine.database import Transaction

RULE: Final = "create_dhcp_state"


class AgentProbesRoute:
    """POST of an agent's answers."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Answer questions about what ports' machines would get",
                request=({"probes": list[ProbeAnswer]},),
                response={"probes": list[str]},
                rule=RULE,
                of_host=True,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self.service.settings.api.max_body_bytes)
        given = parse(ProbeAnswers, body).result()
        answers = {}
        for one in given.probes:
            content = msgspec.to_builtins(one)
            answers[content.pop("id")] = content

        def write(tx: Transaction) -> list[str]:
            return port_probes.answer(
                tx, known(tx, resource_id, req.context.access, RULE), answers
            )

        respond(resp, {"probes": self.service.database.write(write)})
