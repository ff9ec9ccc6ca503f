"""Every setting of the API, the agent and the worker, in one INI file read by oslo.config.

The lease hook and the command line do not import this module. `ipam config sample` prints what
stands here, so each help text gives the unit, the default's reason and the effect of a change.
"""

import logging
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg, types

LOG = logging.getLogger(__name__)

DEFAULT_CONFIG_FILE = "/etc/ipam/ipam.conf"

default_opts = [
    cfg.StrOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<host name>",
        help="The name of this host in ports' binding:host_id and in agents. Nova sends its own"
        " [DEFAULT] host there, so on a compute node the two must be the same.",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/ipam",
        help="Directory for what must outlive a restart: the SQLite database, the htpasswd file,"
        " the agent's lease inbox and its last known state.",
    ),
    cfg.StrOpt(
        "run_path",
        default="/run/ipam",
        help="Directory for sockets, and for the dnsmasq files that the agent writes anew after"
        " a reboot.",
    ),
    cfg.StrOpt(
        "log_level",
        default="INFO",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="The least severe message that is logged. Logs go to standard error, one line each.",
    ),
]

database_opts = [
    cfg.StrOpt(
        "connection",
        default="",
        sample_default="sqlite:////var/lib/ipam/ipam.sqlite",
        secret=True,
        help="SQLAlchemy URL of the database: sqlite:///PATH, postgresql+psycopg://… or"
        " mysql+pymysql://…. Empty means ipam.sqlite in state_path. SQLite suits one machine;"
        " use PostgreSQL or MariaDB where several hosts run the API.",
    ),
    cfg.IntOpt(
        "pool_size",
        default=20,
        min=1,
        help="Connections one process keeps open at most. A request holds one; with fewer"
        " connections than [api] threads, requests wait for each other.",
    ),
    cfg.IntOpt(
        "max_attempts",
        default=10,
        min=1,
        help="How often a transaction is tried that the database refused for a transient reason"
        " (deadlock, serialisation, certification). After the last one the answer is 503.",
    ),
]

api_opts = [
    cfg.StrOpt(
        "bind_host",
        default="127.0.0.1",
        help="Address the API listens on for TCP. Only this machine by default: put a TLS proxy"
        " in front before you open it, http_basic sends passwords in the clear.",
    ),
    cfg.PortOpt(
        "bind_port",
        default=9696,
        help="TCP port of the API: 9696 is what OpenStack's installers expect of the network"
        " service. 0 takes a free one.",
    ),
    cfg.StrOpt(
        "socket",
        default="",
        sample_default="/run/ipam/api.sock",
        help="Unix socket of the API for root and the service's own user, who need no password."
        " Empty means api.sock in run_path.",
    ),
    cfg.IntOpt(
        "threads",
        default=8,
        min=1,
        help="Requests one API process works on at a time. More help only while the database is"
        " slow: Python runs one of them at a time.",
    ),
    cfg.StrOpt(
        "public_url",
        default="",
        sample_default="https://network.example.org",
        help="The URL under which clients reach the API, without /v2.0, for the links in answers."
        " Empty means what the request says (Host, X-Forwarded-Proto, X-Forwarded-Host).",
    ),
    cfg.StrOpt(
        "auth_strategy",
        default="http_basic",
        choices=["http_basic", "keystone"],
        help="Who may call over TCP: http_basic asks for a user of the htpasswd file, keystone for"
        " a token, checked as [keystone_authtoken] says (needs dnsmasq-ipam[keystone]). The Unix"
        " socket needs neither.",
    ),
    cfg.StrOpt(
        "htpasswd_file",
        default="",
        sample_default="/var/lib/ipam/htpasswd",
        help="bcrypt htpasswd file of the http_basic users, written by `ipam user`. Empty means"
        " htpasswd in state_path.",
    ),
    cfg.IntOpt(
        "auth_cache_seconds",
        default=300,
        min=0,
        help="How long a checked password is trusted before bcrypt (some 60 ms of CPU) runs"
        " again. A changed htpasswd file empties the cache at once.",
    ),
    cfg.IntOpt(
        "max_body_bytes",
        default=1_048_576,
        min=1024,
        help="Longest request body read; a longer one gets 413. 1 MiB holds a bulk of some"
        " 3,000 ports.",
    ),
    cfg.BoolOpt(
        "metrics_public",
        default=True,
        help="Whether /metrics is answered without authentication, as Prometheus likes it; else"
        " it is for admins. It tells numbers, no names.",
    ),
    cfg.BoolOpt(
        "metrics_totals",
        default=True,
        help="Whether /metrics counts networks, subnets, ports, leases, addresses and the events"
        " that wait for Nova. A scrape then reads an index of each table: some 10 ms of the"
        " database for 100,000 rows.",
    ),
    cfg.BoolOpt(
        "metrics_per_subnet",
        default=False,
        help="Whether /metrics has the addresses of each subnet: two lines for each of them.",
    ),
    cfg.IntOpt(
        "page_size_max",
        default=0,
        min=0,
        help="Most items in one answer to a list, whatever `limit` asks. 0 sets no bound.",
    ),
]

