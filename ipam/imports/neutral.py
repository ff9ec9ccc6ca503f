"""An estate as plain data in a neutral schema: for programs, and for tests. Pure."""

from typing import Any

from ipam.imports.estate import INFINITE, Estate, LeaseSeconds, Network, Reservation, Subnet


def of(estate: Estate) -> dict[str, Any]:
    """The estate. Each item has the `source` that it was read from."""
    return {
        "format": estate.format,
        "networks": [_network(one) for one in estate.networks],
        "subnets": [_subnet(one) for one in estate.subnets],
        "reservations": [_reservation(one) for one in estate.reservations],
        "leases": [
            {
                "source": str(one.place),
                "address": one.address,
                "mac": one.mac,
                "client_id": one.client_id,
                "duid": one.duid,
                "iaid": one.iaid,
                "hostname": one.hostname,
                "expires": one.expires,
            }
            for one in estate.leases
        ],
        "held_back": list(dict.fromkeys(one.address for one in estate.held)),
        "server_duid": estate.server_duid,
        "problems": [
            {
                "source": str(one.place),
                "code": one.code,
                "subject": one.subject,
                "text": one.text,
            }
            for one in estate.problems
        ],
        "skipped": list(dict.fromkeys(one.subject for one in estate.skipped)),
    }


def _network(one: Network) -> dict[str, Any]:
    return {
        "source": str(one.place),
        "key": one.key,
        "bridge": one.bridge,
        "vlan": one.vlan,
        "mtu": one.mtu,
        "external_id": one.external_id,
    }


def _subnet(one: Subnet) -> dict[str, Any]:
    return {
        "source": str(one.place),
        "cidr": one.cidr,
        "network": one.network,
        "gateway": one.gateway,
        "pools": [list(pool) for pool in one.pools],
        **_lease_seconds(one.lease_seconds),
        "dns": one.dns,
        "routes": [list(route) for route in one.routes],
        "options": [list(option) for option in one.options],
        "boot": one.boot,
        "dhcp": one.dhcp,
    }


def _reservation(one: Reservation) -> dict[str, Any]:
    return {
        "source": str(one.place),
        "macs": one.macs,
        "client_id": one.client_id,
        "duid": one.duid,
        "by_name": one.by_name,
        "addresses": one.addresses,
        "hostname": one.hostname,
        **_lease_seconds(one.lease_seconds),
        "external_id": one.external_id,
        "host": one.host,
        "refused": one.refused,
    }


def _lease_seconds(seconds: LeaseSeconds) -> dict[str, Any]:
    """Null is infinite; nothing is what is not said."""
    if seconds is None:
        return {}
    return {"lease_seconds": None if seconds == INFINITE else seconds}
