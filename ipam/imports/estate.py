"""What an importer understands of an estate, whatever format it was written in.

Every item has the place that it was read from. A `Draft` gathers an `Estate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ipam.errors import CallerError

FINDINGS_MAX: Final = 20_000
"""How many problems, and how many left-out subjects, are kept. The others are counted."""

INFINITE: Final = "infinite"
LeaseSeconds: TypeAlias = int | Literal["infinite"] | None
"""None where nothing is said."""


class ImportUnreadable(CallerError):  # noqa: N818  # named as those of `ipam.errors`
    """Input that cannot be understood at all: too large, or of no known kind."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(slots=True, kw_only=True)
class Network:
    """A broadcast domain. `key` names it within the estate."""

    place: Place
    key: str
    bridge: str | None = None
    vlan: int | None = None
    mtu: int | None = None
    external_id: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    """Further attributes of the Networking API that the source has under the same names."""


@dataclass(slots=True, kw_only=True)
class Subnet:
    """A prefix. `pools` are the ranges of which the source gives addresses to strangers."""

    place: Place
    cidr: str
    network: str = ""
    gateway: str | None = None
    pools: list[tuple[str, str]] = field(default_factory=list)
    lease_seconds: LeaseSeconds = None
    dns: list[str] = field(default_factory=list)
    routes: list[tuple[str, str]] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    """Further DHCP options, by name or number, with the value in dnsmasq's form."""
    boot: dict[str, str] | None = None
    """What machines load by their architecture, as `dhcp_boot`."""
    dhcp: bool = True
    server_address: str | None = None
    """The old DHCP server's own address, to which machines send their renewals."""
    external_id: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Reservation:
    """Addresses that are kept for somebody. Without MACs they are held under the name."""

    place: Place
    network: str = ""
    macs: list[str] = field(default_factory=list)
    client_id: str | None = None
    duid: str | None = None
    by_name: bool = False
    addresses: list[str] = field(default_factory=list)
    hostname: str | None = None
    lease_seconds: LeaseSeconds = None
    external_id: str | None = None
    host: str | None = None
    refused: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """What people know it by."""
        for one in (*self.macs[:1], *self.addresses[:1], self.client_id, self.duid, self.hostname):
            if one:
                return one
        return str(self.place)


@dataclass(slots=True, kw_only=True)
class Lease:
    """A lease that was alive at the time of the reading. `expires` None is never."""

    place: Place
    address: str
    mac: str | None = None
    client_id: str | None = None
    duid: str | None = None
    iaid: str | None = None
    hostname: str | None = None
    expires: int | None = None
    network: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An address that must not be given to anybody, though nobody is known to have it."""

    place: Place
    address: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What somebody must look at. `code` is for programs, `text` is the sentence for people."""

    place: Place
    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """What was left out on purpose."""

    place: Place
    subject: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Estate:
    """All that was understood."""

    format: str
    networks: list[Network] = field(default_factory=list)
    subnets: list[Subnet] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    server_duid: str | None = None
    unlisted: int = 0
    """How many problems and left-out subjects were beyond `FINDINGS_MAX`."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who imports said beside the files."""

    now: int
    """The time of the reading in epoch seconds: it decides which leases are alive."""
    prefixes: Sequence[str] = ()
    """Prefixes that exist: of the service's subnets, and those named for interfaces."""
    vrf: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    """For CSV: the heading of a column, by what it means."""


class Draft(Estate):
    """An estate that a parser is filling."""

    __slots__ = ()

    def problem(self, place: Place, code: str, subject: str, text: str) -> None:
        """Note what somebody must look at."""
        if len(self.problems) < FINDINGS_MAX:
            found = Problem(place=place, code=code, subject=subject[:255], text=text[:1000])
            self.problems.append(found)
        else:
            self.unlisted += 1

    def skip(self, place: Place, subject: str, reason: str) -> None:
        """Note what is left out on purpose."""
        if len(self.skipped) < FINDINGS_MAX:
            self.skipped.append(Skipped(place=place, subject=subject[:255], reason=reason[:1000]))
        else:
            self.unlisted += 1

    def hold(self, place: Place, address: str, reason: str) -> None:
        """Keep an address from everybody."""
        self.held.append(Held(place=place, address=address, reason=reason))
