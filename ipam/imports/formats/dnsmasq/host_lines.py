"""One `dhcp-host`, or a line of a hosts file. As case 'G' of dnsmasq's option.c."""

import re
from dataclasses import dataclass, field
from typing import Final

from ipam.imports import words
from ipam.imports.estate import INFINITE, Draft, LeaseSeconds, Place
from ipam.imports.formats.dnsmasq.lines import Line, shown
from ipam.rules.dhcp_option_values import SHORTEST_LEASE_SECONDS

LABEL_MAX: Final = 63

_LEASE_TIME = re.compile(r"[0-9]+[smhdwSMHDW]?")
_PATTERN = re.compile(r"([0-9a-fA-F]{1,2}-)?([0-9a-fA-F]{1,2}|\*)([:-]([0-9a-fA-F]{1,2}|\*))*")
_TYPED = re.compile(r"([0-9a-fA-F]{1,2})-([0-9a-fA-F:]+)")
_LIKE_MAC = re.compile(
    r"[0-9a-fA-F]{2}([-.][0-9a-fA-F]{2}){5}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}"
)
_LIKE_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_LEGAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_/-]*)")


@dataclass(slots=True)
class HostLine:
    """What a line says of a machine."""

    place: Place
    macs: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    """MACs with `*`, and of other hardware than Ethernet."""
    client_id: str | None = None
    address: str | None = None
    addresses6: list[str] = field(default_factory=list)
    """As written between the brackets, without them."""
    name: str | None = None
    domain: str = ""
    lease_seconds: LeaseSeconds = None
    ignored: bool = False
    tags: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    from_ethers: bool = False

    @property
    def subject(self) -> str:
        """What people know it by."""
        for one in (*self.macs[:1], *self.patterns[:1], self.address, self.name, self.client_id):
            if one:
                return one
        return str(self.place)


class Hosts(list[HostLine]):
    """The hosts that were read so far, in their order, and found by what is theirs."""

    def __init__(self) -> None:
        super().__init__()
        self._addresses: dict[str, HostLine] = {}
        self._names: dict[str, HostLine] = {}
        self._macs: dict[str, HostLine] = {}

    def add(self, host: HostLine) -> None:
        """Append a host."""
        self.append(host)
        self.note(host)

    def note(self, host: HostLine) -> None:
        """Find the host by what it has now."""
        if host.address:
            self._addresses.setdefault(host.address, host)
        if host.name:
            self._names.setdefault(host.name.lower(), host)
        if len(host.macs) == 1 and not host.patterns:
            self._macs.setdefault(host.macs[0], host)

    def at(self, address: str | None) -> HostLine | None:
        """Who has the address."""
        found = self._addresses.get(address or "")
        return found if found is not None and found.address == address else None

    def named(self, name: str) -> HostLine | None:
        """Who has the name."""
        return self._names.get(name.lower())

    def alone_with(self, mac: str) -> HostLine | None:
        """Who has this MAC and no other."""
        found = self._macs.get(mac)
        return found if found is not None and found.macs == [mac] else None

    def free(self, address: str) -> None:
        """Forget who has the address."""
        self._addresses.pop(address, None)


def read_host(draft: Draft, line: Line) -> HostLine | None:
    """The host of a line; None for a line that dnsmasq refuses, which is reported."""
    host = HostLine(line.place)
    for part in line.parts():
        if part and not _read_part(draft, host, part):
            return None
    return host


def name_fault(name: str) -> tuple[str, str] | None:
    """The code and the reason if dnsmasq refuses a host name."""
    if any(len(label) > LABEL_MAX for label in name.split(".")):
        return "name_too_long", f"a label of '{name[:100]}' has more than {LABEL_MAX} characters"
    if not _LEGAL.fullmatch(name.partition(".")[0]):
        return "hostname_not_legal", f"'{name[:100]}' is no host name"
    return None


def _read_part(draft: Draft, host: HostLine, part: str) -> bool:
    if ":" in part or (part.startswith("[") and part.endswith("]")):
        return _read_with_colon(draft, host, part)
    text = shown(part)
    if "." in text and (address := words.address(text)):
        if host.address:
            _refuse(draft, host, "several_addresses", f"it has {host.address} and {address}")
            return False
        host.address = address
    elif _LEASE_TIME.fullmatch(text):
        seconds = words.seconds(text)
        if seconds is None:
            return _refuse(draft, host, "bad_lease_time", f"'{text[:40]}' is no lease time")
        host.lease_seconds = max(seconds, SHORTEST_LEASE_SECONDS)
    elif text == INFINITE:
        host.lease_seconds = INFINITE
    elif text == "ignore":
        host.ignored = True
    else:
        return _read_name(draft, host, text)
    return True


def _read_with_colon(draft: Draft, host: HostLine, part: str) -> bool:
    word, _, rest = part.partition(":")
    if word == "id":
        text = shown(rest)
        if text != "*":
            host.client_id = words.octets(text) or words.hex_of(text.encode())
    elif word in ("set", "net"):
        host.tags.append(shown(rest))
    elif word == "tag":
        host.conditions.append(shown(rest))
    elif part.startswith("["):
        host.addresses6.append(part.strip("[]"))
    elif mac := words.mac(part):
        host.macs.append(mac)
    elif (typed := _TYPED.fullmatch(part)) and int(typed[1], 16) == 1:
        if not (mac := words.mac(typed[2])):
            return _refuse(draft, host, "bad_mac", f"'{part[:40]}' is no MAC address")
        host.macs.append(mac)
    elif _PATTERN.fullmatch(part):
        host.patterns.append(part)
    else:
        return _refuse(draft, host, "bad_mac", f"'{part[:60]}' is no MAC address")
    return True


def _read_name(draft: Draft, host: HostLine, text: str) -> bool:
    if fault := name_fault(text):
        return _refuse(draft, host, *fault)
    if _LIKE_MAC.fullmatch(text):
        draft.problem(
            host.place,
            "name_like_mac",
            text,
            f"dnsmasq takes '{text}' for a host name, since a MAC address has colons."
            " No machine is meant by it here either.",
        )
    elif _LIKE_ADDRESS.fullmatch(text):
        draft.problem(
            host.place,
            "not_an_address",
            text,
            f"'{text}' is no IPv4 address, and dnsmasq takes it for a host name: the machine gets"
            " no address.",
        )
        return True
    if host.name:
        draft.problem(
            host.place,
            "several_names",
            host.subject,
            f"It has the names '{host.name}' and '{text}': the last one counts in dnsmasq 2.90,"
            " and 2.93 refuses the line.",
        )
    host.name, _, host.domain = text.partition(".")
    return True


def _refuse(draft: Draft, host: HostLine, code: str, reason: str) -> bool:
    draft.problem(
        host.place, code, host.subject, f"dnsmasq refuses the line: {reason}. It is left out."
    )
    if host.address:
        draft.hold(host.place, host.address, "its line is refused by dnsmasq")
    return False
