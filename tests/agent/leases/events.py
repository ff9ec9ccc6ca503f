"""Lease events by number."""

from ipam.protocol.lease_events import LeaseEventCreate

NETWORK = "11111111-1111-4111-8111-111111111111"


def numbered(*numbers: int) -> list[LeaseEventCreate]:
    return [LeaseEventCreate(str(n), NETWORK, "h", "add", "10.0.0.5", n) for n in numbers]
