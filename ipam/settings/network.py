"""[network]: defaults and limits of networks and their ports."""

from dataclasses import dataclass
from typing import Final, Literal

from oslo_config import cfg, types

from ipam.rules import segments


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """The settings of [network]."""

    global_physnet_mtu: int
    overlay_ip_version: Literal[4, 6]
    default_network_type: Literal["local", "vlan", "vxlan"]
    vni_ranges: segments.Ranges
    network_vlan_ranges: segments.Ranges
    dns_domain: str
    serve_own_names: bool
    dhcp_lease_duration: int
    address_cooldown_seconds: int
    give_cooling_addresses: bool
    max_dns_nameservers: int
    max_subnet_host_routes: int
    max_fixed_ips_per_port: int
    max_allowed_address_pair: int
    dhcp_agents_per_network: int
    agent_down_time: int
    vif_type: Literal["tap", "bridge"]
    nearly_full_percent: int


NAME_SERVERS_MAX: Final = 20
HOST_ROUTES_MAX: Final = 200
FIXED_IPS_MAX: Final = 100
ADDRESS_PAIRS_MAX: Final = 500

OPTIONS: Final = [
    cfg.IntOpt(
        "global_physnet_mtu",
        default=1500,
        min=68,
        help="MTU in bytes of a network that is created without one, as in Neutron. A vxlan"
        " network has 50 less, or 70 with tunnels over IPv6.",
    ),
    cfg.StrOpt(
        "overlay_ip_version",
        default="4",
        choices=["4", "6"],
        help="IP version of the tunnels of vxlan networks: that of every [agent] local_ip.",
    ),
    cfg.StrOpt(
        "default_network_type",
        default="local",
        choices=["local", "vlan", "vxlan"],
        help="provider:network_type of a network that is created without one. vlan and vxlan"
        " networks get a free id of the ranges below. A local network has no id.",
    ),
    cfg.ListOpt(
        "vni_ranges",
        default=[],
        item_type=types.String(regex=r"^\d{1,8}:\d{1,8}$"),
        sample_default="1000:1999",
        help="FIRST:LAST ids for vxlan networks that are created without one. A request may"
        " name an id outside. If empty, requests for vxlan networks must name an id.",
    ),
    cfg.ListOpt(
        "network_vlan_ranges",
        default=[],
        deprecated_name="vlan_ranges",
        item_type=types.String(regex=r"^[^:]{1,64}(:\d{1,4}:\d{1,4})?$"),
        sample_default="physnet1:100:199",
        help="PHYSICAL_NETWORK:FIRST:LAST ids for vlan networks that are created without one,"
        " like vni_ranges. PHYSICAL_NETWORK alone means all of its ids, as in Neutron.",
    ),
    cfg.StrOpt(
        "dns_domain",
        default="",
        help="Domain given to machines of a network that has no dns_domain of its own.",
    ),
    cfg.BoolOpt(
        "serve_own_names",
        default=False,
        help="Have resolvers answer, too, to what a port's machine calls itself in DHCP, where"
        " that is another name than the port's and nobody has it, for ports of the network's own"
        " project. Off, because whoever controls a machine may then take any free name of its"
        " network. A change counts for each machine from its next renewal.",
    ),
    cfg.IntOpt(
        "dhcp_lease_duration",
        default=86400,
        min=120,
        help="Lease time in seconds. The default is Neutron's. With a shorter time absent"
        " machines are noticed sooner, but each machine makes a lease event in half that"
        " time.",
    ),
    cfg.IntOpt(
        "address_cooldown_seconds",
        default=600,
        min=0,
        help="How many seconds a released address is not given to another port, so that caches"
        " and half-dead machines forget it. A request that names the address gets it at"
        " once.",
    ),
    cfg.BoolOpt(
        "give_cooling_addresses",
        default=True,
        help="Give the address that has cooled longest if no other address of a subnet is"
        " free. Without it such a request is refused until a cooldown ends.",
    ),
    cfg.IntOpt(
        "max_dns_nameservers",
        default=5,
        min=0,
        max=NAME_SERVERS_MAX,
        help="The most dns_nameservers of a subnet. The default is Neutron's.",
    ),
    cfg.IntOpt(
        "max_subnet_host_routes",
        default=20,
        min=0,
        max=HOST_ROUTES_MAX,
        help="The most host_routes of a subnet. The default is Neutron's. A DHCP answer has"
        " room for about 20 IPv4 routes.",
    ),
    cfg.IntOpt(
        "max_fixed_ips_per_port",
        default=5,
        min=1,
        max=FIXED_IPS_MAX,
        help="The most fixed_ips that a request may name for a port. The default is Neutron's, and"
        " as there it does not bind ports whose device_owner begins with network:.",
    ),
    cfg.IntOpt(
        "max_allowed_address_pair",
        default=10,
        min=0,
        max=ADDRESS_PAIRS_MAX,
        help="The most allowed_address_pairs of a port. The default is Neutron's.",
    ),
    cfg.IntOpt(
        "dhcp_agents_per_network",
        default=1,
        min=1,
        help="How many agents serve the ports of a network that are bound to no host.",
    ),
    cfg.IntOpt(
        "agent_down_time",
        default=75,
        min=2,
        help="Seconds without a heartbeat after which an agent counts as dead. The default is"
        " Neutron's. It must be more than twice [agent] report_interval.",
    ),
    cfg.StrOpt(
        "vif_type",
        default="tap",
        choices=["tap", "bridge"],
        help="binding:vif_type of a bound port whose agent names none. `tap` works with every"
        " Nova; Nova 34 and later refuse `bridge`.",
    ),
    cfg.IntOpt(
        "nearly_full_percent",
        default=90,
        min=1,
        max=100,
        help="From how many percent of its addresses in use on a subnet is nearly full: /metrics"
        " counts those, and `ipam subnet usage` marks them.",
    ),
]
