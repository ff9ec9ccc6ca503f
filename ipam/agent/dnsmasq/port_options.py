"""A port's DHCP options for dnsmasq's files, and those that cannot be sent. Pure."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import Option
from ipam.protocol.dhcp_state import ServedPort
from ipam.rules import dhcp_options
from ipam.rules.dhcp_options import DhcpOption
from ipam.templating import Word


@dataclass(frozen=True, slots=True)
class PortOptions:
    """The result of reading one port's options."""

    lines: tuple[Option, ...] = ()
    client_id: bytes | None = None
    lease_time: Word | None = None
    faults: tuple[str, ...] = ()


NO_OPTIONS: Final = PortOptions()


def port_options_of(ports: Sequence[ServedPort]) -> dict[str, PortOptions]:
    """The options of a network's ports, by port id.

    A client identifier that another machine sends, or another port has, is left out. dnsmasq
    compares identifiers before MAC addresses, so one port would take the other's machine.
    """
    found = dict.fromkeys((port.id for port in ports), NO_OPTIONS)
    if wishing := [port for port in ports if port.extra_dhcp_opts]:
        held = {_usual_client_id(port.mac_address): port.id for port in ports}
        found |= {port.id: _port_options(port, held) for port in wishing}
    return found


def _port_options(port: ServedPort, held: MutableMapping[bytes, str]) -> PortOptions:
    lines, faults = [], []
    client_id = lease_time = None
    for wish in port.extra_dhcp_opts:
        try:
            match dhcp_options.parse(wish.opt_name, wish.opt_value or "", wish.ip_version):
                case DhcpOption(is_client_id=True, values=(bytes(octets),)):
                    client_id = _claimed(octets, port.id, held)
                case DhcpOption(is_lease_time=True, values=(int(seconds),)):
                    lease_time = safe_words.lease_time(seconds)
                case option:
                    lines.append(_line(port.mac_address, option))
        except ValueError as error:
            faults.append(f"port {port.id}: {error}")
    return PortOptions(tuple(lines), client_id, lease_time, tuple(faults))


def _usual_client_id(mac_address: str) -> bytes:
    """The identifier that machines usually send: hardware type 1 and their MAC address."""
    return b"\1" + bytes.fromhex(mac_address.replace(":", ""))


def _claimed(octets: bytes, port_id: str, held: MutableMapping[bytes, str]) -> bytes:
    if (owner := held.setdefault(octets, port_id)) != port_id:
        raise ValueError(f"client-id {octets.hex(':')} is that of port {owner}")
    return octets


def _line(mac_address: str, option: DhcpOption) -> Option:
    return Option(
        (*safe_words.mac_tags(mac_address), *map(safe_words.condition, option.conditions)),
        safe_words.option_number(option.number, option.ip_version),
        tuple(map(safe_words.option_value, option.values)),
    )
