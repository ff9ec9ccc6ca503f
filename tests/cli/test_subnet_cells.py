"""How a subnet is drawn."""

from ipaddress import ip_network
from typing import Any

from ipam.cli.subnet_cells import CELLS, cells


def taken(ip: str, state: str = "allocated", device: str = "vm") -> dict[str, Any]:
    return {"ip_address": ip, "state": state, "device_id": device}


POOLS = [{"start": "10.0.0.1", "end": "10.0.0.254"}]


def test_each_address_of_a_24_has_a_cell_with_its_state() -> None:
    found = cells(
        ip_network("10.0.0.0/24"),
        POOLS,
        [
            taken("10.0.0.1"),
            taken("10.0.0.2", device=""),
            taken("10.0.0.3", "cooling"),
            taken("10.0.0.4", "leased"),
        ],
    )
    assert len(found) == CELLS
    assert [cell.state for cell in found[:6]] == [
        "outside",
        "allocated",
        "held",
        "cooling",
        "leased",
        "free",
    ]
    assert (found[255].first, found[255].state) == ("10.0.0.255", "outside")


def test_a_cell_of_a_larger_subnet_is_a_block_with_the_state_of_most() -> None:
    pools = [{"start": "10.0.0.1", "end": "10.0.3.254"}]
    some = [taken("10.0.0.5", "cooling"), taken("10.0.0.6"), taken("10.0.0.7")]
    whole = [taken(f"10.0.1.{number}") for number in range(4)]
    found = cells(ip_network("10.0.0.0/22"), pools, some + whole)
    assert found[1].first == "10.0.0.4"
    assert (found[1].state, found[64].state, found[2].state) == ("allocated", "full", "free")


def test_small_subnets_and_ipv6_are_drawn_too() -> None:
    assert len(cells(ip_network("10.0.0.0/29"), [], [])) == 8
    part = ip_network("2001:db8::/64")
    found = cells(part, [{"start": "2001:db8::1", "end": "2001:db8::ff"}], [taken("2001:db8::5")])
    assert (len(found), found[0].state, found[1].state) == (CELLS, "allocated", "outside")
