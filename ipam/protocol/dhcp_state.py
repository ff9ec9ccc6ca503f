"""What the API tells an agent: which networks it serves, and what is in them."""

import msgspec
from msgspec import Struct

from ipam.protocol.wire import read, read_parsed
from ipam.values import Uuid


class ServedNetwork(Struct, frozen=True):
    """A network with its digest; everything else only when it was asked for by id."""

    id: Uuid
    digest: str


class Address(Struct, frozen=True):
    """One fixed IP of a port."""

    subnet_id: Uuid
    ip_address: str


class ServedRoute(Struct, frozen=True):
    """A route that clients of a subnet are told."""

    destination: str
    nexthop: str


class ServedDhcpOption(Struct, frozen=True):
    """A DHCP option of one port."""

    opt_name: str
    opt_value: str | None
    ip_version: int = 4


class ServedSubnet(Struct, frozen=True, kw_only=True):
    """A subnet, as far as DHCP is concerned."""

    id: Uuid
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: list[str]
    host_routes: list[ServedRoute]
    ipv6_ra_mode: str | None
    ipv6_address_mode: str | None


class ServedPort(Struct, frozen=True, kw_only=True):
    """A port that the agent answers for. `hostname` is its name or one made of its address."""

    id: Uuid
    mac_address: str
    revision_number: int
    device_id: str
    device_owner: str
    admin_state_up: bool
    status: str
    binding_host_id: str
    binding_vif_type: str = ""
    hostname: str
    fixed_ips: list[Address]
    extra_dhcp_opts: list[ServedDhcpOption]


class DhcpPort(Struct, frozen=True):
    """The port of the DHCP server itself."""

    id: Uuid
    mac_address: str
    fixed_ips: list[Address]


class FullNetwork(Struct, frozen=True, kw_only=True):
    """All that the agent has to know of a network."""

    id: Uuid
    digest: str
    project_id: str
    mtu: int
    dns_domain: str
    admin_state_up: bool
    lease_seconds: int
    dhcp_port: DhcpPort | None
    subnets: list[ServedSubnet]
    ports: list[ServedPort]


class _Digests(Struct):
    networks: list[ServedNetwork]


class _Networks(Struct):
    networks: list[msgspec.Raw]


class _Identified(Struct):
    id: str


def read_digests(answer: object) -> dict[str, str]:
    """The digests by network id, of the answer as parsed JSON. Raises Malformed."""
    networks = read_parsed(_Digests, answer, "dhcp-state").networks
    return {network.id: network.digest for network in networks}


def read_networks(answer: bytes) -> tuple[list[FullNetwork], dict[str, str]]:
    """The networks in full, and by id what does not fit in others, with the path below them.

    One network that does not fit takes no other down. Raises Malformed if it is no list of any.
    """
    networks: list[FullNetwork] = []
    faults: dict[str, str] = {}
    for row in read(_Networks, answer, "dhcp-state").networks:
        try:
            networks.append(msgspec.json.decode(row, type=FullNetwork))
        except msgspec.ValidationError as error:
            faults[_id_of(row)] = str(error)
    return networks, faults


def _id_of(row: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(row, type=_Identified).id
    except msgspec.ValidationError:
        return "without an id"
