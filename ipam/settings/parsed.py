"""Turns the options that oslo.config has read into structs with their final types."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg

from ipam.errors import SettingsUnfit
from ipam.rules import segments
from ipam.rules.mappings import mappings
from ipam.settings import (
    agent,
    api,
    audit,
    compute,
    database,
    dns,
    dnsmasq,
    general,
    network,
    quotas,
    worker,
)

GROUPS: Final[Mapping[str, Sequence[cfg.Opt]]] = {
    "DEFAULT": general.OPTIONS,
    "database": database.OPTIONS,
    "api": api.OPTIONS,
    "network": network.OPTIONS,
    "agent": agent.OPTIONS,
    "dnsmasq": dnsmasq.OPTIONS,
    "worker": worker.OPTIONS,
    "compute": compute.OPTIONS,
    "dns": dns.OPTIONS,
    "quotas": quotas.OPTIONS,
    "audit": audit.OPTIONS,
}


BROADCAST: Final = ip_address("255.255.255.255")


def _path_or_none(text: str) -> Path | None:
    return Path(text) if text else None


def _address_or_empty(text: str) -> str:
    return str(ip_address(text)) if text else ""


def _tunnel_end_or_empty(text: str) -> str:
    if not text:
        return ""
    found = ip_address(text)
    if (
        found.is_unspecified
        or found.is_loopback
        or found.is_link_local
        or found.is_multicast
        or found == BROADCAST
    ):
        raise ValueError(f"{text} is no address at which other hosts reach this one")
    return str(found)


READERS: Final[Mapping[tuple[str, str], Callable[[Any], Any]]] = {
    ("DEFAULT", "state_path"): Path,
    ("DEFAULT", "run_path"): Path,
    ("api", "socket"): Path,
    ("api", "htpasswd_file"): Path,
    ("audit", "chain_key_file"): _path_or_none,
    ("agent", "state_path"): Path,
    ("agent", "run_path"): Path,
    ("api", "tls_certificate_file"): _path_or_none,
    ("api", "tls_key_file"): _path_or_none,
    ("api", "tls_client_ca_file"): _path_or_none,
    ("agent", "password_file"): _path_or_none,
    ("agent", "ca_file"): _path_or_none,
    ("agent", "certificate_file"): _path_or_none,
    ("agent", "key_file"): _path_or_none,
    ("agent", "physical_interface_mappings"): mappings,
    ("agent", "bridge_mappings"): mappings,
    ("agent", "local_ip"): _tunnel_end_or_empty,
    ("agent", "wake_ip"): _address_or_empty,
    ("network", "overlay_ip_version"): int,
    ("dns", "zones"): dns.primary_servers,
    ("dns", "key_file"): _path_or_none,
    ("network", "vni_ranges"): segments.vni_ranges,
    ("network", "network_vlan_ranges"): segments.vlan_ranges,
}
"""Functions that give the final type if oslo.config has none. ValueError means a bad value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. The fields that are no group are those of [DEFAULT]."""

    host: str
    state_path: Path
    run_path: Path
    service_user: str
    log_level: str
    database: database.DatabaseSettings
    api: api.ApiSettings
    network: network.NetworkSettings
    agent: agent.AgentSettings
    dnsmasq: dnsmasq.DnsmasqSettings
    worker: worker.WorkerSettings
    compute: compute.ComputeSettings
    dns: dns.DnsSettings
    audit: audit.AuditSettings
    quotas: Mapping[str, int]
    """The limits by resource; -1 sets no limit."""
    config_opts: cfg.ConfigOpts
    """For libraries that register and read options of their own: oslo.policy, keystonemiddleware,
    keystoneauth. No other code reads it."""

    @property
    def config_files(self) -> Sequence[str]:
        """The files that were read. A later file wins over an earlier one."""
        return tuple(self.config_opts.default_config_files)


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Every group with its options. This is the entry point for oslo-config-generator."""
    return list(GROUPS.items())


def parsed(conf: cfg.ConfigOpts) -> Settings:
    """The settings. Raises SettingsUnfit with every fault, each with its option and its rule."""
    faults: list[str] = []
    values = {group: _values(conf, group, faults) for group in GROUPS}
    if faults:
        raise SettingsUnfit(faults)
    limits = {name.removeprefix(quotas.PREFIX): each for name, each in values["quotas"].items()}
    return Settings(
        **values["DEFAULT"],
        database=database.DatabaseSettings(**values["database"]),
        api=api.ApiSettings(**values["api"]),
        network=network.NetworkSettings(**values["network"]),
        agent=agent.AgentSettings(**values["agent"]),
        dnsmasq=dnsmasq.DnsmasqSettings(**values["dnsmasq"]),
        worker=worker.WorkerSettings(**values["worker"]),
        compute=compute.ComputeSettings(**values["compute"]),
        dns=dns.DnsSettings(**values["dns"]),
        audit=audit.AuditSettings(**values["audit"]),
        quotas=limits,
        config_opts=conf,
    )


def is_changed(settings: Settings, group: str, option: cfg.Opt) -> bool:
    """Whether a file or the environment, not a default, gave the option its value."""
    found = settings.config_opts.get_location(option.dest, None if group == "DEFAULT" else group)
    return bool(found and found.location.is_user_controlled)


def shown(settings: Settings, group: str, option: cfg.Opt) -> Any:
    """The option's value with passwords hidden."""
    value = _value(settings.config_opts, group, option)
    if option.secret and value and not str(value).startswith("sqlite:"):
        return "***"
    return value


def _values(conf: cfg.ConfigOpts, group: str, faults: list[str]) -> dict[str, Any]:
    """The values of a group by name, without the faulty ones.

    oslo.config finds a bad value only when it is asked for, so each option is asked for here.
    """
    values = {}
    for option in GROUPS[group]:
        try:
            value = _value(conf, group, option)
            read = READERS.get((group, option.dest))
            values[option.dest] = read(value) if read else value
        except ValueError as error:
            faults.append(f"[{group}] {option.name}{_place(conf, group, option, error)}")
    return values


def _place(conf: cfg.ConfigOpts, group: str, option: cfg.Opt, error: ValueError) -> str:
    """The end of a message, ` in FILE: RULE`, as far as it is known."""
    reason = str(error).rpartition(" is not valid: ")[2]
    if isinstance(error, cfg.ConfigSourceValueError):
        file = re.search(r"detail='([^']*)'", str(error))
        return f" in {file[1]}: {reason}" if file else f": {reason}"
    found = conf.get_location(option.dest, group)
    if found and found.location is cfg.Locations.user:
        return f" in {found.detail}: {reason}"
    return f": {reason}"


def _value(conf: cfg.ConfigOpts, group: str, option: cfg.Opt) -> Any:
    return conf[option.dest] if group == "DEFAULT" else conf[group][option.dest]
