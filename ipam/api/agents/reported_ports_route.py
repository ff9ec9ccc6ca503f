"""Agents' reports of ports: DHCP would answer them, or their taps are not on the host."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import falcon

from ipam.api.agents.lookup import known
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.compute.outbox import ComputeOutbox
from ipam.protocol.reports import SeenPort, SeenPorts
from ipam.store import port_reports
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.port_reports import Reported

RULE: Final = "create_dhcp_state"


@dataclass(frozen=True, slots=True)
class Report:
    """A kind of report. `word` is the answer's key for the ports for which it is true."""

    word: str
    summary: str
    record: Callable[[Transaction, Record, Mapping[str, int]], Reported]
    """Store the report for the agent's ports that have these revisions."""
    post: Callable[[ComputeOutbox, Transaction, Sequence[Record]], None]
    """Note the events for the ports for which it is new."""


READY: Final = Report(
    "ready",
    "Make ports ACTIVE that are ready and did not change since",
    port_reports.make_ready,
    ComputeOutbox.ready,
)
DOWN: Final = Report(
    "down",
    "Make ports DOWN that are not served, or have no tap on the host, and did not change since",
    port_reports.make_down,
    ComputeOutbox.unplugged,
)


class ReportedPortsRoute:
    """POST of the ports of which an agent found the same."""

    def __init__(self, service: Service, report: Report) -> None:
        self.service = service
        self.report = report

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                self.report.summary,
                request=({"ports": list[SeenPort]},),
                response={self.report.word: list[str], "ignored": list[str]},
                rule=RULE,
                of_host=True,
                in_recovery=True,  # revisions of before match nothing
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self.service.settings.api.max_body_bytes)
        given = parse(SeenPorts, body).result()
        revisions = {port.id: port.revision_number for port in given.ports}

        def write(tx: Transaction) -> list[str]:
            agent = known(tx, resource_id, req.context.access, RULE)
            reported = self.report.record(tx, agent, revisions)
            self.report.post(self.service.outbox, tx, reported.just_now)
            return reported.ids

        true_of = self.service.database.write(write)
        ignored = sorted(revisions.keys() - set(true_of))
        respond(resp, {self.report.word: true_of, "ignored": ignored})
