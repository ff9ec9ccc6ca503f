"""What the API tells an agent: which networks to serve, and their contents."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, structs

from ipam.protocol.wire import read, read_parsed
from ipam.values import Uuid

ID: Final = Meta(description="The id, made by the service.")
DIGEST: Final = Meta(
    description="Changes when anything of the network changes that an agent serves."
)
IP_VERSION: Final = Meta(description="4 or 6.")
MAC_ADDRESS: Final = Meta(description="The MAC address; made by the service when left out.")
ADMIN_STATE_UP: Final = Meta(description="Whether it is switched on; what is off is not served.")
FIXED_IPS: Final = Meta(description="The port's addresses; when left out, one of each IP version.")


class ServedNetwork(Struct, frozen=True):
    """A network with its digest. The other fields come only if it was asked for by id."""

    id: Annotated[Uuid, ID]
    digest: Annotated[str, DIGEST]


class Address(Struct, frozen=True):
    """One fixed IP of a port."""

    subnet_id: Annotated[Uuid, Meta(description="The subnet of the address.")]
    ip_address: Annotated[str, Meta(description="The address.")]


class ServedRoute(Struct, frozen=True):
    """A route for the clients of a subnet."""

    destination: Annotated[str, Meta(description="The network that is reached this way.")]
    nexthop: Annotated[str, Meta(description="The router that is asked.")]


class ServedDhcpOption(Struct, frozen=True):
    """A DHCP option of one port."""

    opt_name: Annotated[str, Meta(description="The option, by dnsmasq's name or number.")]
    opt_value: Annotated[str | None, Meta(description="Its value.")]
    ip_version: Annotated[int, IP_VERSION] = 4


class AddressRange(Struct, frozen=True):
    """Addresses of a subnet."""

    start: Annotated[str, Meta(description="The first address of the range.")]
    end: Annotated[str, Meta(description="The last address of the range.")]


class ServedAddressPair(Struct, frozen=True, omit_defaults=True):
    """Further addresses that the machine of a port may use."""

    ip_address: Annotated[str, Meta(description="An address or a network.")]
    mac_address: Annotated[
        str | None, Meta(description="The MAC address; the port's when left out.")
    ] = None


class EndingLease(Struct, frozen=True):
    """A lease that is to end."""

    ip_address: Annotated[str, Meta(description="The address.")]
    mac_address: Annotated[str | None, Meta(description="The client's MAC address.")]
    duid: Annotated[str | None, Meta(description="The DHCPv6 client identifier.")]
    iaid: Annotated[str | None, Meta(description="The DHCPv6 identity association.")]


class ServedClientClass(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Machines of a subnet that are told apart by what they send."""

    name: Annotated[str, Meta(description="The name, in this subnet.")]
    vendor_class: Annotated[
        str | None, Meta(description="What is in the vendor class that they send.")
    ] = None
    mac_prefix: Annotated[
        str | None, Meta(description="The first octets of their MAC addresses.")
    ] = None
    has_range: Annotated[
        bool, Meta(description="Whether they get addresses that no other machine gets.")
    ] = False
    part: Annotated[
        list[AddressRange], Meta(description="The part of these addresses that this host gives.")
    ] = []
    dhcp_options: Annotated[
        list[ServedDhcpOption], Meta(description="Their options in place of the subnet's.")
    ] = []


