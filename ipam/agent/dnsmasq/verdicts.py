"""Reads the lines of dnsmasq's log about its files and its clients. Pure.

It knows all lines by which dnsmasq 2.90 to 2.93 says that it dropped, refused or withheld
something, from its option.c, inotify.c, rfc2131.c, rfc3315.c, dhcp.c, lease.c and dnsmasq.c. The
lines are English, because the agent starts dnsmasq without a locale. A line of the form `… at line
N of FILE` is a verdict even if its reason is not in these tables.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

LINE_LIMIT = 1024
"""dnsmasq's limit for a line of its log."""


class Kind(StrEnum):
    """The kinds of verdicts. The values are shown, and counted in a metric."""

    HOST_DROPPED = "host-dropped"
    OPTION_DROPPED = "option-dropped"
    OPTION_LEFT_OUT = "option-left-out"
    FILES_UNREAD = "files-unread"
    ADDRESS_LEASED = "address-leased"
    ADDRESS_OF_SERVER = "address-of-server"
    ADDRESS_DECLINED = "address-declined"
    NO_RANGE = "no-range"
    NO_ADDRESS_HERE = "no-address-here"
    NAME_DROPPED = "name-dropped"
    SEND_FAILED = "send-failed"
    LEASES_UNREAD = "leases-unread"
    HOOK_FAILED = "hook-failed"
    LINES_LOST = "lines-lost"
    START_REFUSED = "start-refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that dnsmasq did not do, with the names in the line."""

    kind: Kind
    said: str
    """dnsmasq's own message."""
    file: str = ""
    """Its path in the network's directory: `hosts/<port id>`, `options/<port id>` or
    `options/network`."""
    line: int = 0
    address: str = ""
    mac: str = ""
    """The MAC address of the machine that has the address or that asked."""
    interface: str = ""
    option: int = 0


@dataclass(frozen=True, slots=True)
class FileRead:
    """dnsmasq begins to read a file: earlier verdicts about the file do not hold."""

    file: str


@dataclass(frozen=True, slots=True)
class Packet:
    """A DHCP packet that dnsmasq received or sent."""

    message: str
    """Such as `DHCPDISCOVER` or `DHCPACK`. DHCPv6's answers are `DHCPADVERTISE` and
    `DHCPREPLY`."""
    interface: str
    client: str
    """The MAC address; in DHCPv6 the DUID, of which dnsmasq shows at most 100 octets."""
    address: str
    remark: str
    """The reason of a refusal, or the host's name in an answer; often empty."""

    @property
    def is_refusal(self) -> bool:
        """True if a machine asked and did not get what it asked for."""
        if self.remark in _REFUSALS_BY_MESSAGE.get(self.message, ()):
            return True
        return self.message in ("DHCPNAK", "NOANSWER")

    @property
    def is_answer(self) -> bool:
        """True if a machine got or was offered an address."""
        granting = self.message in ("DHCPOFFER", "DHCPACK", "DHCPADVERTISE", "DHCPREPLY")
        return granting and bool(self.address) and not self.is_refusal


Said = Verdict | FileRead | Packet

