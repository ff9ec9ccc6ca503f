"""The path of dry runs."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import falcon

from ipam.api.dry_runs.rehearsing import Application, Observed, rehearse
from ipam.api.dry_runs.wire import MACHINES_MAX, DryRunCreate, DryRunView
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation, Route
from ipam.api.service import Service
from ipam.errors import InvalidInput
from ipam.store import address_holders, agents, networks
from ipam.store.engine.database import Transaction

PATH: Final = "/v2.0/dry-runs"
API: Final = "/v2.0/"


class DryRunsRoute:
    """POST of requests that are carried out, looked at, and undone."""

    def __init__(self, service: Service, application: Application | None) -> None:
        self._service = service
        self._application = application

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Tell what requests would do to hosts and machines, and do nothing",
                request=({"dry_run": DryRunCreate},),
                response={"dry_run": DryRunView},
                rule="create_dry_run",
                changes_nothing=True,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        service = self._service
        body = unwrap(read_json(req, service.settings.api.max_body_bytes), "dry_run")
        asked = parse(DryRunCreate, body, known=DryRunView).result()
        for number, one in enumerate(asked.requests):
            if not one.path.startswith(API) or unquote(one.path).startswith(PATH):
                raise InvalidInput(
                    f"Invalid input for requests. Reason: the path of [{number}], {one.path!r},"
                    f" is none below {API} that a dry run can try."
                )
        assert self._application is not None, "the route was made to be described alone"
        observed = rehearse(
            service.database,
            self._application,
            req.env,
            asked.requests,
            service.settings.network,
        )
        respond(resp, {"dry_run": self._told(observed)})

    def _told(self, observed: Observed) -> DryRunView:
        # The agent's plan and jinja2 are 5 MB, which a service that is never asked does not need.
        from ipam.api.dry_runs import answering  # noqa: PLC0415  # see above

        hosts = answering.hosts_of(observed.agents)
        changed = answering.changed(observed)
        before = answering.looks(observed.before, hosts, changed)
        after = answering.looks(observed.after, hosts, changed)
        felt = answering.feelings(observed, before, after)
        most = felt[:MACHINES_MAX]
        ports, names, lacking = self._names(observed, [one.port.id for _, one in most])
        down_time = self._service.settings.network.agent_down_time
        return DryRunView(
            answers=list(observed.answers),
            hosts=answering.host_forecasts(
                observed,
                before,
                after,
                names,
                oldest_heartbeat=agents.oldest_heartbeat(down_time),
            ),
            unserved=lacking,
            machines=[
                answering.machine(network_id, one, ports.get(one.port.id, ""))
                for network_id, one in most
            ],
            totals=answering.totals([one for _, one in felt]),
        )

    def _names(
        self, observed: Observed, port_ids: list[str]
    ) -> tuple[Mapping[str, str], Mapping[str, str], list[str]]:
        """Of ports and of networks, by id, and the ids of networks that lack an agent."""
        ids = {network_id for _, network_id in (*observed.before, *observed.after)}

        def read(tx: Transaction) -> tuple[Mapping[str, str], Mapping[str, str], list[str]]:
            ports = address_holders.names_of_ports(tx, set(port_ids)) if port_ids else {}
            lacking = networks.ids(tx, observed.newly_lacking)
            return ports, networks.names(tx, sorted(ids)), lacking

        return self._service.database.read(read)


def routes(service: Service, application: Application | None) -> list[tuple[str, Route]]:
    """The path with its route. Without an application it can only be described."""
    return [(PATH, DryRunsRoute(service, application))]
