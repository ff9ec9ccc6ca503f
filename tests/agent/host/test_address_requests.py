"""Addresses and neighbours, asked of a kernel and changed in it."""

import errno
import socket
from collections.abc import Callable

import pytest

from ipam.agent.host import address_requests, link_requests
from ipam.agent.host.address_requests import addresses, change_address, neighbours
from ipam.agent.host.namespaces import call_in_new_namespace
from ipam.agent.host.own_neighbours import pin_missing

pytestmark = [pytest.mark.root]
OWN = ["192.0.2.2/24", "2001:db8::2/64"]


def on_a_link(work: Callable[[int], list[str]]) -> list[str]:
    """What `work` gives with a link that is up, in a namespace of its own."""

    def within() -> list[str]:
        link_requests.add_veth("p", "q")
        for name in ("p", "q"):
            link_requests.change(link_requests.link(name).index, up=True)
        return work(link_requests.link("p").index)

    return call_in_new_namespace(within)


def has(index: int) -> list[str]:
    return sorted(one.address for one in addresses(index) if not one.address.startswith("fe80"))


def test_addresses_are_added_once_and_removed() -> None:
    def change(index: int) -> list[str]:
        for address in (*OWN, *OWN):
            change_address(index, address, add=True)
        assert has(index) == OWN
        assert has(link_requests.link("q").index) == []
        change_address(index, OWN[0], add=False)
        return has(index)

    assert on_a_link(change) == OWN[1:]


def test_what_the_kernel_refuses_has_its_number() -> None:
    def refuse(index: int) -> list[str]:
        with pytest.raises(OSError, match="Cannot assign requested address") as removed:
            change_address(index, OWN[0], add=False)
        assert removed.value.errno == errno.EADDRNOTAVAIL
        with pytest.raises(OSError, match="No such device"):
            link_requests.link("nosuch")
        return []

    on_a_link(refuse)


def test_own_addresses_are_pinned_once() -> None:
    def pin(index: int) -> list[str]:
        mac = link_requests.link("p").mac
        change_address(index, OWN[1], add=True)
        missing = pin_missing("p")
        assert "2001:db8::2" in missing
        assert set(missing) <= {one.address for one in neighbours(index) if one.permanent}
        assert pin_missing("p") == []
        address_requests.change_neighbour(index, "2001:db8::2", mac, add=False)
        return [one for one in pin_missing("p") if one == "2001:db8::2"]

    assert on_a_link(pin) == ["2001:db8::2"]


def test_nothing_is_pinned_of_an_interface_that_is_gone() -> None:
    assert pin_missing("nosuch") == []
    assert [one.address for one in addresses(1, socket.AF_INET)] == ["127.0.0.1/8"]
