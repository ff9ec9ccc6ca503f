"""Questions about what a port's machine would get by DHCP, and the agents' answers."""

from collections.abc import Mapping
from typing import Annotated

import falcon
from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.ports.wire import KIND
from ipam.api.service import Service
from ipam.errors import PortProbeNotFound
from ipam.protocol.probes import Offered
from ipam.store import port_probes
from ipam.store.engine.database import Transaction
from ipam.store.engine.write_again import write_again
from ipam.values import Name, Uuid


class ProbeAnswerView(Struct):
    """What the agent of one host found out."""

    host: Annotated[Name, Meta(description="The agent's host.")]
    offers: Annotated[list[Offered], Meta(description="One for each subnet with DHCP.")]
    trouble: Annotated[
        str, Meta(description="Why nobody could be asked; empty if the DHCP server was.")
    ]


class ProbeView(Struct):
    """A question and the answers that have come so far."""

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    port_id: Annotated[Uuid, Meta(description="The port that it is about.")]
    asked_at: Annotated[str, Meta(description="When it was asked, in UTC.")]
    answers: Annotated[
        list[ProbeAnswerView], Meta(description="One for each agent that has answered.")
    ]


class ProbeRoute:
    """POST of a question about a port, which replaces its last one; GET of the answers."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "Show what agents answered to the last question about a port",
                response={"probe": ProbeView},
                rule="get_port_probe",
                row=KIND,
            ),
            "POST": Operation(
                "Have the agents that serve a port ask its DHCP server what its machine would get",
                status=202,
                response={"probe": ProbeView},
                rule="create_port_probe",
                row=KIND,
            ),
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        view = self.service.database.read(lambda tx: _last(tx, resource_id))
        respond(resp, {"probe": view})

    def on_post(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        def write(tx: Transaction) -> ProbeView:
            network_pk = port_probes.ask(tx, resource_id)
            if network_pk is None:
                raise KIND.missing(resource_id)
            self.service.wakes.for_news(tx, network_pk)
            return _last(tx, resource_id)

        resp.status = falcon.HTTP_202
        respond(resp, {"probe": write_again(self.service.database, write)})


def _last(tx: Transaction, port_id: str) -> ProbeView:
    row = port_probes.last(tx, port_id)
    if row is None:
        raise PortProbeNotFound(f"Nobody has asked yet what port {port_id} would get.")
    answers = [ProbeAnswerView(host=host, **row.answers[host]) for host in sorted(row.answers)]
    return ProbeView(row.id, port_id, model.iso_time(row.asked_at), answers)
