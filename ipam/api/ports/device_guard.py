"""Refuses ports that claim a device of others: a server of another project, or a router."""

from ipam.errors import DeviceIDNotOwnedByTenant
from ipam.identity.caller import Caller
from ipam.rules import device_owners
from ipam.store import ports
from ipam.store.engine.database import Transaction
from ipam.values import is_uuid


def refuse_foreign_device(
    tx: Transaction, caller: Caller, project_id: str, device_owner: str, device_id: str
) -> None:
    """Raise DeviceIDNotOwnedByTenant if the project's port may not be this device's.

    The ids of Nova's servers are UUIDs; other ids are names that every project may use. Nova binds
    as a service, and its first request for a server's port has no owner: that asks nothing here.
    """
    if caller.is_admin or not device_id:
        return
    if device_owners.is_router_interface(device_owner):  # there are no routers
        raise DeviceIDNotOwnedByTenant(
            f"The following device_id {device_id} is not owned by your tenant or matches another"
            " tenants router."
        )
    if caller.is_service or not is_uuid(device_id) or not device_owners.is_servers(device_owner):
        return
    if ports.is_server_of_others(tx, device_id, project_id):
        raise DeviceIDNotOwnedByTenant(
            f"The following device_id {device_id} is not owned by your tenant: ports of another"
            " project have it."
        )