class ServedSubnet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subnet, as far as DHCP is concerned."""

    id: Annotated[Uuid, ID]
    cidr: Annotated[str, Meta(description="The network in prefix notation.")]
    ip_version: Annotated[int, IP_VERSION]
    gateway_ip: Annotated[
        str | None,
        Meta(
            description="The router that clients are told; null for none, the first"
            " address when left out."
        ),
    ]
    enable_dhcp: Annotated[bool, Meta(description="Whether DHCP is served.")]
    dns_nameservers: Annotated[
        list[str],
        Meta(
            description="Name servers that clients are told; empty says the network's own"
            " resolver, `0.0.0.0` or `::` alone says none."
        ),
    ]
    host_routes: Annotated[
        list[ServedRoute], Meta(description="Further routes that clients are told.")
    ]
    ipv6_ra_mode: Annotated[
        str | None,
        Meta(description="What router advertisements say; null when another router sends them."),
    ]
    ipv6_address_mode: Annotated[
        str | None,
        Meta(
            description="Where IPv6 addresses come from: machines make them of their MAC addresses"
            " if this or ipv6_ra_mode is slaac or dhcpv6-stateless; else they come from the pools."
        ),
    ]
    dynamic_ranges: Annotated[
        list[AddressRange],
        Meta(description="Ranges from which machines without a port get addresses, on any host."),
    ] = []
    dynamic_part: Annotated[
        list[AddressRange], Meta(description="The part of them that this host gives.")
    ] = []
    client_classes: Annotated[
        list[ServedClientClass],
        Meta(description="Machines with addresses or options of their own."),
    ] = []
    dhcp_options: Annotated[
        list[ServedDhcpOption],
        Meta(
            description="DHCP options of its machines, in place of the network's. A null opt_value"
            " keeps the network's from them."
        ),
    ] = []
    dhcp_boot: Annotated[
        dict[str, str] | None,
        Meta(description="What its machines boot from; as the network says when left out."),
    ] = None
    lease_seconds: Annotated[
        int | None, Meta(description="How long its leases are; the network's when left out.")
    ] = None
    withheld: Annotated[
        list[str],
        Meta(description="Addresses of the ranges that ports have which other hosts serve."),
    ] = []
    name: Annotated[str, Meta(description="The subnet's name.")] = ""
    is_deprecated: Annotated[
        bool, Meta(description="Whether machines are to start nothing new from their addresses.")
    ] = False


class ServedPort(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A port that the agent answers. `hostname` is its name or one made of its address."""

    id: Annotated[Uuid, ID]
    mac_address: Annotated[str, MAC_ADDRESS]
    revision_number: Annotated[int, Meta(description="Grows with each change; for If-Match.")]
    device_id: Annotated[str, Meta(description="The machine that has the port; its id in Nova.")]
    device_owner: Annotated[
        str, Meta(description="What kind of machine, such as compute:nova or network:dhcp.")
    ]
    admin_state_up: Annotated[bool, ADMIN_STATE_UP]
    status: Annotated[str, Meta(description="ACTIVE when it works.")]
    binding_host_id: Annotated[str, Meta(description="As binding:host_id.")]
    binding_vif_type: Annotated[
        str, Meta(description="As binding:vif_type, on the host of the agent that asks.")
    ] = ""
    hostname: Annotated[str, Meta(description="The host name.")]
    fixed_ips: Annotated[list[Address], FIXED_IPS]
    extra_dhcp_opts: Annotated[
        list[ServedDhcpOption],
        Meta(description="DHCP options of this port only; a null opt_value deletes one."),
    ]
    port_security_enabled: Annotated[
        bool, Meta(description="Whether its tap may send only from its own addresses.")
    ] = False
    allowed_address_pairs: Annotated[
        list[ServedAddressPair], Meta(description="Further addresses that it may send from.")
    ] = []
    name: Annotated[str, Meta(description="The port's name.")] = ""
    project_id: Annotated[
        str, Meta(description="The port's project, if it is not the network's.")
    ] = ""


class DhcpPort(Struct, frozen=True):
    """The port of the DHCP server itself."""

    id: Annotated[Uuid, ID]
    mac_address: Annotated[str, MAC_ADDRESS]
    fixed_ips: Annotated[list[Address], FIXED_IPS]


