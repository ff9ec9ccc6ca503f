"""Which addresses a subnet prefers for a machine."""

from collections.abc import Callable

import pytest

from ipam.allocator.selection import Machine, preferred
from ipam.model import AddressSelection, unpack
from tests.allocator.subnets import Ground, parse

WEB = Machine("fa:16:3e:00:00:01", "web")
DB = Machine("fa:16:3e:00:00:02", "db")
POOLS = parse(["10.0.0.10-10.0.0.29", "10.0.0.100-10.0.0.129"])


@pytest.mark.parametrize("selection", ["random", "mac-address", "dns-name"])
@pytest.mark.parametrize("pools", [POOLS, parse(["10.0.0.7-10.0.0.7"]), []])
def test_prefers_addresses_of_the_pools_and_each_once(
    selection: AddressSelection, pools: list[tuple[bytes, bytes]]
) -> None:
    found = preferred(selection, pools, WEB)
    assert len(set(found)) == len(found)
    assert all(any(first <= ip <= last for first, last in pools) for ip in found)
    assert bool(found) == bool(pools)


@pytest.mark.parametrize("selection", ["mac-address", "dns-name"])
def test_prefers_the_same_for_a_machine_each_time(selection: AddressSelection) -> None:
    assert preferred(selection, POOLS, WEB) == preferred(selection, POOLS, WEB)
    assert preferred(selection, POOLS, WEB) != preferred(selection, POOLS, DB)


def test_a_name_goes_with_its_machine_to_another_card() -> None:
    moved = Machine(DB.mac_address, WEB.dns_name)
    assert preferred("dns-name", POOLS, moved) == preferred("dns-name", POOLS, WEB)
    assert preferred("mac-address", POOLS, moved) == preferred("mac-address", POOLS, DB)


def test_a_machine_without_a_name_is_known_by_its_mac_address() -> None:
    nameless = Machine(WEB.mac_address, "")
    assert preferred("dns-name", POOLS, nameless) == preferred("mac-address", POOLS, WEB)


def test_random_addresses_differ() -> None:
    assert preferred("random", POOLS, WEB) != preferred("random", POOLS, WEB)


@pytest.mark.parametrize("selection", ["lowest", "random", "mac-address", "dns-name"])
def test_each_way_fills_the_pool_also_when_lists_of_candidates_hold_a_part(
    small: Ground, selection: AddressSelection
) -> None:
    small.allocate(by=small.another_process())  # whose list has the next addresses
    given = [small.allocate_by(selection, WEB) for _ in range(5)]
    assert len(set(given)) == 5
    assert len(small.owned()) == 6
    assert small.fill() == []


def test_the_lowest_free_address_is_given(small: Ground) -> None:
    assert [small.allocate_by("lowest", WEB) for _ in range(3)] == [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
    ]
    small.release("10.0.0.2")
    assert small.allocate_by("lowest", WEB) == "10.0.0.4"
    small.clock.seconds += small.cooldown_seconds
    assert small.allocate_by("lowest", WEB) == "10.0.0.2"


@pytest.mark.parametrize("selection", ["mac-address", "dns-name"])
def test_a_machine_gets_its_address_again_even_while_it_cools(
    ground: Callable[..., Ground], selection: AddressSelection
) -> None:
    subnet = ground("10.0.0.1-10.0.255.254")
    first = subnet.allocate_by(selection, WEB)
    other = subnet.allocate_by(selection, DB)
    assert first == unpack(preferred(selection, parse(["10.0.0.1-10.0.255.254"]), WEB)[0])
    assert other != first
    subnet.release(first)
    assert subnet.allocate_by(selection, WEB) == first


def test_a_machine_does_not_get_what_is_held_for_another(ground: Callable[..., Ground]) -> None:
    subnet = ground("10.0.0.1-10.0.255.254")
    first = subnet.allocate_by("mac-address", WEB)
    subnet.hold(first)
    assert subnet.allocate_by("mac-address", WEB) != first


def test_random_gives_no_address_that_cools(small: Ground) -> None:
    given = [small.allocate_by("random", WEB) for _ in range(5)]
    small.release(given[0])
    assert small.allocate_by("random", WEB) not in given
