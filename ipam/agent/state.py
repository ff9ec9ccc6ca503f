"""The state of a host, actual or desired. The plan is the difference.

Values only. The same `NetworkState` describes a network as the API wants it and as the kernel and
the run directory show it. So all is done when they are equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge of a network. It may be down, and is then set up or deleted."""

    name: str
    mtu: int
    up: bool = True


@dataclass(frozen=True, slots=True)
class Interface:
    """The DHCP port's veth pair: `outside` is enslaved to the bridge, `inside` has the MAC."""

    outside: str
    inside: str
    mac: str
    mtu: int
    isolated: bool = True
    """Whether DHCP stays at home: no frame passes between `outside` and the bridge's wire, and the
    bridge looks for the MAC address nowhere else."""

    def is_same_pair(self, other: "Interface | None") -> bool:
        """Whether the other is the same but for its isolation, which can be set later."""
        return other is not None and replace(other, isolated=self.isolated) == self


@dataclass(frozen=True, slots=True)
class NetworkState:
    """One network on one host. None and False mean that something does not exist."""

    id: str
    bridge: Bridge | None = None
    namespace: bool = False
    interface: Interface | None = None
    addresses: frozenset[str] = frozenset()
    """The addresses of the inside interface, such as `10.0.0.2/24`, without link-local ones."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The files that dnsmasq reads again on SIGHUP: content by path in the network's directory."""
    server: str | None = None
    """The startup configuration of the running dnsmasq. A change means a restart."""
    reload_due: bool = False
    """Whether a file changed in a way that dnsmasq sees only on SIGHUP."""
    taps: frozenset[str] = frozenset()
    """The taps of this host's ports that are on the bridge and up."""


@dataclass(frozen=True, slots=True)
class HostState:
    """Every network of the agent on this host, by id."""

    networks: Mapping[str, NetworkState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that a dnsmasq of this host has for an address."""

    ip_address: str
    mac_address: str | None
    expires_at: int
    """Epoch seconds; 0 is infinite."""
    hostname: str | None = None
    client_id: str | None = None
    duid: str | None = None
    iaid: str | None = None
    server_duid: str | None = None