_HEAD = re.compile(r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?dnsmasq(?:-[a-z]+)?(?:\[\d+\])?: ")
_OF_FILE = re.compile(r"(?P<said>.+) at line (?P<line>\d{1,9}) of (?P<path>/.+)")
_READ = re.compile(r"read (?P<path>/.+)")
# An IPv6 address has `::` or seven colons. It has no group like 00, with which DUIDs begin.
_PACKET = re.compile(
    r"(?:\d+ )?(?P<message>BOOTP|PXE|NOANSWER|DHCP[A-Z-]+)\((?P<interface>[^)]{1,15})\)"
    r" (?:(?P<address>\d+\.\d+\.\d+\.\d+|(?!0\d)(?=\S*::|(?:[^:\s]*:){7})[0-9a-f:.]+) )?"
    r"(?P<client>(?:[0-9a-f]{2}-)?[0-9a-f]{2}(?::[0-9a-f]{2})*|<null>)"
    r"(?: (?P<remark>.*))?"
)
_MAC = r"(?P<mac>\S+)"
_ADDRESS = r"(?P<address>\S+)"
_INTERFACE = r"(?P<interface>\S+)"

_WITHHELD = rf"not using configured address {_ADDRESS} because it"
_NO_RANGE = r"no address range available for DHCP(?:v6)? request"

# A file may go after dnsmasq was told of it and before it opens it. One that should be there is
# missed by whoever looks after the files.
_UNREAD = r"(?!\S+/(?:hosts|options|names)/\S+: No such file or directory)\S+: .+"

_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.FILES_UNREAD, r"bad dynamic directory \S+: .+"),
        (Kind.FILES_UNREAD, r"failed to create inotify for \S+: .+"),
        (Kind.FILES_UNREAD, rf"cannot (?:read|access|access directory) {_UNREAD}"),
        (Kind.FILES_UNREAD, rf"failed to (?:read|load names from) {_UNREAD}"),
        (Kind.ADDRESS_LEASED, rf"{_WITHHELD} is leased to {_MAC}"),
        (Kind.ADDRESS_OF_SERVER, rf"{_WITHHELD} is in use by the server or relay"),
        (Kind.ADDRESS_DECLINED, rf"{_WITHHELD} was previously declined"),
        (Kind.ADDRESS_DECLINED, rf"disabling DHCP static address {_ADDRESS} for .+"),
        (Kind.NO_RANGE, rf"{_NO_RANGE} via {_INTERFACE}"),
        (Kind.NO_RANGE, rf"{_NO_RANGE} (?:with subnet selector|from relay at) {_ADDRESS}"),
        (Kind.NO_ADDRESS_HERE, rf"DHCP packet received on {_INTERFACE} which has no address"),
        (Kind.OPTION_LEFT_OUT, r"cannot send DHCP/BOOTP option (?P<option>\d{1,5}): .+"),
        (Kind.OPTION_LEFT_OUT, r"cannot send RFC3925 option: .+"),
        (Kind.OPTION_LEFT_OUT, r"Ignoring duplicate dhcp-option (?P<option>\d{1,5})"),
        (Kind.OPTION_LEFT_OUT, r"PXE menu too large"),
        (Kind.NAME_DROPPED, r"Ignoring domain \S* for DHCP host name .+"),
        (Kind.NAME_DROPPED, rf"duplicate IP address {_ADDRESS} \(.*\) in dhcp-config directive"),
        (Kind.NAME_DROPPED, r".+ has more than one address in hostsfile, using .+"),
        (Kind.SEND_FAILED, rf"Error sending DHCP packet to {_ADDRESS}: .+"),
        (Kind.SEND_FAILED, r"failed to send packet: .+"),
        (Kind.SEND_FAILED, r"ARP-cache injection failed: .+"),
        (Kind.SEND_FAILED, r"netlink returns error: .+"),
        (Kind.LEASES_UNREAD, r"ignoring invalid line in lease database.+"),
        (Kind.LEASES_UNREAD, r"failed to parse lease database cleanly"),
        (Kind.HOOK_FAILED, r"script process (?:killed by signal|exited with status) .+"),
        (Kind.HOOK_FAILED, r"failed to execute \S+: .+"),
        (Kind.LINES_LOST, r"overflow: (?P<option>\d{1,9}) log entries lost"),
        (Kind.START_REFUSED, r"FAILED to start up"),
    )
)

_KINDS_BY_FOLDER = {"hosts": Kind.HOST_DROPPED, "options": Kind.OPTION_DROPPED}

_REFUSALS_BY_MESSAGE = {
    "DHCPDISCOVER": ("no address available", "ignored", "no unique-id", "no leases left"),
    "BOOTP": (
        "address in use",
        "disabled",
        "ignored",
        "no address available",
        "no address configured",
        "no leases left",
        "wrong network",
    ),
    "DHCPINFORM": ("ignored",),
    "DHCPSOLICIT": ("ignored",),
    "DHCPREQUEST": ("ignored",),
    "DHCPINFORMATION-REQUEST": ("ignored",),
    "DHCPADVERTISE": ("no addresses available",),
    "DHCPREPLY": (
        "address invalid",
        "address in use",
        "confirm failed",
        "lease not found",
        "no addresses available",
    ),
}


def parse(line: str, directory: str) -> Said | None:
    """The meaning of a line of the log; None if it is about no fault and no packet.

    `directory` is the directory of the network's files.
    """
    head = _HEAD.match(line[:LINE_LIMIT])
    if head is None:
        return None
    text = line[head.end() : LINE_LIMIT].rstrip()
    if found := _READ.fullmatch(text):
        return FileRead(_below(directory, found["path"]))
    if found := _PACKET.fullmatch(text):
        return _packet(found)
    if found := _OF_FILE.fullmatch(text):
        file = _below(directory, found["path"])
        kind = _KINDS_BY_FOLDER.get(file.partition("/")[0], Kind.START_REFUSED)
        return Verdict(kind, found["said"], file=file, line=int(found["line"]))
    for kind, form in _FORMS:
        if found := form.fullmatch(text):
            return _verdict(kind, text, found.groupdict())
    return None


def _packet(found: re.Match[str]) -> Packet:
    return Packet(
        found["message"],
        found["interface"],
        found["client"],
        found["address"] or "",
        (found["remark"] or "").strip(),
    )


def _verdict(kind: Kind, text: str, fields: dict[str, str | None]) -> Verdict:
    return Verdict(
        kind,
        text,
        address=fields.get("address") or "",
        mac=fields.get("mac") or "",
        interface=fields.get("interface") or "",
        option=int(fields.get("option") or 0),
    )


def _below(directory: str, path: str) -> str:
    return path.removeprefix(directory.rstrip("/") + "/")
