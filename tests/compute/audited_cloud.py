"""The servers that Nova lists, and their ports in ipam, for tests of the audit."""

from typing import Any

from ipam.client import Client
from tests.compute.nova_listing import NovaListing


class AuditedCloud:
    """One network, for ports with and without a server."""

    def __init__(self, client: Client, nova: NovaListing) -> None:
        self.client, self.nova = client, nova
        made = client.post("/v2.0/networks", json={"network": {"name": "lan"}})["network"]
        self.network = str(made["id"])
        subnet = {"network_id": self.network, "ip_version": 4, "cidr": "10.0.0.0/16"}
        client.post("/v2.0/subnets", json={"subnet": subnet})

    def port(self, **fields: Any) -> dict[str, Any]:
        body = {"network_id": self.network, **fields}
        made: dict[str, Any] = self.client.post("/v2.0/ports", json={"port": body})["port"]
        return made

    def port_of(self, server_id: str) -> dict[str, Any]:
        """As Nova makes it."""
        device = {"device_id": server_id, "device_owner": "compute:nova"}
        return self.port(**device, **{"binding:host_id": "host-a"})
