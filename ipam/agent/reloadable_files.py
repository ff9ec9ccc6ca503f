"""Makes the files that a network's dnsmasq reads again while it runs. Pure.

The API's texts go through the parsers of `safe_words` here. A value without a safe form is left
out and named in `faults`, so that an odd value removes only its own line.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from ipam import model
from ipam.agent.dhcp_subnets import DhcpSubnet, server_address
from ipam.agent.dnsmasq import config, safe_words
from ipam.agent.dnsmasq.config import Host, Option
from ipam.agent.dnsmasq.port_options import PortOptions
from ipam.agent.same_ports import SamePorts
from ipam.protocol.dhcp_state import DhcpPort, FullNetwork, ServedPort
from ipam.rules import dns_names
from ipam.rules.ipv6 import RESERVED_MAX
from ipam.rules.subnet_options import is_unspecified, told_name_servers
from ipam.templating import LineTooLongError, Word

T = TypeVar("T")


def port_files(
    dhcp_port: DhcpPort,
    ports: Iterable[ServedPort],
    *,
    addresses: Mapping[str, list[str]],
    options: Mapping[str, PortOptions],
    same: SamePorts,
    faults: list[str],
) -> dict[str, str]:
    """The reloadable files. Options come before hosts, because hosts' tags refer to options.

    `addresses` are those that DHCP gives, by port.
    """
    interface = safe_words.interface(model.dhcp_interface_name(safe_words.uuid(dhcp_port.id)))
    files, hosts = {}, {}
    for port in ports:
        if port.id in same.ids:
            if text := same.file(path := f"hosts/{port.id}"):
                hosts[path] = text
            continue
        mine = options[port.id]
        faults += mine.faults
        lines = _hosts(port, addresses[port.id], mine, faults)
        try:
            if mine.lines:
                files[f"options/{port.id}"] = config.options_file(mine.lines)
            if lines:
                hosts[f"hosts/{port.id}"] = config.hosts_file(interface, lines)
        except LineTooLongError as error:
            faults.append(f"port {port.id}: {error}")
    return files | hosts


def withheld_files(subnets: Sequence[DhcpSubnet]) -> dict[str, str]:
    """The file with the addresses of the dynamic ranges that other hosts' ports have."""
    addresses = [safe_words.address(ip) for subnet in subnets for ip in subnet.row.withheld]
    return {"hosts/withheld": config.withheld_file(addresses)} if addresses else {}


def refused_files(ports: Iterable[ServedPort], subnets: Sequence[DhcpSubnet]) -> dict[str, str]:
    """The file with the machines of ports that are off: a dynamic range is not for them."""
    if not any(subnet.row.dynamic_ranges for subnet in subnets):
        return {}  # no stranger is answered
    macs = [safe_words.mac(one.mac_address) for one in ports if one.mac_address]
    return {"hosts/refused": config.refused_file(macs)} if macs else {}


def subnet_options(
    row: FullNetwork, dhcp_port: DhcpPort, subnet: DhcpSubnet, faults: list[str]
) -> Iterable[Option]:
    """What every machine of the subnet is sent."""

    def parse_domain() -> Word | None:
        return safe_words.domain(row.dns_domain) if row.dns_domain else None

    domain = _or_fault(faults, f"network {row.id}", parse_domain)
    own = server_address(dhcp_port, subnet.row)
    told = told_name_servers(subnet.row.dns_nameservers, own)
    servers = [safe_words.address(one) for one in told]
    if subnet.network.version == 6:
        return config.subnet_options6(subnet.id, name_servers=servers, domain=domain)
    gateway = subnet.row.gateway_ip
    return config.subnet_options(
        subnet.id,
        gateway=safe_words.address(gateway) if gateway and not is_unspecified(gateway) else None,
        name_servers=servers,
        routes=[
            (safe_words.destination(route.destination), safe_words.address(route.nexthop))
            for route in subnet.row.host_routes
        ],
        domain=domain,
    )


def _hosts(
    port: ServedPort, addresses: Sequence[str], options: PortOptions, faults: list[str]
) -> list[Host]:
    """The port's entries: one per IPv4 address, each with all IPv6 addresses.

    An entry without an IPv6 address would match the machine's DHCPv6 requests and refuse them.
    """
    if not addresses:
        return []
    mac = safe_words.mac(port.mac_address)
    name = _host_name(port, addresses[0], faults)
    client_id = safe_words.client_id(options.client_id) if options.client_id else None
    four = [[safe_words.address(one)] for one in addresses if model.ip_version(one) == 4]
    six = [safe_words.address(one) for one in addresses if model.ip_version(one) == 6]
    if len(six) > RESERVED_MAX:  # the API gives no port so many
        faults.append(f"port {port.id}: DHCPv6 gives it {RESERVED_MAX} addresses, not all")
        del six[RESERVED_MAX:]
    return [
        Host(mac, name, (*first, *six), client_id, options.lease_time) for first in four or [[]]
    ]


def _host_name(port: ServedPort, address: str, faults: list[str]) -> Word:
    label = dns_names.host_label(port.hostname)
    name = _or_fault(faults, f"port {port.id}", lambda: safe_words.hostname(label))
    return name or safe_words.hostname(model.default_hostname(address))


def _or_fault(faults: list[str], what: str, parse: Callable[[], T]) -> T | None:
    try:
        return parse()
    except safe_words.UnfitError as error:
        faults.append(f"{what}: {error}")
        return None
