"""The questions of probes, and the answers: what a machine would get. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROBE_DUID = bytes.fromhex("0004") + b"ipam-agent-probe"
"""A DUID-UUID (RFC 6355) of no machine; dnsmasq's log shows it."""
PROBE_IAID = b"ipam"


@dataclass(frozen=True, slots=True)
class Question:
    """Asks what a machine would get in the subnet in which the server has this address."""

    mac: str
    server: str
    options: frozenset[int] = frozenset()
    """Codes of options to ask for, besides the usual ones."""
    client_id: bytes = b""
    """The DHCPv4 client identifier. Without one, the server knows the machine by its MAC
    address."""
    duid: bytes = PROBE_DUID
    """The holder, with `iaid`, of the DHCPv6 lease of the address. Others are refused."""
    iaid: bytes = PROBE_IAID


@dataclass(frozen=True, slots=True)
class Offer:
    """An address and its options, by DHCP or DHCPv6."""

    address: str
    prefix_length: int | None
    """The length of the netmask. DHCPv6 has none."""
    lease_seconds: int
    """0xffffffff is infinite."""
    server: str
    """The server's address; in DHCPv6 its DUID as hexadecimal octets."""
    options: Mapping[int, bytes] = field(default_factory=dict)
    """The bytes of the machine's options, by code."""
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
    """How long its sender is a default router; 0: it is not one."""
    mtu: int | None
    prefixes: tuple[Prefix, ...]
    name_servers: tuple[str, ...]
    search: tuple[str, ...]
