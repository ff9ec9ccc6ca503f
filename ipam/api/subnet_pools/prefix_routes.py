"""PUT of prefixes alone: adds them to a subnet pool, or removes them."""

from collections.abc import Mapping, Sequence

import falcon
from msgspec import Struct

from ipam.api.http import writing
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.api.subnet_pools.actions import SubnetPoolActions
from ipam.api.subnet_pools.scope_entry import enter_scope, require_own_scope
from ipam.api.subnet_pools.wire import KIND, Prefixes
from ipam.identity.caller import Caller
from ipam.rules import prefixes
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.store import address_scopes, subnet_pools
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Cidr


class PrefixesStruct(Struct):
    """The prefixes to add to a pool or to remove from it."""

    prefixes: Prefixes


class PrefixesRoute:
    """PUT of prefixes to add to a pool, or to remove from it."""

    def __init__(self, actions: SubnetPoolActions, service: Service, *, add: bool) -> None:
        self._actions = actions
        self._service = service
        self._change = added if add else removed
        self._words = "Add prefixes to" if add else "Take away unused prefixes from"

    @property
    def operations(self) -> Mapping[str, Operation]:
        changed = Operation(
            f"{self._words} a subnet pool",
            request=(({"prefixes": Prefixes}),),
            response={"prefixes": list[Cidr]},
            rule="update_subnetpool",
            row=KIND,
        )
        return {"PUT": changed}

    def on_put(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        body = read_json(req, self._service.settings.api.max_body_bytes)
        asked = parse(PrefixesStruct, body, method="PUT").result()
        caller = req.context.caller
        new = self._actions.change_prefixes(caller, resource_id, asked.prefixes, self._change)
        respond(resp, {"prefixes": new})


def added(
    tx: Transaction, caller: Caller, row: Record, present: Sequence[str], given: Sequence[str]
) -> list[str]:
    """The pool's prefixes and those of the body."""
    writing.raise_all(subnet_pool_rules.version_faults([*present, *given]))
    new = prefixes.compact([*present, *given])
    if row.address_scope_pk is not None and new != present:
        require_own_scope(tx, row, caller)
        enter_scope(tx, address_scopes.of_number(tx, row.address_scope_pk).id, row, new)
    return new


def removed(
    tx: Transaction, _caller: Caller, row: Record, present: Sequence[str], given: Sequence[str]
) -> list[str]:
    """The pool's prefixes without those of the body."""
    writing.raise_all(subnet_pool_rules.version_faults([*present, *given]))
    used = [cidr for cidr, _ in subnet_pools.allocations(tx, row.pk)]
    return subnet_pool_rules.shrunk(present, given, used)
