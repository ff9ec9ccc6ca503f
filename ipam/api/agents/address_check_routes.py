"""Questions about who uses addresses of a network, and the agents' answers."""

from collections.abc import Mapping
from typing import Annotated, Final

import falcon
import msgspec
from msgspec import Meta, Struct

from ipam import model
from ipam.api.agents.lookup import known
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.networks import wire as network_wire
from ipam.api.service import Service
from ipam.errors import AddressCheckNotFound
from ipam.protocol.address_checks import (
    MOST_ADDRESSES,
    AddressCheckAnswer,
    AnsweringMachine,
    AskedAddressCheck,
)
from ipam.store import address_checks, agents
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, Name, Uuid

RULE: Final = "create_dhcp_state"
NAME: Final = "address_check"
_ASKED: Final = Meta(description="The addresses that are asked about.")


class AddressCheckCreate(Struct):
    ip_addresses: Annotated[list[IpAddress], _ASKED, Meta(max_length=MOST_ADDRESSES)]


class HostAnswer(Struct):
    """What the agent of one host heard."""

    host: Annotated[Name, Meta(description="The agent's host.")]
    machines: Annotated[
        list[AnsweringMachine], Meta(description="The machines that answered for the addresses.")
    ]
    trouble: Annotated[str, Meta(description="Why nobody could be asked; empty if all were.")]


class AddressCheckView(Struct):
    """A question, and the answers that have come so far."""

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    network_id: Annotated[Uuid, Meta(description="The network whose machines are asked.")]
    ip_addresses: Annotated[list[str], _ASKED]
    asked_at: Annotated[str, Meta(description="When it was asked, in UTC.")]
    hosts: Annotated[
        list[Name],
        Meta(description="The hosts that are to look; none if no living agent has the network."),
    ]
    answers: Annotated[list[HostAnswer], Meta(description="One for each that has looked.")]


class AddressChecksRoute:
    """POST of a question about addresses of a network."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Have the agents of a network's hosts ask by ARP and ND who uses addresses",
                status=202,
                request=({NAME: AddressCheckCreate},),
                response={NAME: AddressCheckView},
                rule="create_network_address_check",
                row=network_wire.KIND,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        settings = self._service.settings
        body = unwrap(read_json(req, settings.api.max_body_bytes), NAME)
        asked = parse(AddressCheckCreate, body, known=AddressCheckView).result()

        def write(tx: Transaction) -> AddressCheckView:
            network = network_wire.KIND.row(tx, resource_id)
            check_id = address_checks.ask(
                tx,
                network.pk,
                list(dict.fromkeys(asked.ip_addresses)),
                oldest_heartbeat=agents.oldest_heartbeat(settings.network.agent_down_time),
            )
            self._service.wakes.for_news(tx, network.pk)
            return _found(tx, network, check_id)

        resp.status = falcon.HTTP_202
        respond(resp, {NAME: self._service.database.write(write)})


class AddressCheckRoute:
    """GET of a question with its answers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "Show what hosts heard of who uses addresses; it is kept for a day",
                response={NAME: AddressCheckView},
                rule="get_network_address_check",
                row=network_wire.KIND,
            )
        }

    def on_get(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, check_id: str
    ) -> None:
        def read(tx: Transaction) -> AddressCheckView:
            return _found(tx, network_wire.KIND.row(tx, resource_id), check_id)

        respond(resp, {NAME: self._service.database.read(read)})


class AgentAddressChecksRoute:
    """POST of an agent's answer."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Answer a question about who uses addresses",
                status=204,
                request=({NAME: AddressCheckAnswer},),
                rule=RULE,
                of_host=True,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = unwrap(read_json(req, self._service.settings.api.max_body_bytes), NAME)
        given = parse(AddressCheckAnswer, body).result()
        told = msgspec.to_builtins(given)
        check_id = told.pop("id")

        def write(tx: Transaction) -> None:
            agent = known(tx, resource_id, req.context.access, RULE)
            address_checks.answer(tx, agent.host, check_id, told)

        self._service.database.write(write)
        resp.status = falcon.HTTP_204


def open_checks(tx: Transaction, agent: Record, most: int) -> list[AskedAddressCheck]:
    """The questions that wait for the agent's answer."""
    found = address_checks.waiting(tx, agent.host, most)
    return [AskedAddressCheck(row.id, row.network_id, row.ip_addresses) for row in found]


def _found(tx: Transaction, network: Record, check_id: str) -> AddressCheckView:
    row = address_checks.find(tx, network.pk, check_id)
    if row is None:
        raise AddressCheckNotFound(
            f"There is no question {check_id} about addresses of network {network.id}."
        )
    answers = [
        msgspec.convert({"host": host, **row.answers[host]}, HostAnswer)
        for host in sorted(row.answers)
    ]
    asked_at = model.iso_time(row.asked_at)
    return AddressCheckView(row.id, network.id, row.ip_addresses, asked_at, row.hosts, answers)
