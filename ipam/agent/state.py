"""The state of a host, actual or desired. The plan is the difference.

Values only. The same `NetworkState` describes a network as the API wants it and as the kernel and
the run directory show it. So all is done when they are equal.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Literal, TypeAlias, TypeVar

from ipam.agent.guard.elements import Guard

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge of a network. It may be down, and is then set up or deleted."""

    name: str
    mtu: int
    up: bool = True
    own: bool = True
    """False for a bridge of the administrator's. Its MTU counts as this, if it is not smaller."""
    no_linklocal_learn: bool = True
    """Whether it learns nothing from frames to itself, such as LLDP.

    No rule of nftables sees them, so a guest could take over any MAC address with one."""


WireKind: TypeAlias = Literal["flat", "vlan", "vxlan", "bridged"]
"""Neutron's network types; `bridged` is an uplink that the administrator put on a bridge."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The link on a network's bridge that joins it to other hosts."""

    device: str
    kind: WireKind
    parent: str = ""
    """The interface below a VLAN."""
    segment: int = 0
    """The VLAN ID or the VNI."""
    local: str = ""
    """The address from which a VXLAN sends."""
    port: int = 0
    """Its UDP port."""
    mtu: int = 0
    """Of a VLAN or VXLAN; 0 for an uplink, whose MTU only has to suffice."""
    isolated: bool = True
    up: bool = True
    learning: bool = True
    """Whether a VXLAN learns behind which peer a machine is."""

    def is_same_link(self, other: "Wire | None") -> bool:
        """Whether the other is the same but for what can be set on what is there."""
        return other is not None and self == replace(
            other, mtu=self.mtu, isolated=self.isolated, up=self.up, learning=self.learning
        )


@dataclass(frozen=True, slots=True)
class Interface:
    """The DHCP port's veth pair: `outside` is enslaved to the bridge, `inside` has the MAC."""

    outside: str
    inside: str
    mac: str
    mtu: int
    isolated: bool = True
    """Whether DHCP stays at home: no frame passes between `outside` and the bridge's wire."""
    pinned: bool = True
    """Whether the bridge looks for the MAC address nowhere else."""

    def is_same_pair(self, other: "Interface | None") -> bool:
        """Whether the other is the same but for what can be set later."""
        same = other and replace(other, isolated=self.isolated, pinned=self.pinned)
        return same == self


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
    wire: Wire | None = None
    peers: frozenset[str] | None = frozenset()
    """The addresses to which a VXLAN sends what it knows no other way for; None if any will do."""
    taps: frozenset[str] = frozenset()
    """The taps of this host's ports that are on the bridge and up."""


@lru_cache(maxsize=1024)
def interfaces_of(addresses: frozenset[str]) -> tuple[IPv4Interface | IPv6Interface, ...]:
    """The addresses of a network's server in the order of their texts, each with its subnet."""
    return tuple(map(ip_interface, sorted(addresses)))


@dataclass(frozen=True, slots=True)
class GuardState:
    """What keeps taps from sending more than their ports allow."""

    taps: Guard = field(default_factory=dict)
    is_loaded: bool = True
    """Whether the kernel has the rules, and not those of another version."""


def among(networks: Mapping[str, T], network_ids: Collection[str]) -> Mapping[str, T]:
    """Those of the networks with these ids; without any id, all."""
    return (
        {key: networks[key] for key in networks.keys() & network_ids} if network_ids else networks
    )


@dataclass(frozen=True, slots=True)
class HostState:
    """Every network of the agent on this host, by id."""

    networks: Mapping[str, NetworkState] = field(default_factory=dict)
    guard: GuardState | None = None
    """None on a host that has none."""

    def among(self, network_ids: Collection[str]) -> "HostState":
        """The host with these networks alone; without any named, with all."""
        return replace(self, networks=among(self.networks, network_ids))


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
