"""What all parts share: constants of the Networking API, addresses, names on a host.

Pure, except `new_id`, which is random.
"""

import re
import socket
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, TypeAlias

ACTIVE: Final = "ACTIVE"
DOWN: Final = "DOWN"

DHCP_PORT_OWNER: Final = "network:dhcp"
LEASE_PORT_OWNER: Final = "dhcp:lease"
"""The owner of a port that a lease of a dynamic range made, and that ends with it."""
DEPRECATED: Final = 0
"""In place of a subnet's lease time: machines start nothing new from their addresses there."""
COMPUTE_OWNER_PREFIX: Final = "compute:"

DHCP_AGENT_TYPE: Final = "DHCP agent"
AGENT_BINARY: Final = "ipam-agent"
AGENT_USER_PREFIX: Final = "agent@"
"""What the name of an agent's user begins with; the rest is its host's name."""

VIF_UNBOUND: Final = "unbound"
VIF_TAP: Final = "tap"
VIF_BRIDGE: Final = "bridge"
VIF_BINDING_FAILED: Final = "binding_failed"

SLAAC: Final = "slaac"
DHCPV6_STATEFUL: Final = "dhcpv6-stateful"
DHCPV6_STATELESS: Final = "dhcpv6-stateless"

AddressSelection: TypeAlias = Literal[
    "least-recently-used", "lowest", "random", "mac-address", "dns-name"
]
"""Which of the free addresses of a subnet a port gets."""
LEAST_RECENTLY_USED: Final[AddressSelection] = "least-recently-used"

LeaseAction: TypeAlias = Literal["add", "old", "del", "missed"]
"""What happened to a lease: dnsmasq's names, and `missed` for an end that nobody reported."""

LeaseSource: TypeAlias = Literal["hook", "reconciled", "service", "slaac"]
"""Who said so: dnsmasq by its hook, the agent by what dnsmasq holds, the service itself, or a
machine that made its address and was seen with it."""

LeaseOrigin: TypeAlias = Literal["dhcp", "slaac"]
"""Where the address of a lease is from: a DHCP server, or the machine that made it."""
DHCP_LEASE: Final = "dhcp"
SLAAC_LEASE: Final = "slaac"

MAC_PREFIX: Final = bytes.fromhex("fa163e")
"""Neutron's default `base_mac`, an OUI that hypervisors and firewalls already know."""


_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def is_uuid(text: str) -> bool:
    """Whether the text has the form of a resource id."""
    return _UUID.fullmatch(text) is not None


def is_mac(text: str) -> bool:
    """Whether the text is a MAC address in lower case with colons."""
    return _MAC.fullmatch(text) is not None


def ip_version(text: str) -> int:
    """4 or 6: the version of an address or CIDR. Only IPv6 has colons."""
    return 6 if ":" in text else 4


def pack(address: str) -> bytes:
    """The address in network byte order: 4 bytes for IPv4, 16 for IPv6.

    Packed addresses of one IP version sort like the addresses. Raises OSError for other texts.
    """
    family = socket.AF_INET if ip_version(address) == 4 else socket.AF_INET6
    return socket.inet_pton(family, address)


def unpack(packed: bytes) -> str:
    """The canonical text of a packed address (RFC 5952 for IPv6)."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def new_id() -> str:
    """A new resource id."""
    return str(uuid.uuid4())


@lru_cache(maxsize=4096)
def iso_time(epoch_seconds: int) -> str:
    """The instant in the API's format: `2026-11-22T08:00:00Z`."""
    # Not strftime: %Y of a year before 1000 has less than four digits.
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat().replace("+00:00", "Z")


def epoch_seconds(iso_time: str) -> int:
    """The instant that is in the API's format."""
    return int(datetime.fromisoformat(iso_time).timestamp())


def iso_time_microseconds(epoch_microseconds: int) -> str:
    """The instant with microseconds: `2026-11-22T08:00:00.000001Z`."""
    moment = datetime.fromtimestamp(epoch_microseconds / 1_000_000, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def agent_user(host: str) -> str:
    """The name of the user that is the agent of this host."""
    return AGENT_USER_PREFIX + host


def dhcp_device_id(network_id: str) -> str:
    """The device_id of a network's DHCP port."""
    return f"dhcp-{network_id}"


def bridge_name(network_id: str) -> str:
    """The name of a network's bridge, as in Neutron and os-vif (at most 14 characters)."""
    return f"brq{network_id}"[:14]


def tap_name(port_id: str) -> str:
    """The name of the host side of a port's interface, the same as in Nova (14 characters)."""
    return f"tap{port_id}"[:14]


def dhcp_namespace(network_id: str) -> str:
    """The network namespace in which a network's dnsmasq runs."""
    return f"dhcp-{network_id}"


def dhcp_interface_name(port_id: str) -> str:
    """The end of the DHCP port's veth pair inside the namespace."""
    return f"ns-{port_id}"[:14]


def default_hostname(address: str) -> str:
    """The name of a machine whose port has none: `host-10-0-0-5`, the same as in Neutron.

    An IPv6 address that ends with colons gets a final zero, because a label cannot end with a
    hyphen.
    """
    whole = f"{address}0" if address.endswith(":") else address
    return "host-" + whole.replace(".", "-").replace(":", "-")
