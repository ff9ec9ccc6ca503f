"""A text that a request may carry fits into its column. SQLite would not say that it does not."""

from typing import Final

import pytest
import sqlalchemy as sa
from msgspec import Struct, inspect

from ipam.api.agents.wire import AgentUpdate
from ipam.api.imports.wire import ImportCreate
from ipam.api.networks.wire import NetworkCreate, NetworkUpdate
from ipam.api.ports.binding_wire import BindingCreate, BindingUpdate
from ipam.api.ports.wire import PortCreate, PortUpdate
from ipam.api.projects.rbac_policy_wire import RbacPolicyCreate
from ipam.api.subnet_pools.address_scope_wire import AddressScopeCreate, AddressScopeUpdate
from ipam.api.subnet_pools.wire import SubnetPoolCreate, SubnetPoolUpdate
from ipam.api.subnets.wire import SubnetCreate, SubnetUpdate
from ipam.protocol.refusals import SeenRefusal
from ipam.protocol.reports import AgentReport
from ipam.store import tables
from ipam.values import uuid

UUID_LENGTH: Final = 36
STORED: Final[list[tuple[type[Struct], sa.Table]]] = [
    (AddressScopeCreate, tables.address_scope),
    (AddressScopeUpdate, tables.address_scope),
    (AgentReport, tables.agent),
    (AgentUpdate, tables.agent),
    (BindingCreate, tables.port_binding),
    (BindingUpdate, tables.port_binding),
    (ImportCreate, tables.import_run),
    (NetworkCreate, tables.network),
    (NetworkUpdate, tables.network),
    (PortCreate, tables.port),
    (PortUpdate, tables.port),
    (RbacPolicyCreate, tables.rbac_policy),
    (SeenRefusal, tables.dhcp_refusal),
    (SubnetCreate, tables.subnet),
    (SubnetPoolCreate, tables.subnetpool),
    (SubnetPoolUpdate, tables.subnetpool),
    (SubnetUpdate, tables.subnet),
]


@pytest.mark.parametrize(("body", "table"), STORED, ids=lambda one: getattr(one, "__name__", ""))
def test_what_a_request_may_say_fits_into_the_column(body: type[Struct], table: sa.Table) -> None:
    fields = inspect.type_info(body)
    assert isinstance(fields, inspect.StructType)
    compared = {
        field.name: (_longest(field.type), column.type.length)
        for field in fields.fields
        for column in table.columns
        if column.name == field.name
        and isinstance(column.type, sa.String)
        and column.type.length is not None
    }
    too_long = {name: both for name, both in compared.items() if both[0] > both[1]}
    assert compared
    assert not too_long


def _longest(kind: inspect.Type) -> float:
    """The most characters that a value of this type has, 0 for one that is no text."""
    match kind:
        case inspect.Metadata(extra={"check": check}) if check is uuid:
            return UUID_LENGTH
        case inspect.Metadata(type=inner):
            return _longest(inner)
        case inspect.UnionType(types=types):
            return max(_longest(one) for one in types)
        case inspect.LiteralType(values=values):
            return max(len(str(one)) for one in values)
        case inspect.StrType(max_length=None):
            return float("inf")
        case inspect.StrType(max_length=int(most)):
            return most
        case _:
            return 0
