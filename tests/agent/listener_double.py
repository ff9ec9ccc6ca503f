"""Requests that a test makes up: see ipam.agent.outside.Listener."""

from collections.abc import Collection

from ipam.agent.dnsmasq.dhcp6_requests import Request6
from ipam.agent.state import Interface


class ListenerDouble:
    """Who asks by DHCPv6, by network id."""

    def __init__(self) -> None:
        self.requests: dict[str, list[Request6]] = {}

    def heard(self, network_id: str, interface: Interface) -> Collection[Request6]:
        assert interface.inside
        return self.requests.pop(network_id, [])

    def keep(self, network_ids: Collection[str]) -> None:
        self.requests = {key: one for key, one in self.requests.items() if key in network_ids}
