"""A member of a project, who makes and looks at networks, ports and servers."""

import contextlib
import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any

from openstack import exceptions

from ipam import model
from ipam.client import Client
from tests.servers.openstack.cloud import Cloud
from tests.waiting import eventually


class Tenant:
    """One member; `number` keeps its networks apart from other tests'."""

    def __init__(self, cloud: Cloud, connection: Any, number: int) -> None:
        self.cloud = cloud
        self.connection = connection
        self.compute = connection.compute
        self.net = connection.network
        self.ipam: Client = cloud.place.client()
        self.prefix = f"10.{100 + number // 250}.{number % 250}"
        self._number = number
        self._servers: list[str] = []
        self._ports: list[str] = []
        self._networks: list[str] = []

    def network(self, *, cidr: str = "", **more: Any) -> Any:
        """A network with one subnet; its `subnet` is the subnet's id."""
        made = self.net.create_network(name=f"net-{self._number}-{len(self._networks)}")
        self._networks.append(made.id)
        third = f"{self.prefix}.0/24" if len(self._networks) == 1 else ""
        cidr = cidr or third or f"10.{200 + len(self._networks)}.{self._number % 250}.0/24"
        self.net.create_subnet(network_id=made.id, cidr=cidr, ip_version=4, **more)
        return self.net.get_network(made.id)

    def bare_network(self) -> Any:
        """A network without a subnet."""
        made = self.net.create_network(name=f"bare-{self._number}")
        self._networks.append(made.id)
        return made

    def port(self, network: Any, **more: Any) -> Any:
        made = self.net.create_port(network_id=network.id, **more)
        self._ports.append(made.id)
        return made

    def boot(self, networks: Any, *, wait: bool = True, **more: Any) -> Any:
        """A server; `networks` as Nova's API takes it. ACTIVE, unless it is not waited for."""
        admin_only = {"host": more.pop("host")} if "host" in more else {}
        connection = more.pop("by", self.connection)
        server = connection.compute.create_server(
            name=more.pop("name", f"server-{self._number}-{len(self._servers)}"),
            flavor_id=self.cloud.flavors["tiny"],
            image_id=self.cloud.image_id,
            networks=networks,
            **admin_only,
            **more,
        )
        self._servers.append(server.id)
        return self.await_server(server) if wait else server

    def own(self, server_ids: list[str]) -> None:
        """These servers are deleted after the test, too."""
        self._servers += [one for one in server_ids if one not in self._servers]

    def await_server(self, server: Any, status: str = "ACTIVE") -> Any:
        """The server in this status and without a task. Fails with Nova's fault if it errs."""

        def reached() -> Any:
            found = self.compute.get_server(server.id)
            if found.status == "ERROR" and status != "ERROR":
                raise AssertionError(f"server {server.id}: {found.fault}")
            return found if found.status == status and not found.task_state else None

        return eventually(reached, f"{server.id} is {status}")

    def delete(self, server: Any) -> None:
        """Delete the server and wait until Nova has forgotten it."""
        self.compute.delete_server(server.id, ignore_missing=True)

        def gone() -> bool:
            with contextlib.suppress(exceptions.NotFoundException):
                self.compute.get_server(server.id)
                return False
            return True

        eventually(gone, f"{server.id} is gone")

    def ports_of(self, server: Any) -> list[dict[str, Any]]:
        """The server's ports, as ipam has them."""
        return self.ipam.list("/v2.0/ports", "ports", {"device_id": server.id})

    def the_port(self, server: Any) -> dict[str, Any]:
        """The server's only port."""
        (port,) = self.ports_of(server)
        return port

    def addresses(self, server: Any) -> list[str]:
        """The addresses that Nova shows."""
        return self.shown(server.id)

    def shown(self, server_id: str) -> list[str]:
        """The addresses that Nova shows, as long as it answers."""
        try:
            shown: Mapping[str, Any] = self.compute.get_server(server_id).addresses
        except exceptions.HttpException:
            return []
        return sorted(one["addr"] for network in shown.values() for one in network)

    def shows(self, server_id: str, address: str) -> bool:
        """Whether this is the server's one address, as Nova shows it."""
        return self.shown(server_id) == [address]

    def is_own(self, finding: Mapping[str, Any]) -> bool:
        """Whether the audit's finding is about something of this tenant's."""
        return finding["Server"] in self._servers or finding["Network"] in self._networks

    def has_tap(self, port: Mapping[str, Any]) -> bool:
        """Whether the port's tap is on its host."""
        return self._ip(port, "link", "show", model.tap_name(port["id"])) == 0

    def unplug(self, port: Mapping[str, Any]) -> None:
        """Take the port's tap away, as a hypervisor does that stops the machine."""
        assert self._ip(port, "link", "del", model.tap_name(port["id"])) == 0

    def _ip(self, port: Mapping[str, Any], *words: str) -> int:
        inside = self.cloud.hosts[port["binding:host_id"]].inside
        return subprocess.run([*inside, "ip", *words], check=False, capture_output=True).returncode

    def clean_up(self) -> None:
        for server_id in self._servers:
            self.compute.delete_server(server_id, ignore_missing=True)
        for server_id in self._servers:
            eventually(partial(self._gone, server_id), f"{server_id} is gone")
        for port_id in self._ports:
            self.net.delete_port(port_id, ignore_missing=True)
        for network_id in self._networks:
            self.net.delete_network(network_id, ignore_missing=True)
        self.ipam.close()

    def _gone(self, server_id: str) -> bool:
        return self.compute.find_server(server_id, ignore_missing=True) is None
