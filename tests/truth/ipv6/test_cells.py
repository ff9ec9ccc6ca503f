"""The choice of cells, and the oracle: it finds each possible fault."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tests.truth.ipv6.cells import (
    ALL_MODES,
    CLIENTS,
    EVERY_CELL,
    KERNEL,
    SLAAC,
    STATEFUL,
    STATELESS,
    Cell,
    Modes,
    Told6,
    expected,
    fault,
    few_cells,
)

EUI64 = "2001:db8::f816:3eff:fe00:5"
NETWORK = {"mtu": 1400, "dns_domain": "lab.example."}
SIX = {"id": "6", "ip_version": 6, "cidr": "2001:db8::/64", "dns_nameservers": ["2001:db8::53"]}
FOUR = {"id": "4", "ip_version": 4, "cidr": "192.0.2.0/24", "dns_nameservers": []}
PORT = {
    "mac_address": "fa:16:3e:00:00:05",
    "fixed_ips": [
        {"subnet_id": "6", "ip_address": EUI64},
        {"subnet_id": "4", "ip_address": "192.0.2.5"},
    ],
}


def want(client: str, modes: Modes, *, is_dual: bool = False, router: str | None = None) -> Told6:
    subnets = [SIX, FOUR] if is_dual else [SIX]
    return expected(Cell(modes, is_dual, client), NETWORK, subnets, PORT, router)


def test_every_cell_is_each_pair_of_modes_with_each_client_both_ways() -> None:
    assert len(set(EVERY_CELL)) == len(EVERY_CELL) == 10 * 2 * 3


def test_few_cells_have_each_pair_of_modes_and_pairwise_what_matters() -> None:
    few = few_cells()
    assert [one.modes for one in few] == list(ALL_MODES)
    effective = (SLAAC, STATELESS, STATEFUL)
    assert {(one.modes.effective, one.client) for one in few} == set(product(effective, CLIENTS))
    assert {(one.client, one.is_dual) for one in few} == set(product(CLIENTS, (False, True)))
    assert {(one.modes.effective, one.is_dual) for one in few} == set(
        product(effective, (False, True))
    )


def test_a_machine_makes_its_address_where_no_dhcp_gives_it() -> None:
    for client in CLIENTS:
        assert want(client, Modes(SLAAC, None)).addresses == {EUI64}
    assert want(KERNEL, Modes(STATEFUL, STATEFUL)).addresses == frozenset()


def test_a_port_with_another_address_than_its_machine_makes_is_a_fault() -> None:
    with pytest.raises(AssertionError):
        expected(
            Cell(Modes(SLAAC, SLAAC), False, KERNEL),
            NETWORK,
            [SIX],
            {**PORT, "mac_address": "fa:16:3e:00:00:06"},
            None,
        )


@pytest.mark.parametrize(
    ("client", "modes", "has_names"),
    [
        ("dhclient", Modes(SLAAC, SLAAC), False),
        ("dhclient", Modes(STATELESS, STATELESS), True),
        ("dhclient", Modes(None, None), True),
        ("dhcpcd", Modes(SLAAC, SLAAC), True),
        ("dhcpcd", Modes(None, SLAAC), False),
        ("dhcpcd", Modes(None, STATELESS), True),
    ],
)
def test_names_arrive_by_advertisement_or_dhcp(client: str, modes: Modes, has_names: bool) -> None:
    told = want(client, modes)
    assert told.name_servers == frozenset({"2001:db8::53"} if has_names else ())
    assert told.search == frozenset({"lab.example"} if has_names else ())


def test_a_default_route_is_wanted_only_to_a_router() -> None:
    assert want(KERNEL, Modes(SLAAC, SLAAC)).routers == frozenset()
    assert want(KERNEL, Modes(SLAAC, SLAAC), router="fe80::1").routers == {"fe80::1"}


def test_a_dual_machine_has_its_ipv4_address_too() -> None:
    assert want(KERNEL, Modes(SLAAC, SLAAC), is_dual=True).address4 == "192.0.2.5"


RIGHT = Told6(frozenset({EUI64}), "192.0.2.5", 1400, frozenset({"a"}), frozenset({"b"}))
WRONG: dict[str, Any] = {
    "addresses": frozenset(),
    "address4": "",
    "mtu": 1500,
    "name_servers": frozenset(),
    "search": None,
    "routers": frozenset({"fe80::2"}),
}


def test_what_is_right_has_no_fault() -> None:
    assert fault(RIGHT, RIGHT) == ""


@pytest.mark.parametrize("name", WRONG)
def test_each_thing_that_is_wrong_is_a_fault(name: str) -> None:
    assert fault(replace(RIGHT, **{name: WRONG[name]}), RIGHT).startswith(name)