class FullNetwork(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the agent has to know of a network."""

    id: Annotated[Uuid, ID]
    digest: Annotated[str, DIGEST]
    project_id: Annotated[
        str, Meta(description="The project that it belongs to; the caller's when left out.")
    ]
    mtu: Annotated[
        int, Meta(description="The largest packet in bytes; the service's default when left out.")
    ]
    dns_domain: Annotated[
        str, Meta(description="The domain of names in the network; the service's own when empty.")
    ]
    admin_state_up: Annotated[bool, ADMIN_STATE_UP]
    lease_seconds: Annotated[int, Meta(description="How long leases are.")]
    dhcp_port: Annotated[
        DhcpPort | None, Meta(description="The port that the DHCP server answers from.")
    ]
    subnets: Annotated[list[ServedSubnet], Meta(description="The subnets.")]
    ports: Annotated[list[ServedPort], Meta(description="The ports to serve.")]
    network_type: Annotated[
        str, Meta(description="As provider:network_type; local for a network of one host.")
    ] = "local"
    physical_network: Annotated[str | None, Meta(description="As provider:physical_network.")] = (
        None
    )
    segmentation_id: Annotated[int | None, Meta(description="As provider:segmentation_id.")] = None
    peers: Annotated[
        Sequence[str] | None,
        Meta(
            description="The addresses of the other hosts that have ports of it, for tunnels;"
            " null where nothing is said of them."
        ),
    ] = None
    dhcp_options: Annotated[
        list[ServedDhcpOption], Meta(description="DHCP options of the machines of all subnets.")
    ] = []
    dhcp_boot: Annotated[
        dict[str, str] | None, Meta(description="What machines boot from; nothing when left out.")
    ] = None
    dns_servers: Annotated[
        list[str] | None,
        Meta(
            description="Name servers that its resolver asks for names of elsewhere; null for"
            " those of the host's settings."
        ),
    ] = None
    elected_seconds: Annotated[
        int | None,
        Meta(
            description="This host answers machines behind the network's uplink, until so many"
            " seconds after a heartbeat; null where another host does."
        ),
    ] = None
    ending_leases: Annotated[
        list[EndingLease], Meta(description="Leases of this host that somebody asked to end.")
    ] = []
    name: Annotated[str, Meta(description="The network's name.")] = ""


OFTEN_EQUAL: Final = frozenset(
    {"device_owner", "status", "binding_host_id", "binding_vif_type", "project_id"}
)
"""What many ports of a network have in common."""


class _Digests(Struct):
    networks: list[ServedNetwork]


class _Networks(Struct):
    networks: list[msgspec.Raw]


class _Identified(Struct):
    id: str


def read_digests(answer: object) -> dict[str, str]:
    """The digests by network id. `answer` is parsed JSON. Raises Malformed."""
    networks = read_parsed(_Digests, answer, "dhcp-state").networks
    return {network.id: network.digest for network in networks}


def read_networks(answer: bytes) -> tuple[list[FullNetwork], dict[str, str]]:
    """The networks in full, and by id the faults of others, with the path of the field.

    A network with a fault does not affect the others. Raises Malformed if `answer` is no list of
    networks.
    """
    networks: list[FullNetwork] = []
    faults: dict[str, str] = {}
    for row in read(_Networks, answer, "dhcp-state").networks:
        try:
            networks.append(_each_text_once(msgspec.json.decode(row, type=FullNetwork)))
        except msgspec.ValidationError as error:
            faults[_id_of(row)] = str(error)
    return networks, faults


def _each_text_once(network: FullNetwork) -> FullNetwork:
    """The same, with one object for what its ports have in common: a quarter less memory."""
    known: dict[str, str] = {}
    for port in network.ports:
        for name in OFTEN_EQUAL:
            text = getattr(port, name)
            structs.force_setattr(port, name, known.setdefault(text, text))
        for one in port.fixed_ips:
            structs.force_setattr(one, "subnet_id", known.setdefault(one.subnet_id, one.subnet_id))
    return network


def _id_of(row: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(row, type=_Identified).id
    except msgspec.ValidationError:
        return "without an id"
