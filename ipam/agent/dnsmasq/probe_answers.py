"""What is asked in a machine's name, and what it would get. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROBE_DUID = bytes.fromhex("0004") + b"ipam-agent-probe"
"""A DUID-UUID (RFC 6355) of no machine; dnsmasq's log shows it."""
PROBE_IAID = b"ipam"


@dataclass(frozen=True, slots=True)
class Question:
    """What a machine would get in the subnet in which the server has this address."""

    mac: str
    server: str
    options: frozenset[int] = frozenset()
    """Codes to ask for, beside the usual ones."""
    client_id: bytes = b""
    """By which a DHCPv4 server knows the machine; without one, by its MAC address."""
    duid: bytes = PROBE_DUID
    """With `iaid`, who has the DHCPv6 lease of the address: to another it is refused."""
    iaid: bytes = PROBE_IAID


@dataclass(frozen=True, slots=True)
class Offer:
    """An address with all that comes with it, by DHCP or DHCPv6."""

    address: str
    prefix_length: int | None
    """Of the netmask; DHCPv6 has none."""
    lease_seconds: int
    """0xffffffff is for ever."""
    server: str
    """Its address; in DHCPv6 its DUID as hexadecimal octets."""
    options: Mapping[int, bytes] = field(default_factory=dict)
    """The machine's settings as they were on the wire, by code."""
    next_server: str = ""
    server_name: str = ""
    boot_file: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """DHCPv6's answer that gives no address."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """One prefix of a router advertisement."""

    prefix: str
    on_link: bool
    autonomous: bool
    valid_seconds: int
    preferred_seconds: int


@dataclass(frozen=True, slots=True)
class Advertisement:
    """A router advertisement (RFC 4861 §4.2)."""

    managed: bool
    other: bool
    router_seconds: int
    """How long its sender is a default router; 0: it is none."""
    mtu: int | None
    prefixes: tuple[Prefix, ...]
    name_servers: tuple[str, ...]
    search: tuple[str, ...]
