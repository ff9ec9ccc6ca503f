"""The facts of ports and of Nova's servers that can contradict each other. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ipam import model

PORT_FIELDS: Final = (
    "id",
    "project_id",
    "network_id",
    "mac_address",
    "fixed_ips",
    "device_id",
    "device_owner",
    "binding:host_id",
    "binding:vnic_type",
    "binding:profile",
    "revision_number",
    "created_at",
    "updated_at",
)
"""The attributes of a port that `port` reads."""

NOT_NOVAS: Final = ("compute:kuryr",)
"""Device owners of containers, whose ids are UUIDs that Nova does not know."""
NEVER: Final = datetime.fromtimestamp(0, UTC)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Port:
    """A port. `host` is None if the API does not show it, and empty if the port is unbound."""

    id: str
    project_id: str
    network_id: str
    mac_address: str
    addresses: frozenset[str]
    device_id: str
    device_owner: str
    host: str | None
    vnic_type: str
    profile: Json
    revision_number: int
    created_at: datetime
    updated_at: datetime

    @property
    def server_id(self) -> str | None:
        """The id of the Nova server that has the port; None if there is none."""
        owned = self.device_owner.startswith(model.COMPUTE_OWNER_PREFIX)
        if owned and self.device_owner not in NOT_NOVAS and model.is_uuid(self.device_id):
            return self.device_id
        return None


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface in Nova's cache. `network` is a name, not an id."""

    network: str
    mac_address: str
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Server:
    """A server. `known` is False in a cell that is down: only its existence is known.

    `host` is None if there is none, or if Nova does not show it.
    """

    id: str
    project_id: str = ""
    known: bool = False
    status: str = "UNKNOWN"
    task_state: str | None = None
    host: str | None = None
    updated_at: datetime = NEVER
    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Every port and then every server, as one look has read them.

    `servers` holds the servers that were listed, and those found by their id alone. `gone` holds
    the ids that were found in neither way.
    """

    at: datetime
    ports: tuple[Port, ...]
    servers: Mapping[str, Server]
    gone: frozenset[str] = field(default_factory=frozenset)

    @property
    def servers_ports(self) -> int:
        """How many ports belong to servers."""
        return sum(port.server_id is not None for port in self.ports)


def port(body: Json) -> Port:
    """The port from an answer with PORT_FIELDS."""
    return Port(
        id=body["id"],
        project_id=body["project_id"],
        network_id=body["network_id"],
        mac_address=body["mac_address"].lower(),
        addresses=frozenset(_canonical(each["ip_address"]) for each in body["fixed_ips"]),
        device_id=body["device_id"].lower(),
        device_owner=body["device_owner"],
        host=body.get("binding:host_id"),
        vnic_type=body.get("binding:vnic_type") or "normal",
        profile=body.get("binding:profile") or {},
        revision_number=body["revision_number"],
        created_at=instant(body["created_at"]),
        updated_at=instant(body["updated_at"]),
    )


def server(body: Json) -> Server:
    """The server from an answer to GET /servers/detail or /servers/{id}."""
    if "addresses" not in body:
        return Server(id=body["id"], project_id=body.get("tenant_id") or "")
    return Server(
        id=body["id"],
        project_id=body.get("tenant_id") or "",
        known=True,
        status=body.get("status") or "UNKNOWN",
        task_state=body.get("OS-EXT-STS:task_state"),
        host=body.get("OS-EXT-SRV-ATTR:host") or None,
        updated_at=instant(body.get("updated") or body["created"]),
        interfaces=_interfaces(body["addresses"]),
    )


def absent(ports: tuple[Port, ...], servers: Mapping[str, Server]) -> list[str]:
    """The ids of servers that have ports and were not listed, each once."""
    wanted = {port.server_id for port in ports if port.server_id}
    return sorted(wanted - servers.keys())


def instant(text: str) -> datetime:
    """An ISO 8601 instant, in UTC if it names no time zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _interfaces(addresses: Mapping[str, list[Json]]) -> tuple[Interface, ...]:
    """One interface per MAC address, because Nova merges networks that have the same name."""
    found: dict[tuple[str, str], set[str]] = {}
    for network, entries in addresses.items():
        for entry in entries:
            mac = str(entry.get("OS-EXT-IPS-MAC:mac_addr") or "").lower()
            if mac and entry.get("OS-EXT-IPS:type") == "fixed":
                found.setdefault((network, mac), set()).add(_canonical(entry["addr"]))
    return tuple(
        Interface(network, mac, frozenset(ips)) for (network, mac), ips in sorted(found.items())
    )


def _canonical(address: str) -> str:
    try:
        return model.unpack(model.pack(address))
    except OSError:
        return address