network_opts = [
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

agent_opts = [
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
        "username", default="", help="http_basic user of the agent; not needed on the socket."
    ),
    cfg.StrOpt(
        "password",
        default="",
        secret=True,
        help="Password of that user. Let nobody but the agent's own user read the file.",
    ),
    cfg.FloatOpt(
        "poll_interval",
        default=2.0,
        min=0.1,
        help="Seconds between two looks at the API. Changes made by an API on the same host wake"
        " the agent at once; this bounds how late it hears of others.",
    ),
    cfg.FloatOpt(
        "report_interval",
        default=30.0,
        min=1,
        help="Seconds between heartbeats; keep below half of [network] agent_down_time.",
    ),
    cfg.StrOpt(
        "state_path",
        default="",
        sample_default="/var/lib/ipam/agent",
        help="The agent's part of the state: its lease inbox, its last known state, the hook."
        " Empty means agent in [DEFAULT] state_path. The agent is root: where that directory is"
        " another user's, as the API's is in the systemd units, give it one of its own.",
    ),
    cfg.FloatOpt(
        "drastic_fraction",
        default=0.5,
        min=0,
        max=1,
        help="A plan that stops more than this part of the running dnsmasq servers (and more than"
        " two) is refused until [agent] allow_drastic is set, or the API says the same thing"
        " with its networks deleted one by one.",
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
    cfg.StrOpt(
        "availability_zone",
        default="nova",
        help="The availability zone of this host. Networks with availability_zone_hints are"
        " served by agents of those zones alone; Neutron's default for hosts without a plan.",
    ),
]

worker_opts = [
    cfg.FloatOpt(
        "interval",
        default=15.0,
        min=0.1,
        help="Seconds between two rounds of housekeeping: leases that ended unseen, networks of"
        " dead agents, addresses held for processes that are gone.",
    ),
    cfg.IntOpt(
        "lease_grace_seconds",
        default=60,
        min=0,
        help="How long after its end a lease is taken for ended though no DHCP server said so.",
    ),
    cfg.IntOpt(
        "lease_event_retention_days",
        default=365,
        min=0,
        help="Age in days at which lease events are deleted, and the allocation history of"
        " addresses that were given back. 0 keeps them for ever.",
    ),
]

compute_opts = [
    cfg.BoolOpt(
        "send_events",
        default=False,
        help="Tell Nova of its servers' ports, signing in as [nova] says: plugged, unplugged,"
        " changed, deleted. Without it no server that waits for its port ever boots. The API notes"
        " the events, `ipam worker` sends them: set it for both.",
    ),
    cfg.FloatOpt(
        "events_interval",
        default=1.0,
        min=0.1,
        help="Seconds between two looks of the worker for events to send. An API on the same host"
        " wakes it at once; this bounds how late it hears of others.",
    ),
    cfg.BoolOpt(
        "reclaim_orphans",
        default=False,
        help="Let the worker compare ports with Nova's servers and give back the ports whose"
        " server is gone, as `ipam compute audit --reclaim` does.",
    ),
    cfg.FloatOpt(
        "audit_interval",
        default=300.0,
        min=1,
        help="Seconds between two such comparisons. A port is given back only after two of them"
        " found its server gone.",
    ),
    cfg.IntOpt(
        "orphan_grace_seconds",
        default=900,
        min=0,
        help="How long a port was left unchanged before it counts as an orphan: longer than a"
        " server takes from its first port to its row in Nova's database.",
    ),
]

quotas_opts = [
    cfg.IntOpt(
        f"quota_{resource}",
        default=-1,
        min=-1,
        max=2**31 - 1,
        help=f"How many {words} a project may have; -1 sets no limit. {why}"
        " `ipam quota set` gives one project another limit.",
    )
    for resource, words, why in (
        ("network", "networks", "A limit makes requests of one project wait for each other."),
        ("subnet", "subnets", "As quota_network."),
        (
            "port",
            "ports",
            "With any other value Nova counts a project's ports by listing them for each server.",
        ),
        ("subnetpool", "subnet pools", "As quota_network."),
        ("rbac_policy", "RBAC policies", "As quota_network."),
    )
]

GROUPS: dict[str, Sequence[cfg.Opt]] = {
    "DEFAULT": default_opts,
    "database": database_opts,
    "api": api_opts,
    "network": network_opts,
    "agent": agent_opts,
    "worker": worker_opts,
    "compute": compute_opts,
    "quotas": quotas_opts,
}

FOREIGN: dict[str, Sequence[tuple[str, str, str]]] = {
    "keystone_authtoken": (
        (
            "www_authenticate_uri",
            "https://keystone.example.org/v3",
            "Keystone as clients reach it: named in the WWW-Authenticate header of a 401.",
        ),
        ("auth_url", "https://keystone.example.org/v3", "Keystone as the API reaches it."),
        ("auth_type", "password", "How the API signs in to check tokens."),
        ("username", "ipam", "The user that checks tokens: any user with the role service."),
        ("password", "secret", "Its password. Let nobody but the API's own user read the file."),
        ("user_domain_name", "Default", "The domain of that user."),
        ("project_name", "service", "The project of that user."),
        ("project_domain_name", "Default", "The domain of that project."),
        (
            "service_token_roles",
            "service",
            (
                "A request with an X-Service-Token of one of these roles is let in though the "
                "user's token has expired meanwhile, as Nova's long tasks need it."
            ),
        ),
        (
            "service_token_roles_required",
            "true",
            "Without it every valid token would count as a service token.",
        ),
        (
            "service_type",
            "network",
            "What the access rules of application credentials call this service.",
        ),
        (
            "memcached_servers",
            "127.0.0.1:11211",
            (
                "Where checked tokens are kept, for all API processes together. Empty keeps them"
                " in each process: right for one or two, one more check per token and process."
            ),
        ),
        (
            "memcache_security_strategy",
            "ENCRYPT",
            (
                "Sign (MAC) or sign and encrypt (ENCRYPT) what is kept there: who can write into"
                " an open memcached is anybody. Needs memcache_secret_key."
            ),
        ),
        ("memcache_secret_key", "secret", "The key for that, the same for every API process."),
        (
            "token_cache_time",
            "300",
            (
                "Seconds a checked token is trusted. A token that is revoked works this much "
                "longer; -1 asks Keystone for each request."
            ),
        ),
    ),
    "agent_keystone": (
        ("auth_type", "password", "How the agent signs in; or v3applicationcredential."),
        ("auth_url", "https://keystone.example.org/v3", "Keystone as the agent reaches it."),
        ("username", "ipam-agent", "A user with the role service."),
        ("password", "secret", "Its password. Let nobody but the agent's own user read the file."),
        ("user_domain_name", "Default", "The domain of that user."),
        ("project_name", "service", "The project of that user."),
        ("project_domain_name", "Default", "The domain of that project."),
    ),
    "nova": (
        ("auth_type", "password", "How the worker signs in to call Nova."),
        ("auth_url", "https://keystone.example.org/v3", "Keystone as the worker reaches it."),
        (
            "username",
            "ipam",
            "A user with the roles admin and service: Nova takes events from either, by release.",
        ),
        ("password", "secret", "Its password. Let nobody but the worker's user read the file."),
        ("user_domain_name", "Default", "The domain of that user."),
        ("project_name", "service", "The project of that user."),
        ("project_domain_name", "Default", "The domain of that project."),
        (
            "region_name",
            "RegionOne",
            "The region whose Nova it is; needed where there are several.",
        ),
        ("valid_interfaces", "internal,public", "Which of Nova's endpoints to use, best first."),
    ),
    "oslo_policy": (
        (
            "policy_file",
            "/etc/ipam/policy.yaml",
            (
                "Rules that replace the defaults of `ipam policy sample`; read when the API "
                "starts. A relative path is looked for beside the settings file."
            ),
        ),
    ),
}
"""Options of libraries that read the same file: their usual lines. The libraries register them."""


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Every group with its options: the entry point of oslo-config-generator."""
    return list(GROUPS.items())


def load(config_files: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """The settings from these files; without any, from /etc/ipam/ipam.conf where it exists.

    Raises oslo_config.cfg.Error, whose text names file, option and rule, on a bad value.
    """
    conf = cfg.ConfigOpts()
    for group, opts in GROUPS.items():
        conf.register_opts(opts, group=None if group == "DEFAULT" else group)
    conf(
        args=[],
        project="ipam",
        default_config_files=list(config_files) if config_files else _existing_default(),
        default_config_dirs=[],
    )
    _fill_paths(conf)
    _check_values(conf)
    _warn_of_unknown_names(conf.default_config_files)
    return conf


def _check_values(conf: cfg.ConfigOpts) -> None:
    """Read every option once: oslo.config finds a bad value only when it is asked for."""
    for group, opts in GROUPS.items():
        for option in opts:
            try:
                _value(conf, group, option)
            except (cfg.ConfigFileValueError, ValueError) as error:
                file = re.search(r"detail='([^']*)'", str(error))
                where = f" in {file[1]}" if file else ""
                reason = str(error).rpartition(" is not valid: ")[2]
                message = f"[{group}] {option.name}{where}: {reason}"
                raise cfg.ConfigFileValueError(message) from error


def _warn_of_unknown_names(config_files: Sequence[str]) -> None:
    """oslo.config passes over a mistyped name in silence; whoever wrote it should hear of it."""
    for path in config_files:
        sections: dict[str, dict[str, list[str]]] = {}
        cfg.ConfigParser(path, sections).parse()
        for group, values in sections.items():
            if group in FOREIGN:
                continue
            known = {option.name for option in GROUPS.get(group, ())}
            for name in values.keys() - known:
                LOG.warning("%s: there is no setting [%s] %s; it is ignored", path, group, name)


def is_changed(conf: cfg.ConfigOpts, group: str, option: cfg.Opt) -> bool:
    """Whether a file or the environment, not a default, gave the option its value."""
    location = conf.get_location(option.dest, None if group == "DEFAULT" else group)
    return bool(location and location.location.is_user_controlled)


def shown(conf: cfg.ConfigOpts, group: str, option: cfg.Opt) -> Any:
    """The option's value as anyone may see it."""
    value = _value(conf, group, option)
    if option.secret and value and not str(value).startswith("sqlite:"):
        return "***"
    return value


def _value(conf: cfg.ConfigOpts, group: str, option: cfg.Opt) -> Any:
    return conf[option.dest] if group == "DEFAULT" else conf[group][option.dest]


def _existing_default() -> list[str]:
    return [DEFAULT_CONFIG_FILE] if Path(DEFAULT_CONFIG_FILE).exists() else []


def _fill_paths(conf: cfg.ConfigOpts) -> None:
    """Give the options whose default depends on another option their value."""
    derived = {
        ("database", "connection"): f"sqlite:///{conf.state_path}/ipam.sqlite",
        ("api", "socket"): f"{conf.run_path}/api.sock",
        ("api", "htpasswd_file"): f"{conf.state_path}/htpasswd",
        ("agent", "state_path"): f"{conf.state_path}/agent",
    }
    for (group, name), value in derived.items():
        if not conf[group][name]:
            conf.set_default(name, value, group=group)
