"""Which DHCP options become attributes of a subnet, and which can only be reported. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ipam import model
from ipam.imports import words
from ipam.imports.estate import Draft, Place, Subnet
from ipam.rules import dhcp_option_table as table
from ipam.rules import dhcp_options, dhcp_settings
from ipam.rules.dhcp_options import DhcpOption
from ipam.values import NAME_LENGTH

ROUTER: Final = 3
DNS: Final = 6
MTU: Final = 26
STATIC_ROUTES: Final = (121, 249)
OF_DNSMASQ: Final = ("dnsmasq", "libvirt", "incus")
"""Formats whose options are in dnsmasq's words."""
FOLLOWING: Final = frozenset({1, 28, 51, 54, 58, 59})
"""IPv4 options that follow from the subnet, or that ipam's server makes itself."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a source: its number, its values as texts, and where it stands."""

    number: int
    version: int
    values: tuple[str, ...]
    place: Place
    name: str = ""

    @property
    def shown(self) -> str:
        """The option as people write it."""
        return self.name or str(self.number)


@dataclass(slots=True)
class Told:
    """What the options of one subnet tell its machines."""

    gateway: str | None = None
    says_gateway: bool = False
    dns: list[str] = field(default_factory=list)
    says_dns: bool = False
    routes: list[tuple[str, str]] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    octets: int = 0
    """What the options take of an answer."""


def number_of(name: str, version: int) -> int | None:
    """The number of an option by its name in any of the known servers, or by its number."""
    word = name.lower()
    if word.isdecimal() and word.isascii() and len(word) < 6:
        return int(word)
    known = table.IPV4 if version == 4 else table.IPV6
    gone = table.NAMES_NOT_TOLD4 if version == 4 else table.NAMES_NOT_TOLD6
    bare = word.removeprefix("dhcp6.")
    for one in (bare, table.OTHER_NAMES.get(bare, ""), bare.replace("name-servers", "dns-server")):
        if one in known:
            return known[one][0]
        if one in gone:
            return gone[one]
    return int(table.OTHER_NAMES.get(bare, "")) if bare == "wpad" and version == 4 else None


def told(draft: Draft, subject: str, options: Iterable[Option]) -> Told:
    """What these options tell. Every option that has no place in a subnet is reported."""
    found = Told()
    for option in options:
        match option.version, option.number:
            case 4, 3:
                addresses = _addresses(draft, subject, option, 4)
                found.says_gateway, found.gateway = True, next(iter(addresses), None)
                if len(addresses) > 1:
                    draft.problem(
                        option.place,
                        "several_routers",
                        subject,
                        f"A subnet has one gateway: {addresses[0]} is taken, "
                        f"{', '.join(addresses[1:])} left out.",
                    )
            case (4, 6) | (6, 23):
                found.says_dns = True
                found.dns = _addresses(draft, subject, option, option.version)
            case 4, (121 | 249):
                found.routes = _routes(draft, subject, option)
            case 4, number if number in FOLLOWING:
                draft.skip(option.place, f"option {option.shown}", "it follows from the subnet")
            case _:
                _option(draft, subject, option, found)
    return found


def apply(subnet: Subnet, found: Told) -> None:
    """Give a subnet what its machines are told."""
    subnet.gateway = found.gateway
    subnet.dns = found.dns
    subnet.routes = found.routes
    subnet.options = found.options


def pairs_of_routes(values: Sequence[str]) -> list[tuple[str, str]] | None:
    """Routes written as `destination,router,…`; None for another form."""
    pairs = [
        (words.prefix(one) or _host(one), words.address(two))
        for one, two in zip(values[::2], values[1::2], strict=False)
    ]
    if len(values) % 2 or any(not one or not two for one, two in pairs):
        return None
    return [(str(one), str(two)) for one, two in pairs]


def _option(draft: Draft, subject: str, option: Option, found: Told) -> None:
    """Take an option of which it is certain what octets it has; report another."""
    parsed = _certain(option, of_dnsmasq=draft.format in OF_DNSMASQ)
    if parsed is None or found.octets + dhcp_options.room(parsed) > dhcp_options.ROOM_OCTETS:
        _left_out(draft, subject, option)
        return
    found.octets += dhcp_options.room(parsed)
    name = dhcp_options.name_of(parsed.number, parsed.ip_version)
    found.options.append((name, ",".join(option.values)))


def _certain(option: Option, *, of_dnsmasq: bool) -> DhcpOption | None:
    """The option, if a subnet may have it and its value has one meaning.

    dnsmasq takes numbers and addresses by their form where it does not know the type; others have
    declared it elsewhere, so of them only a text is certain.
    """
    value = ",".join(option.values)
    try:
        parsed = dhcp_options.parse(str(option.number), value, option.version)
    except ValueError:
        return None
    if dhcp_settings.said_by(option.number, option.version) or len(value) > NAME_LENGTH:
        return None
    is_typed = of_dnsmasq or dhcp_options.has_type(option.number, option.version)
    is_text = all(type(one) is str for one in parsed.values)
    return parsed if is_typed or is_text else None


def _host(text: str) -> str | None:
    one = words.address(text)
    return one and f"{one}/{8 * len(model.pack(one))}"


def _addresses(draft: Draft, subject: str, option: Option, version: int) -> list[str]:
    found = []
    for value in option.values:
        bare = value.strip().removeprefix("[").removesuffix("]")
        one = words.address(bare) if bare else None
        if one and model.ip_version(one) == version:
            found.append(one)
        elif bare:
            draft.problem(
                option.place,
                "not_an_address",
                bare,
                f"Option {option.shown} of {subject} has '{bare[:100]}', which is no IPv{version}"
                " address. It is left out.",
            )
    return found


def _routes(draft: Draft, subject: str, option: Option) -> list[tuple[str, str]]:
    found = pairs_of_routes(option.values)
    if found is None:
        _left_out(draft, subject, option)
        return []
    return found


def _left_out(draft: Draft, subject: str, option: Option) -> None:
    value = ",".join(option.values)
    draft.problem(
        option.place,
        "option_not_taken",
        f"option {option.shown}",
        f"IPv{option.version} option {option.number} ({value[:200]}) of {subject} is no option of"
        " a subnet here, or its octets are not certain: it is left out. `ipam subnet set"
        " --dhcp-option` sets it.",
    )
