"""What a host has, and what it should have, in one set of types: the plan is the difference.

Values only. The same `NetworkState` describes a network as the API wants it and as the kernel and
the run directory show it, so "done" is `==`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge of a network. One that is down is there, and to be set up or deleted."""

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


@dataclass(frozen=True, slots=True)
class NetworkState:
    """One network on one host. None and False stand for what is not there."""

    id: str
    bridge: Bridge | None = None
    namespace: bool = False
    interface: Interface | None = None
    addresses: frozenset[str] = frozenset()
    """Of the inside interface, as `10.0.0.2/24`; link-local ones are not counted."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What dnsmasq reads again on SIGHUP: path below the network's directory, and content."""
    server: str | None = None
    """The startup configuration of the dnsmasq that runs; a change is a restart."""
    reload_due: bool = False
    """A file changed in a way that dnsmasq sees only on SIGHUP."""
    taps: frozenset[str] = frozenset()
    """The taps of this host's ports that are on the bridge and up."""


@dataclass(frozen=True, slots=True)
class HostState:
    """Every network that the agent has something of on this host, by id."""

    networks: Mapping[str, NetworkState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a dnsmasq of this host holds for an address."""

    ip_address: str
    mac_address: str | None
    expires_at: int
    """Epoch seconds; 0 is for ever."""
    hostname: str | None = None
    client_id: str | None = None
    duid: str | None = None
    iaid: str | None = None
    server_duid: str | None = None
