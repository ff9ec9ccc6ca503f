"""Checks and parses a port's DHCP options. Pure.

A name is one of dnsmasq's or a number, after conditions like Ironic's (`tag:!ipxe,67`). The API
and the agent use the same rules, so the agent can send every option that the API accepts.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ipam import values
from ipam.errors import CallerError, InvalidInput
from ipam.rules import dhcp_option_table as table
from ipam.rules.dhcp_option_values import (
    Reader,
    Value,
    Whole,
    anything4,
    anything6,
    described,
    lease_time,
    octets,
    seconds,
)

LONGEST_OCTETS: Final = 255
"""The length of an IPv4 option, which one octet says."""
ROOM_OCTETS: Final = 1100
"""The room for a port's IPv4 options: an Ethernet frame, less what every answer has."""
HEADER_OCTETS: Final = 2
SECONDS_OCTETS: Final = 4
"""The width of a time in a message."""

_CONDITION = re.compile(r"tag:(!?ipxe6?)")
_NUMBER = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class DhcpOption:
    """An option to send. Without values the machine does not get the subnet's value."""

    number: int
    ip_version: int
    values: tuple[Value, ...]
    conditions: tuple[str, ...] = ()
    """Tags that the request must have, or, with `!`, must not have."""
    width: int = field(default=0, compare=False)
    """The octets of its numbers; 0 for as many as each needs."""

    @property
    def is_lease_time(self) -> bool:
        """Whether it is not an option but the length of leases."""
        return self.ip_version == 4 and self.number == table.LEASE_TIME

    @property
    def is_client_id(self) -> bool:
        """Whether it is not an option but the machine's client identifier."""
        return self.ip_version == 4 and self.number == table.CLIENT_ID


def parse(name: str, value: str, ip_version: int) -> DhcpOption:
    """The option of this name. Raises ValueError with the reason if it cannot be sent."""
    *before, word = name.split(",")
    conditions = tuple(_condition(each) for each in before)
    number, read = _known(word.lower(), ip_version)
    shown = f"opt_value {values.shown(value)} of {values.shown(name)}"
    if not value.strip():
        if ip_version == 4 and number in table.MAY_BE_EMPTY:
            return DhcpOption(number, ip_version, (), conditions)
        raise ValueError(f"{shown} is empty")
    try:
        found = read(value)
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from None
    option = DhcpOption(number, ip_version, found, conditions, _width(read))
    if (option.is_lease_time or option.is_client_id) and conditions:
        raise ValueError(f"opt_name {values.shown(name)}: {word} has no conditions")
    if ip_version == 4 and (size := _octets(option)) > LONGEST_OCTETS:
        raise ValueError(f"{shown} takes {size} octets, an option at most {LONGEST_OCTETS}")
    return option


def number_of(name: str, ip_version: int) -> int:
    """The number of the option of this name. Raises ValueError with the reason."""
    return _known(name.rpartition(",")[2].lower(), ip_version)[0]


def name_of(number: int, ip_version: int) -> str:
    """The name that dnsmasq has for an option; its number if it has none."""
    names = table.IPV4 if ip_version == 4 else table.IPV6
    return next((name for name, (code, _) in names.items() if code == number), str(number))


def known() -> Iterator[tuple[str, int, int, str]]:
    """Each option that has a name: name, number, IP version, and what its value is in words."""
    for ip_version, names in ((4, table.IPV4), (6, table.IPV6)):
        for name, (number, read) in names.items():
            yield name, number, ip_version, described(read)


def has_type(number: int, ip_version: int) -> bool:
    """Whether the form of its value does not decide what its octets are."""
    _, read = _known(str(number), ip_version)
    return read not in (anything4, anything6)


def room(option: DhcpOption) -> int:
    """How many octets of an IPv4 answer the option takes. Answers of IPv6 have room."""
    return HEADER_OCTETS + _octets(option) if option.ip_version == 4 else 0


def option_faults(options: Sequence[tuple[str, str | None, int]]) -> Iterator[CallerError]:
    """What is wrong with a port's DHCP options (name, value, IP version)."""
    return map(_fault, option_reasons(options))


def option_reasons(options: Sequence[tuple[str, str | None, int]]) -> Iterator[str]:
    """What is wrong with these DHCP options (name, value, IP version)."""
    seen = set()
    total = 0
    for name, value, version in options:
        try:
            if value is not None:  # without a value it is to be deleted
                total += room(parse(name, value, version))
        except ValueError as error:
            yield str(error)
        if (name, version) in seen:
            yield f"option {values.shown(name)} of IPv{version} is given twice"
        seen.add((name, version))
    if total > ROOM_OCTETS:
        yield f"they take {total} octets of a DHCP answer, which has {ROOM_OCTETS} for them"


def merged_options(
    present: Sequence[Mapping[str, object]], asked: Sequence[tuple[str, str | None, int]]
) -> list[dict[str, object]]:
    """The options after an update. Those asked with a value are set, without one deleted."""
    kept = {(option["opt_name"], option["ip_version"]): option["opt_value"] for option in present}
    for name, value, version in asked:
        if value is None:
            kept.pop((name, version), None)
        else:
            kept[(name, version)] = value
    return [
        {"opt_name": name, "opt_value": value, "ip_version": version}
        for (name, version), value in kept.items()
    ]


def _fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for extra_dhcp_opts. Reason: {reason}.")


def _octets(option: DhcpOption) -> int:
    return sum(map(octets, option.values))


def _width(read: Reader) -> int:
    if isinstance(read, Whole):
        return read.width
    return SECONDS_OCTETS if read in (seconds, lease_time) else 0


def _condition(text: str) -> str:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ValueError(
            f"opt_name has {values.shown(text)} before its comma, where only tag:ipxe, tag:ipxe6"
            " and, with a ! before the name, their contraries are"
        )
    return found[1]


def _known(word: str, ip_version: int) -> tuple[int, Reader]:
    """Number and reader of an option. Raises ValueError."""
    names, untold_names, untold, last, anything = (
        (table.IPV4, table.NAMES_NOT_TOLD4, table.NOT_TOLD4, 255, anything4)
        if ip_version == 4
        else (table.IPV6, table.NAMES_NOT_TOLD6, table.NOT_TOLD6, 65535, anything6)
    )
    if word in names:
        return names[word]
    number = int(word) if _NUMBER.fullmatch(word) else untold_names.get(word)
    if number is None:
        raise ValueError(f"opt_name {values.shown(word)} {_unknown(word, ip_version)}")
    if number in untold:
        raise ValueError(f"opt_name {values.shown(word)} is no option to set: {untold[number]}")
    if number > last:
        raise ValueError(f"opt_name {values.shown(word)} is no number from 1 to {last}")
    readers = dict(names.values())
    if ip_version == 4:
        readers |= table.TYPED_BY_NUMBER
    return number, readers.get(number, anything)


def _unknown(word: str, ip_version: int) -> str:
    mine, others = (table.IPV4, table.IPV6) if ip_version == 4 else (table.IPV6, table.IPV4)
    known = {*mine, *(table.NAMES_NOT_TOLD4 if ip_version == 4 else {})}
    close = difflib.get_close_matches(word, known, n=3)
    if (other := table.OTHER_NAMES.get(word)) in known or (other or "").isdecimal():
        close = [str(other)]
    reason = "is neither a DHCP option's name nor its number"
    if word in others:
        reason = f"is an option of IPv{10 - ip_version} alone"
    return f"{reason} (is {' or '.join(close)} meant?)" if close else reason
