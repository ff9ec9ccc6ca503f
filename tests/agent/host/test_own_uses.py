"""What the host itself uses a link for, as the real kernel says it."""

import errno
import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

from ipam.agent.host import netlink_requests, own_uses
from ipam.agent.host.namespaces import call_in_new_namespace
from ipam.agent.host.own_uses import uses_of
from ipam.agent.host.raw_netlink import Message

COMMANDS = """\
link add used up type veth peer name far
link add free up type veth peer name away
address add 198.51.100.9/24 dev used
address add 2001:db8::9/64 dev used nodad
route add 203.0.113.0/24 via 198.51.100.1 table 77
route add 2001:db8:7::/48 dev used
route add default dev used
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes a namespace")
def test_addresses_and_routes_are_uses_and_what_comes_by_itself_is_none() -> None:
    def look() -> tuple[list[str], list[str], list[str]]:
        subprocess.run(["ip", "-batch", "-"], input=COMMANDS, text=True, check=True)
        used, free = map(socket.if_nametoindex, ("used", "free"))
        return uses_of(used), uses_of(free), uses_of(4_000_000)

    used, free, gone = call_in_new_namespace(look)
    assert used == [
        "the address 198.51.100.9/24",
        "the address 2001:db8::9/64",
        "a route to 203.0.113.0/24",
        "a route to everywhere",
        "a route to 2001:db8:7::/48",
    ]
    assert free == gone == []


OTHERS = """\
link add used up type veth peer name far
link add beside up type veth peer name away
address add 169.254.3.4/16 dev used scope link
address add 198.51.100.9/24 dev used scope link
route add 0.0.0.0/0 via inet6 fe80::1 dev used
route add 203.0.113.0/24 nexthop dev beside nexthop dev used
"""
OTHERS6 = """\
route add default via fe80::1 dev used
route add 2001:db8:8::/48 nexthop via fe80::2 dev beside nexthop via fe80::1 dev used
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes a namespace")
def test_routes_of_several_ways_and_addresses_of_each_scope_are_uses() -> None:
    def look() -> list[list[str]]:
        subprocess.run(["ip", "-batch", "-"], input=OTHERS, text=True, check=True)
        subprocess.run(["ip", "-6", "-batch", "-"], input=OTHERS6, text=True, check=True)
        return [uses_of(socket.if_nametoindex(name)) for name in ("used", "beside")]

    used, beside = call_in_new_namespace(look)
    assert used == [
        "the address 198.51.100.9/24",
        "a route to everywhere",
        "a route to 203.0.113.0/24",
        "a route to 2001:db8:8::/48",
        "a route to everywhere",
    ]
    assert beside == ["a route to 203.0.113.0/24", "a route to 2001:db8:8::/48"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes a namespace")
def test_a_kernel_without_ipv6_is_asked_for_its_routes_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = netlink_requests.dump

    def without_ipv6(kind: int, body: bytes) -> Iterator[Message]:
        if body[0] == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        return real(kind, body)

    def look() -> list[str]:
        subprocess.run(["ip", "-batch", "-"], input=COMMANDS, text=True, check=True)
        return uses_of(socket.if_nametoindex("used"))

    monkeypatch.setattr(own_uses, "dump", without_ipv6)
    assert call_in_new_namespace(look) == [
        "the address 198.51.100.9/24",
        "a route to 203.0.113.0/24",
        "a route to everywhere",
    ]
