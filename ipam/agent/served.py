"""What the agent serves, made of the API's description of a network. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from ipam.agent.guard.elements import Guard, TapGuard
from ipam.agent.promised import Terms
from ipam.agent.state import NetworkState, interfaces_of
from ipam.protocol.dhcp_state import EndingLease, FullNetwork, ServedDhcpOption


@dataclass(frozen=True, slots=True)
class ServedPort:
    """A port that this agent's DHCP answers."""

    id: str
    revision_number: int
    status: str
    mac_address: str
    addresses: tuple[str, ...]
    """The addresses that DHCP gives it."""
    tap: str | None
    """Its tap on this host; None if it is on another host."""
    waits_for_tap: bool
    """It is ready only when a hypervisor's tap is on the bridge."""
    client_id: str | None = None
    """DHCP knows its machine by this identifier (octets in hex), besides its MAC address."""
    is_served: bool = True
    """False if its network is disabled, or has DHCP, but nothing gives its machine an address."""
    hostname: str = ""
    extra_dhcp_opts: tuple[ServedDhcpOption, ...] = ()
    is_advertised_to: bool = False
    """Whether it has an address in a subnet that the DHCP server advertises."""
    makes_own_address: bool = False
    """Whether its machine makes one of these addresses by itself."""
    is_elsewhere: bool = False
    """Whether its machine is behind the network's uplink, on no host of an agent."""


@dataclass(frozen=True, slots=True)
class ServedNetwork:
    """A network with its wanted state, as if all taps of its ports were present."""

    state: NetworkState
    ports: Mapping[str, ServedPort]
    subnets: tuple[IPv4Network | IPv6Network, ...]
    server_duid: str
    faults: tuple[str, ...]
    terms: Terms
    """What each answer to a machine has to have, besides its port's own."""
    self_plugged: frozenset[str] = frozenset()
    """The taps that the hypervisor puts on the bridge itself (vif_type `bridge`)."""
    dynamic_ranges: tuple[tuple[IPv4Address, IPv4Address], ...] = ()
    """First and last addresses for machines without a port."""
    unreached: str = ""
    """Why it ends at this host, though it should reach others; a sentence."""
    ending_leases: tuple[EndingLease, ...] = ()
    """The leases that somebody asked to end."""
    self_made: tuple[IPv6Network, ...] = ()
    """The prefixes in which machines make their addresses themselves."""
    guards: Guard = field(default_factory=dict)
    """What the taps of this host may send."""
    dns_servers: tuple[str, ...] | None = None
    """Whom its resolver asks for names of elsewhere; None: those of the host's settings."""
    elected_seconds: int | None = None
    """For so long after a heartbeat this host answers machines behind the uplink."""
    is_sole: bool = False
    """Whether no other host could ever answer them."""
    machines: TapGuard = frozenset()
    """What lets these machines ask its DHCP port; nothing if this host does not answer them."""
    row: FullNetwork | None = field(default=None, compare=False, repr=False)
    """The API's description, of which all this was made."""

    def is_dynamic(self, address: str) -> bool:
        """Whether the address is in a dynamic range, so that its lease comes before its port."""
        ip = ip_address(address) if self.dynamic_ranges else None
        return isinstance(ip, IPv4Address) and any(
            first <= ip <= last for first, last in self.dynamic_ranges
        )

    def server_beside(self, address: str) -> IPv4Address | IPv6Address | None:
        """The server's own address in the subnet of the address."""
        asked = ip_address(address)
        own = interfaces_of(self.state.addresses)
        return next((one.ip for one in own if asked in one.network), None)

    def reserved(self) -> dict[str, str]:
        """The MAC address for which each address is reserved."""
        return {ip: port.mac_address for port in self.ports.values() for ip in port.addresses}

    def client_ids(self) -> dict[str, str]:
        """The client identifier for which each address is reserved, besides its MAC address."""
        return {
            ip: port.client_id
            for port in self.ports.values()
            if port.client_id
            for ip in port.addresses
        }
