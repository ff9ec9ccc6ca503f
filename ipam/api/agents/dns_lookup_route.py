"""Questions about what a network's resolver on one host answers, and the agent's answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import falcon
import msgspec
from msgspec import Meta, Struct

from ipam import clock, model
from ipam.api.agents.lookup import known
from ipam.api.agents.wire import kind
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.networks import wire as network_wire
from ipam.api.service import Service
from ipam.errors import DnsLookupNotFound
from ipam.protocol.dns_lookups import (
    MOST_QUESTIONS,
    AskedLookup,
    LookupAnswer,
    Question,
    ResolverAnswer,
)
from ipam.store import agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Uuid

RULE: Final = "create_dhcp_state"


class LookupCreate(Struct):
    network_id: Annotated[Uuid, Meta(description="The network whose resolver is asked.")]
    questions: Annotated[
        list[Question],
        Meta(
            max_length=MOST_QUESTIONS,
            description="Names, and addresses for their names.",
        ),
    ]


class LookupView(Struct):
    """A question to an agent, with its answer once it has come."""

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    network_id: Annotated[Uuid, Meta(description="The network whose resolver is asked.")]
    asked_at: Annotated[str, Meta(description="When it was asked, in UTC.")]
    answers: Annotated[
        list[ResolverAnswer] | None,
        Meta(description="What the resolver said to each question; null until the agent answers."),
    ]
    trouble: Annotated[str, Meta(description="Why it could not be asked; empty if it was.")] = ""


class DnsLookupRoute:
    """POST of a question to an agent, which replaces its last one; GET of the answer."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._kind = kind(service)

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer = {"dns_lookup": LookupView}
        return {
            "GET": Operation(
                "Show what an agent answered to its last question about names",
                response=answer,
                rule="get_agent_dns_lookup",
                row=self._kind,
            ),
            "POST": Operation(
                "Have an agent ask a network's resolver on its host",
                status=202,
                request=({"dns_lookup": LookupCreate},),
                response=answer,
                rule="create_agent_dns_lookup",
                row=self._kind,
            ),
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        def read(tx: Transaction) -> LookupView:
            last = self._kind.row(tx, resource_id).dns_lookup
            if last is None:
                raise DnsLookupNotFound(f"Nobody has asked agent {resource_id} about names yet.")
            return _view(last)

        respond(resp, {"dns_lookup": self.service.database.read(read)})

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), "dns_lookup")
        asked = parse(LookupCreate, body, known=LookupView).result()

        def write(tx: Transaction) -> LookupView:
            self._kind.row(tx, resource_id)  # raises if there is no such agent
            network = network_wire.KIND.row(tx, asked.network_id)
            new = {
                "id": model.new_id(),
                "asked_at": clock.now_seconds(),
                "network_id": network.id,
                "questions": asked.questions,
                "answer": None,
            }
            agents.change(tx, resource_id, {"dns_lookup": new})
            self.service.wakes.for_news(tx, network.pk)
            return _view(new)

        resp.status = falcon.HTTP_202
        respond(resp, {"dns_lookup": self.service.database.write(write)})


class DnsAnswersRoute:
    """POST of an agent's answers."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Answer a question about what a network's resolver says",
                status=204,
                request=({"dns_answer": LookupAnswer},),
                rule=RULE,
                of_host=True,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), "dns_answer")
        given = parse(LookupAnswer, body).result()

        def write(tx: Transaction) -> None:
            last = known(tx, resource_id, req.context.access, RULE).dns_lookup
            if last is not None and last["id"] == given.id:
                answered = last | {"answer": msgspec.to_builtins(given)}
                agents.change(tx, resource_id, {"dns_lookup": answered})

        self.service.database.write(write)
        resp.status = falcon.HTTP_204


def open_lookups(agent: Record) -> list[AskedLookup]:
    """The question that waits for the agent's answer, if there is one."""
    last = agent.dns_lookup
    if last is None or last["answer"] is not None:
        return []
    if last["asked_at"] < clock.now_seconds() - agents.KEPT_SECONDS:
        return []
    return [AskedLookup(last["id"], last["network_id"], last["questions"])]


def _view(last: Mapping[str, Any]) -> LookupView:
    answer = last["answer"]
    read = msgspec.convert(answer, LookupAnswer) if answer is not None else None
    return LookupView(
        last["id"],
        last["network_id"],
        model.iso_time(last["asked_at"]),
        read.answers if read else None,
        read.trouble if read else "",
    )
