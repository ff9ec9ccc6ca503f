"""PUT of parts splits a subnet, PUT of other subnets makes them a part of it."""

from collections.abc import Callable, Mapping
from typing import Any

import falcon

from ipam.api.http import writing
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.http.routes import wanted_revision
from ipam.api.service import Service
from ipam.api.subnets import merging, splitting
from ipam.api.subnets.actions import lock_network_of
from ipam.api.subnets.cut_wire import Merge, MergeStruct, SplitStruct, SubnetPart
from ipam.api.subnets.wire import KIND, SubnetView, views
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.engine.reading import read_many


class SplitRoute:
    """PUT of the parts that a subnet is split into."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        split = Operation(
            "Split a subnet into parts, in which its ports keep their addresses",
            request=({"subnets": list[SubnetPart]},),
            response={"subnets": list[SubnetView]},
            rule="update_subnet",
            row=KIND,
        )
        return {"PUT": split}

    def on_put(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self._service.settings.api.max_body_bytes)
        asked = parse(SplitStruct, body, method="PUT").result()

        def work(tx: Transaction, network: Record, row: Record) -> list[SubnetView]:
            pks = splitting.split(self._service, tx, network, row, asked.subnets)
            return views(tx, read_many(tx, KIND.rows, pks))

        revision = wanted_revision(req)
        respond(resp, {"subnets": _changed(self._service, resource_id, revision, work)})


class MergeRoute:
    """PUT of the subnets that become a part of a subnet."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        merged = Operation(
            "Make one subnet of several, in which their ports keep their addresses",
            request=({"subnet": Merge},),
            response={"subnet": SubnetView},
            rule="update_subnet",
            row=KIND,
        )
        return {"PUT": merged}

    def on_put(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self._service.settings.api.max_body_bytes)
        asked = parse(MergeStruct, body, method="PUT").result()

        def work(tx: Transaction, network: Record, row: Record) -> SubnetView:
            merging.merge(self._service, tx, network, row, asked.subnet)
            view: SubnetView = KIND.show(tx, resource_id)
            return view

        revision = wanted_revision(req)
        respond(resp, {"subnet": _changed(self._service, resource_id, revision, work)})


def _changed(
    service: Service,
    subnet_id: str,
    revision: int | None,
    work: Callable[[Transaction, Record, Record], Any],
) -> Any:
    """What the work gives, with the network and the subnet locked."""

    def locked(tx: Transaction) -> Any:
        network = lock_network_of(tx, subnet_id)
        missing = KIND.missing(subnet_id)
        row = writing.locked(tx, tables.subnet, subnet_id, revision, missing)
        result = work(tx, network, row)
        if row.dns_publish_fixed_ip:
            service.zones.zones_changed(tx)
        service.wakes.after(tx, network.pk)
        return result

    return service.database.write(locked)
