"""The DHCP options and boot settings of a network and its subnets, for dnsmasq's files. Pure."""

from collections.abc import Sequence

from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import Option
from ipam.protocol.dhcp_state import FullNetwork, ServedDhcpOption, ServedSubnet
from ipam.rules import dhcp_settings
from ipam.rules.boot import Boot
from ipam.rules.dhcp_options import DhcpOption
from ipam.rules.dhcp_settings import Settings


def told_options(
    row: FullNetwork, subnet: ServedSubnet, faults: list[str] | None = None
) -> list[DhcpOption]:
    """What machines of the subnet are told beside its other attributes. Of two, the later counts.

    What cannot be sent is left out and named in `faults`.
    """
    reasons: list[str] = []
    found = dhcp_settings.told(
        _settings(row.dhcp_options, row.dhcp_boot),
        _settings(subnet.dhcp_options, subnet.dhcp_boot),
        subnet.ip_version,
        reasons,
    )
    if faults is not None:
        faults += [f"subnet {subnet.id}: {reason}" for reason in reasons]
    return [one.option for one in found]


def settings_options(row: FullNetwork, subnet: ServedSubnet, faults: list[str]) -> list[Option]:
    """The same, as dnsmasq is told of it."""
    lines = []
    for one in told_options(row, subnet, faults):
        try:
            lines.append(_line(subnet, one))
        except ValueError as error:
            faults.append(f"subnet {subnet.id}: {error}")
    return lines


def lease_seconds(row: FullNetwork, subnet: ServedSubnet) -> int:
    """How long the leases of the subnet are."""
    return row.lease_seconds if subnet.lease_seconds is None else subnet.lease_seconds


def tells_architectures(row: FullNetwork) -> bool:
    """Whether it matters what firmware a machine has."""
    return bool(row.dhcp_boot) or any(one.dhcp_boot for one in row.subnets)


def _settings(options: Sequence[ServedDhcpOption], boot: Boot | None) -> Settings:
    return Settings([(one.opt_name, one.opt_value, one.ip_version) for one in options], boot)


def _line(subnet: ServedSubnet, option: DhcpOption) -> Option:
    tags = (safe_words.subnet_tag(subnet.id), *map(safe_words.condition, option.conditions))
    values = tuple(map(safe_words.option_value, option.values))
    return Option(tags, safe_words.option_number(option.number, option.ip_version), values)
