"""Decides which DHCP options a network and its subnet tell, and which of them counts. Pure.

The order is: network, subnet, client class, port. What is nearer to the machine counts. What has
an attribute of its own, such as the gateway, is no option to set.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from ipam import model, values
from ipam.errors import CallerError, InvalidInput
from ipam.rules import boot, dhcp_options
from ipam.rules.boot import Boot
from ipam.rules.dhcp_option_values import (
    INFINITE_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_LEASE_SECONDS,
)
from ipam.rules.dhcp_options import ROOM_OCTETS, DhcpOption
from ipam.rules.ipv6 import AUTO_ADDRESS_MODES

Level: TypeAlias = Literal["network", "subnet"]
Wish: TypeAlias = tuple[str, str | None, int]
"""Name, value and IP version. Without a value a subnet's machines do not get the network's."""

INFINITE_LEASE: Final = -1
"""As Neutron's dhcp_lease_duration."""

_OF_ATTRIBUTES: Final[Mapping[int, Mapping[int, str]]] = {
    4: {
        1: "the cidr of the subnet says it",
        3: "gateway_ip of the subnet says it",
        6: "dns_nameservers of the subnet says it",
        26: "mtu of the network says it",
        51: "lease_time says it",
        61: "only a port has it",
        121: "host_routes of the subnet says it",
        249: "host_routes of the subnet says it",
    },
    6: {
        23: "dns_nameservers of the subnet says it",
        24: "dns_domain of the network says it",
    },
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a network or a subnet sets. Without boot settings, a subnet has its network's."""

    options: Sequence[Wish] = ()
    boot: Boot | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An option, and where it was set."""

    option: DhcpOption
    level: Level
    attribute: Literal["dhcp_options", "dhcp_boot"]


def read(
    options: Sequence[Mapping[str, Any]] | None, boot_settings: Boot | None, version: int = 4
) -> Settings:
    """The settings of a row. `version` is that of options that do not say theirs."""
    wishes = [
        (one["opt_name"], one["opt_value"], one.get("ip_version", version))
        for one in options or ()
    ]
    return Settings(wishes, boot_settings)


def told(
    network: Settings, subnet: Settings, version: int, unreadable: list[str] | None = None
) -> list[Told]:
    """The options of one IP version for the subnet's machines. Of one number a later one counts.

    What none gets, as a later one is for all of its requests, is left out. Reasons why an option
    cannot be sent are added to `unreadable`.
    """
    reasons: list[str] = [] if unreadable is None else unreadable
    found = _options(network, "network", version, reasons)
    if subnet.boot is None:
        found += _boot(network, "network", version, reasons)
    withheld = set(_withheld(subnet, version, reasons))
    found = [one for one in found if one.option.number not in withheld]
    found += _options(subnet, "subnet", version, reasons)
    found += _boot(subnet, "subnet", version, reasons)
    return [one for at, one in enumerate(found) if not _is_covered(one, found[at + 1 :])]


def lease_seconds(
    network: int | None, subnet: int | None, deployment: int
) -> tuple[int, Level | None]:
    """How long leases are, and who says so; None for the deployment. Infinite is 2**32 - 1."""
    if (own := seconds_of(subnet)) is not None:
        return own, "subnet"
    if (outer := seconds_of(network)) is not None:
        return outer, "network"
    return deployment, None


def seconds_of(lease_time_set: int | None) -> int | None:
    """The seconds of a lease time as it is set; 2**32 - 1 for ever, as in a message.

    None if it says nothing of them.
    """
    if lease_time_set == model.DEPRECATED:
        return None
    return INFINITE_SECONDS if lease_time_set == INFINITE_LEASE else lease_time_set


def own_faults(settings: Settings, version: int | None = None) -> list[CallerError]:
    """What is wrong with the settings of a network, or of a subnet of this IP version."""
    found = [_fault("dhcp_options", one) for one in dhcp_options.option_reasons(settings.options)]
    for name, value, of in settings.options:
        found += [_fault("dhcp_options", one) for one in _name_faults(name, value, of, settings)]
    if settings.boot is not None:
        found += [_fault("dhcp_boot", one) for one in boot.faults(settings.boot, version)]
    return found


def room_faults(network: Settings, subnet: Settings, version: int, cidr: str) -> list[CallerError]:
    """Whether the options of network and subnet fit into an answer together."""
    octets = _room(one.option for one in told(network, subnet, version))
    if octets <= ROOM_OCTETS:
        return []
    reason = (
        f"those of the network and of its subnet {cidr} together take {octets} octets of a DHCP"
        f" answer, which has {ROOM_OCTETS} for them"
    )
    return [_fault("dhcp_options", reason)]


def lease_time(seconds: int) -> int:
    """A time that leases can have. Raises ValueError for another."""
    is_time = SHORTEST_LEASE_SECONDS <= seconds <= LONGEST_SECONDS
    if not is_time and seconds != INFINITE_LEASE:
        raise ValueError(
            f"{seconds} is neither {SHORTEST_LEASE_SECONDS} to {LONGEST_SECONDS} seconds,"
            f" nor {INFINITE_LEASE} for leases that do not end"
        )
    return seconds


def subnet_lease_time(seconds: int) -> int:
    """A time that leases of a subnet can have, or 0. Raises ValueError for another."""
    return seconds if seconds == model.DEPRECATED else lease_time(seconds)


def deprecation_faults(lease_time_set: int | None, ipv6_ra_mode: str | None) -> list[CallerError]:
    """A fault if a subnet is deprecated that this service does not advertise."""
    if lease_time_set != model.DEPRECATED or ipv6_ra_mode in AUTO_ADDRESS_MODES:
        return []
    reason = (
        "0 deprecates the prefix that a subnet with the ipv6_ra_mode slaac or dhcpv6-stateless"
        " advertises; others are not advertised for addresses"
    )
    return [_fault("lease_time", reason)]


def said_by(number: int, ip_version: int) -> str:
    """Which attribute says what the option says, in words; empty if it is an option to set."""
    return _OF_ATTRIBUTES[ip_version].get(number, "")


def _name_faults(name: str, value: str | None, of: int, settings: Settings) -> Iterator[str]:
    try:
        number = dhcp_options.number_of(name, of)
    except ValueError as error:
        if value is None:  # else it is said with the value
            yield str(error)
        return
    if why := said_by(number, of):
        yield f"{values.shown(name)} is no option to set here: {why}"
    elif settings.boot and number in boot.NUMBERS[of]:
        yield f"{values.shown(name)} is what dhcp_boot says: set one of the two"


def _options(settings: Settings, level: Level, version: int, unreadable: list[str]) -> list[Told]:
    found = []
    for name, value, of in settings.options:
        if of != version or value is None:
            continue
        try:
            found.append(Told(dhcp_options.parse(name, value, of), level, "dhcp_options"))
        except ValueError as error:
            unreadable.append(str(error))
    return found


def _boot(settings: Settings, level: Level, version: int, unreadable: list[str]) -> list[Told]:
    try:
        options = boot.boot_options(settings.boot, version) if settings.boot else []
    except ValueError as error:
        unreadable.append(f"dhcp_boot: {error}")
        return []
    return [Told(one, level, "dhcp_boot") for one in options]


def _withheld(settings: Settings, version: int, unreadable: list[str]) -> Iterator[int]:
    for name, value, of in settings.options:
        if of == version and value is None:
            try:
                yield dhcp_options.number_of(name, of)
            except ValueError as error:
                unreadable.append(str(error))


def _is_covered(one: Told, later: Iterable[Told]) -> bool:
    """Whether a later option is for all requests that it is for."""
    return any(
        other.option.number == one.option.number
        and set(other.option.conditions) <= set(one.option.conditions)
        for other in later
    )


def _room(options: Iterable[DhcpOption]) -> int:
    """What they take of an answer at most, which has one of each number."""
    largest: dict[int, int] = {}
    for one in options:
        largest[one.number] = max(largest.get(one.number, 0), dhcp_options.room(one))
    return sum(largest.values())


def _fault(attribute: str, reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for {attribute}. Reason: {reason}.")
