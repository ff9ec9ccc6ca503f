"""[network]: defaults and limits of networks and their ports."""

from dataclasses import dataclass
from typing import Final, Literal

from oslo_config import cfg, types

from ipam.rules import segments


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """The settings of [network]."""

    global_physnet_mtu: int
    default_network_type: Literal["local", "vlan", "vxlan"]
    vni_ranges: segments.Ranges
    vlan_ranges: segments.Ranges
    dns_domain: str
    dhcp_lease_duration: int
    address_cooldown_seconds: int
    give_cooling_addresses: bool
    max_dns_nameservers: int
    max_subnet_host_routes: int
    dhcp_agents_per_network: int
    agent_down_time: int
    vif_type: Literal["tap", "bridge"]


OPTIONS: Final = [
    cfg.IntOpt(
        "global_physnet_mtu",
        default=1500,
        min=68,
        help="MTU in bytes of a network that is created without one, as in Neutron.",
    ),
    cfg.StrOpt(
        "default_network_type",
        default="local",
        choices=["local", "vlan", "vxlan"],
        help="provider:network_type of a network that is created without one. vlan and vxlan take"
        " a free id of the ranges below; local has no place in the data centre.",
    ),
    cfg.ListOpt(
        "vni_ranges",
        default=[],
        item_type=types.String(regex=r"\d{1,8}:\d{1,8}"),
        sample_default="1000:1999",
        help="FIRST:LAST ids for vxlan networks that are created without one. An id that is asked"
        " for may lie outside. Empty: vxlan networks have to name theirs.",
    ),
    cfg.ListOpt(
        "vlan_ranges",
        default=[],
        item_type=types.String(regex=r"[^:]{1,64}:\d{1,4}:\d{1,4}"),
        sample_default="physnet1:100:199",
        help="PHYSICAL_NETWORK:FIRST:LAST ids for vlan networks that are created without one, as"
        " vni_ranges.",
    ),
    cfg.StrOpt(
        "dns_domain",
        default="",
        help="Domain given to machines of a network that has no dns_domain of its own.",
    ),
    cfg.IntOpt(
        "dhcp_lease_duration",
        default=86400,
        min=120,
        help="Lease time in seconds, Neutron's default. Shorter notices absent machines sooner"
        " and costs one lease event per machine and half lease.",
    ),
    cfg.IntOpt(
        "address_cooldown_seconds",
        default=600,
        min=0,
        help="How long a released address is not given to another port, so that caches and"
        " half-dead machines forget it. Whoever asks for the address by name gets it at once.",
    ),
    cfg.BoolOpt(
        "give_cooling_addresses",
        default=True,
        help="Give the address that has cooled longest when nothing else of a subnet is free."
        " Without it such a request is refused until a cooldown is over.",
    ),
    cfg.IntOpt(
        "max_dns_nameservers",
        default=5,
        min=0,
        max=20,
        help="Most dns_nameservers of a subnet, as in Neutron.",
    ),
    cfg.IntOpt(
        "max_subnet_host_routes",
        default=20,
        min=0,
        help="Most host_routes of a subnet, as in Neutron. What a DHCP answer has room for bounds"
        " them as well: some 20 IPv4 routes.",
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
        help="Seconds without a heartbeat after which an agent counts as dead. Neutron's default:"
        " more than twice [agent] report_interval.",
    ),
    cfg.StrOpt(
        "vif_type",
        default="tap",
        choices=["tap", "bridge"],
        help="binding:vif_type of a bound port whose agent names none. `tap` works with every"
        " Nova; Nova 34 and later refuse `bridge`.",
    ),
]
