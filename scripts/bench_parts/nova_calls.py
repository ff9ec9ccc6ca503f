"""The 14 calls of Nova 34 to the Networking API while it boots a server on a network.

They have the order and form in which nova-api and nova-compute send them. Each has Nova's own
token as X-Service-Token. Its X-Auth-Token is the user's or, for what users may not do, Nova's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from ipam import model

PROVIDER: Final = "fields=provider%3Aphysical_network&fields=provider%3Anetwork_type"


@dataclass(frozen=True, slots=True)
class Boot:
    """One server on its way; what its port got is known from the seventh call on."""

    project_id: str
    network_id: str
    subnet_id: str
    host: str
    server_id: str
    port_id: str = ""
    address: str = ""

    def with_port(self, port: Mapping[str, Any]) -> Self:
        """The same with the port that was made for it."""
        return replace(self, port_id=port["id"], address=port["fixed_ips"][0]["ip_address"])


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` names attributes of a Boot in braces."""

    name: str
    as_user: bool
    method: str
    path: str
    body: Callable[[Boot], Any] = lambda _boot: None

    def path_of(self, boot: Boot) -> str:
        """The path for this server."""
        return self.path.format(boot=boot)


def _port(boot: Boot) -> dict[str, Any]:
    return {
        "port": {
            "device_id": boot.server_id,
            "network_id": boot.network_id,
            "admin_state_up": True,
            "tenant_id": boot.project_id,
        }
    }


def _binding(boot: Boot) -> dict[str, Any]:
    return {
        "port": {
            "device_id": boot.server_id,
            "device_owner": f"{model.COMPUTE_OWNER_PREFIX}nova",
            "binding:host_id": boot.host,
        }
    }


def _read(name: str, path: str, *, as_user: bool = False) -> Call:
    return Call(name, as_user, "GET", f"/v2.0/{path}")


CREATE: Final = "07 port create"

CALLS: Final = (
    _read("01 network by id", "networks?id={boot.network_id}", as_user=True),
    _read("02 quota", "quotas/{boot.project_id}", as_user=True),
    _read("03 ports of the project", "ports?tenant_id={boot.project_id}&fields=id", as_user=True),
    _read("04 extensions", "extensions"),
    _read("05 provider network", f"networks/{{boot.network_id}}?{PROVIDER}"),
    _read("06 network by id", "networks?id={boot.network_id}", as_user=True),
    Call(CREATE, as_user=True, method="POST", path="/v2.0/ports", body=_port),
    _read("08 extensions", "extensions", as_user=True),
    Call("09 port bind", False, "PUT", "/v2.0/ports/{boot.port_id}", _binding),
    _read(
        "10 ports of the server", "ports?tenant_id={boot.project_id}&device_id={boot.server_id}"
    ),
    _read("11 floating IP", "floatingips?fixed_ip_address={boot.address}&port_id={boot.port_id}"),
    _read("12 subnet by id", "subnets?id={boot.subnet_id}"),
    _read("13 DHCP ports", "ports?network_id={boot.network_id}&device_owner=network%3Adhcp"),
    _read("14 provider network", f"networks/{{boot.network_id}}?{PROVIDER}"),
)
