"""[agent]: how an agent reaches the API, and what it may do on its host."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from oslo_config import cfg, types

from ipam.rules.mappings import INTERFACE, Mappings


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The settings of [agent]."""

    api_url: str
    auth_strategy: Literal["http_basic", "keystone"]
    username: str
    password: str
    password_file: Path | None
    ca_file: Path | None
    certificate_file: Path | None
    key_file: Path | None
    tls_minimum_version: Literal["1.2", "1.3"]
    poll_interval: float
    report_interval: float
    wake_ip: str
    wake_port: int
    state_path: Path
    run_path: Path
    drastic_fraction: float
    allow_drastic: bool
    dnsmasq: str
    allow_vulnerable_dnsmasq: bool
    hook: Literal["auto", "python", "lua"]
    hook_user: str
    vif_type: Literal["", "tap", "bridge"]
    availability_zone: str
    physical_interface_mappings: Mappings
    bridge_mappings: Mappings
    local_ip: str
    udp_dstport: int
    port_filter: bool


MAPPING: Final = rf"^[^:]{{1,64}}:{INTERFACE}$"

OPTIONS: Final = [
    cfg.StrOpt(
        "api_url",
        default="",
        sample_default="https://network.example.org",
        help="URL of the API. Empty means the local Unix socket ([api] socket).",
    ),
    cfg.StrOpt(
        "auth_strategy",
        default="http_basic",
        choices=["http_basic", "keystone"],
        help="How the agent signs in at api_url: with username and password, or with Keystone as"
        " [agent_keystone] says. The same as [api] auth_strategy there.",
    ),
    cfg.StrOpt(
        "username",
        default="",
        sample_default="agent@node-7",
        help="http_basic user of the agent; not needed on the socket. `ipam agent enrol` makes one"
        " that may do nothing but what the agent of its host does.",
    ),
    cfg.StrOpt(
        "password",
        default="",
        secret=True,
        help="Password of that user. Let nobody but the agent's own user read the file.",
    ),
    cfg.StrOpt(
        "password_file",
        default="",
        sample_default="/etc/ipam/agent.password",
        help="File with that password, instead of `password`: the settings can then be read by"
        " everybody.",
    ),
    cfg.StrOpt(
        "ca_file",
        default="",
        sample_default="/etc/ipam/ca.pem",
        help="PEM file of the authority that signed the API's certificate. Empty means those of"
        " the system.",
    ),
    cfg.StrOpt(
        "certificate_file",
        default="",
        sample_default="/etc/ipam/agent.pem",
        help="PEM file of the agent's certificate, instead of a password. A changed file counts"
        " from the next connection on.",
    ),
    cfg.StrOpt(
        "key_file",
        default="",
        sample_default="/etc/ipam/agent.key",
        help="PEM file of its key. Empty means that it is in certificate_file.",
    ),
    cfg.StrOpt(
        "tls_minimum_version",
        default="1.2",
        choices=["1.2", "1.3"],
        help="The oldest version of TLS that is spoken.",
    ),
    cfg.FloatOpt(
        "poll_interval",
        default=2.0,
        min=0.1,
        help="Seconds between two polls of the API. Changes wake the agent at once, if the API is"
        " on the same host or may send to wake_port. Others take at most this long to reach it.",
    ),
    cfg.FloatOpt(
        "report_interval",
        default=30.0,
        min=1,
        help="Seconds between heartbeats; keep below half of [network] agent_down_time.",
    ),
    cfg.PortOpt(
        "wake_port",
        default=9697,
        help="The UDP port at which APIs of other hosts tell the agent that there is something"
        " new, by datagrams of 40 octets and the numbers of networks. Only those with its key"
        " count. Let the APIs'"
        " hosts send to it. 0 for none: the agent then asks each poll_interval only.",
    ),
    cfg.StrOpt(
        "wake_ip",
        default="",
        sample_default="192.0.2.11",
        help="The address of this host to which they send. Empty means the one from which it"
        " reaches api_url; none if api_url is empty or on this host.",
    ),
    cfg.StrOpt(
        "state_path",
        default="",
        sample_default="/var/lib/ipam/agent",
        help="Directory of the agent's state: its lease inbox, its last known networks, the"
        " hook. Empty means agent in [DEFAULT] state_path. The agent runs as root. If that"
        " directory belongs to another user, as in the systemd units, give the agent one"
        " of its own.",
    ),
    cfg.StrOpt(
        "run_path",
        default="",
        sample_default="/run/ipam-agent",
        help="Directory of what dnsmasq reads, and of the socket of its hook. Empty means run_path"
        " in [DEFAULT]. Who owns that directory can put something else in their place, which"
        " dnsmasq reads as root: give the agent one of its own as for state_path. Choose it"
        " before the agent's first start.",
    ),
    cfg.FloatOpt(
        "drastic_fraction",
        default=0.5,
        min=0,
        max=1,
        help="A plan that stops more than this fraction of the running dnsmasq servers (and"
        " more than two) is refused until [agent] allow_drastic is set, or until the"
        " networks are deleted one by one.",
    ),
    cfg.BoolOpt(
        "allow_drastic",
        default=False,
        help="Carry out plans that stop most servers. Set it while you empty a host on purpose.",
    ),
    cfg.StrOpt(
        "dnsmasq",
        default="dnsmasq",
        help="The dnsmasq program: a name to look up in PATH, or a path.",
    ),
    cfg.BoolOpt(
        "allow_vulnerable_dnsmasq",
        default=False,
        help="Serve with a dnsmasq that may have CVE-2026-4892, by which DHCP clients overflow a"
        " buffer of a root process. Set it if your distribution has repaired its dnsmasq under"
        " a version that does not tell so; of Debian's packages the agent knows it.",
    ),
    cfg.StrOpt(
        "hook",
        default="auto",
        choices=["auto", "python", "lua"],
        help="What dnsmasq tells its events to: a script in Python, started for each (about 100 a"
        " second), or one in Lua inside dnsmasq, for thousands a second. auto takes Lua if dnsmasq"
        " has it (Debian's dnsmasq-base-lua). dnsmasq does not tell Lua vendor class, user"
        " class, requested options, tags and supplied name.",
    ),
    cfg.StrOpt(
        "hook_user",
        default="dnsmasq",
        help="Unprivileged user that runs the lease hook (dnsmasq's dhcp-scriptuser).",
    ),
    cfg.StrOpt(
        "vif_type",
        default="",
        choices=["", "tap", "bridge"],
        help="binding:vif_type of the ports bound to this host. Empty leaves it to the API.",
    ),
    cfg.ListOpt(
        "physical_interface_mappings",
        default=[],
        item_type=types.String(regex=MAPPING),
        sample_default="physnet1:eth1",
        help="PHYSICAL_NETWORK:INTERFACE for each physical network that this host reaches, as in"
        " Neutron. A flat network gets the interface on its bridge, so the host itself cannot use"
        " that; a vlan network gets eth1.<segmentation id>.",
    ),
    cfg.ListOpt(
        "bridge_mappings",
        default=[],
        item_type=types.String(regex=MAPPING),
        sample_default="physnet1:br-ex",
        help="PHYSICAL_NETWORK:BRIDGE of bridges that you made, each with its uplink: the flat"
        " network of that physical network is there, beside the host's own address. Of several"
        " uplinks, physical_interface_mappings names the right one.",
    ),
    cfg.StrOpt(
        "local_ip",
        default="",
        sample_default="192.0.2.11",
        help="The address of this host, IPv4 or IPv6, by which vxlan networks reach it from other"
        " hosts. Empty means no tunnels. Let only the hosts reach it: VXLAN has no passwords.",
    ),
    cfg.PortOpt(
        "udp_dstport",
        default=4789,
        help="The UDP port of the tunnels, the same on all hosts. Neutron's Linux bridge agent had"
        " 8472 unless it was set.",
    ),
    cfg.StrOpt(
        "availability_zone",
        default="nova",
        help="The availability zone of this host. Networks with availability_zone_hints are"
        " served only by agents of those zones. The default is Neutron's.",
    ),
    cfg.BoolOpt(
        "port_filter",
        default=True,
        help="Let the ports of this host send only from their own addresses, with an nftables"
        " table of the agent's own. Off removes the table. Where nft is missing, or the kernel"
        " does not take the rules, ports are not guarded, and `ipam agent show` says why.",
    ),
]
