"""The audit events of what the worker changes by itself, which no request asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from ipam import clock, model
from ipam.store.audit import events
from ipam.store.engine.listing import Record


def port_ended(row: Record, held: Sequence[bytes], reason: str) -> Mapping[str, Any]:
    """The event of a port that is deleted, with the addresses that it had."""
    gone = {
        "fixed_ips": [model.unpack(address) for address in held],
        "mac_address": row.mac_address,
        "expires_at": model.iso_time(row.expires_at),
    }
    return {
        **events.EMPTY,
        "occurred_at_us": clock.now_microseconds(),
        "user_id": events.WORKER,
        "user_name": events.WORKER,
        "authentication": events.WORKER,
        "operation": "delete_port",
        "status": 204,
        "object_type": "port",
        "object_id": row.id,
        "object_name": row.name,
        "project_id": row.project_id,
        "reason": reason,
        "changes": {name: (value, None) for name, value in gone.items()},
    }
