"""Each pair of IPv6 modes, alone and beside IPv4, with each client: what it should come to. Pure.

The expectation follows from the API's answers alone. It shares no code with the agent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from tests.truth.expectation import eui64

Json = Mapping[str, Any]

SLAAC, STATELESS, STATEFUL = "slaac", "dhcpv6-stateless", "dhcpv6-stateful"
KERNEL, DHCLIENT, DHCPCD = CLIENTS = ("kernel", "dhclient", "dhcpcd")
"""The kernel alone; dhclient -6 beside it, with -S where DHCP gives no address; dhcpcd for all."""


@dataclass(frozen=True)
class Modes:
    """The modes of a subnet. Without an `ra_mode` another router advertises it."""

    ra_mode: str | None
    address_mode: str | None

    @property
    def effective(self) -> str:
        """The mode that machines are served by."""
        return self.ra_mode or self.address_mode or STATEFUL

    def __str__(self) -> str:
        return f"{self.ra_mode or '-'} / {self.address_mode or '-'}"


@dataclass(frozen=True)
class Cell:
    """One test."""

    modes: Modes
    is_dual: bool
    client: str

    @property
    def place(self) -> tuple[Modes, bool]:
        """The network that it is on."""
        return self.modes, self.is_dual

    @property
    def has_router(self) -> bool:
        """Whether a router is on the network, and announces itself."""
        return self.modes.ra_mode is None or self.is_dual

    def __str__(self) -> str:
        return f"{self.modes}, {'dual' if self.is_dual else 'alone'}, {self.client}"


ALL_MODES: Final = (
    *(Modes(mode, mode) for mode in (SLAAC, STATELESS, STATEFUL)),
    *(Modes(mode, None) for mode in (SLAAC, STATELESS, STATEFUL)),
    *(Modes(None, mode) for mode in (SLAAC, STATELESS, STATEFUL, None)),
)
"""What Neutron allows."""
EVERY_CELL: Final = tuple(
    Cell(modes, is_dual, client)
    for modes, is_dual, client in product(ALL_MODES, (False, True), CLIENTS)
)


def few_cells() -> list[Cell]:
    """Each pair of modes once; each client with each effective mode; each of these both ways."""
    dual = (1, 3, 5, 6, 7, 9)
    return [
        Cell(modes, number in dual, CLIENTS[(number + number // 3) % 3])
        for number, modes in enumerate(ALL_MODES)
    ]


@dataclass(frozen=True)
class Told6:
    """What a machine has of IPv6. None is what the client does not tell."""

    addresses: frozenset[str] = frozenset()
    address4: str = ""
    """What it has of IPv4."""
    mtu: int | None = None
    name_servers: frozenset[str] | None = None
    search: frozenset[str] | None = None
    routers: frozenset[str] = frozenset()
    """The nexthops of its default routes."""


def expected(
    cell: Cell, network: Json, subnets: Sequence[Json], port: Json, router: str | None
) -> Told6:
    """What the port's machine is to have; `router` is the other router's link-local address."""
    six = next(one for one in subnets if one["ip_version"] == 6)
    mine = {ip["subnet_id"]: ip["ip_address"] for ip in port["fixed_ips"]}
    four = [mine[one["id"]] for one in subnets if one["ip_version"] == 4]
    mode = cell.modes.effective
    makes_own = mode != STATEFUL
    if makes_own:
        assert mine[six["id"]] == eui64(six["cidr"], port["mac_address"]), "the port's is another"
    has_address = makes_own or cell.client != KERNEL
    asks = cell.client != KERNEL and mode != SLAAC
    hears = cell.client == DHCPCD and cell.modes.ra_mode is not None
    is_told = asks or hears
    tells_names = cell.client != KERNEL
    return Told6(
        addresses=frozenset({mine[six["id"]]} if has_address else ()),
        address4=four[0] if four else "",
        mtu=network["mtu"],
        name_servers=frozenset(six["dns_nameservers"] if is_told else ()) if tells_names else None,
        search=frozenset({network["dns_domain"].rstrip(".")} if is_told else ())
        if tells_names
        else None,
        routers=frozenset({router} if router else ()),
    )


def fault(told: Told6, wanted: Told6) -> str:
    """What is not as it should be; empty where nothing is."""
    return "; ".join(
        f"{name} {getattr(told, name)}, wanted {getattr(wanted, name)}"
        for name in Told6.__dataclass_fields__
        if getattr(told, name) != getattr(wanted, name)
    )
