"""PUT that ends a lease before its time."""

from collections.abc import Mapping

import falcon

from ipam import model
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.leases.wire import KIND, LeaseView
from ipam.api.service import Service
from ipam.errors import LeaseOfMachine
from ipam.model import SLAAC_LEASE
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.leases import releases
from ipam.store.tables import lease


class LeaseReleaseRoute:
    """Asks the lease's agent to end it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "PUT": Operation(
                "Ask the host of a lease to end it; the lease is gone when its event arrives",
                response={KIND.name: LeaseView},
                rule="release_lease",
            )
        }

    def on_put(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        def ask(tx: Transaction) -> LeaseView:
            row = rows.lock(tx, lease, resource_id)
            if row is None:
                raise KIND.missing(resource_id)
            if row.source == SLAAC_LEASE:
                raise LeaseOfMachine(
                    f"{model.unpack(row.ip_address)} was made by its machine and given by no DHCP"
                    " server, so none can end it."
                )
            releases.ask(tx, row.pk)
            self._service.wakes.after(tx, hosts=[row.host])
            view: LeaseView = KIND.show(tx, resource_id)
            return view

        respond(resp, {KIND.name: self._service.database.write(ask)})
