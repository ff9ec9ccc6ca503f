"""Behind which link of a bridge a MAC address is, as the kernel saw it."""

import contextlib
import socket
import uuid
from collections.abc import Iterator

import pytest

from ipam.agent.host.forwarding_table import is_pinned, link_of, pin
from tests.system.ipam_host import random_mac, run
from tests.waiting import eventually

pytestmark = [pytest.mark.root]


@pytest.fixture
def bridge() -> Iterator[tuple[str, str]]:
    """A bridge, and the tap on it, whose other end is `far`."""
    name, tap = (f"{kind}{uuid.uuid4().hex[:8]}" for kind in ("br", "tap"))
    run("ip", "link", "add", name, "up", "type", "bridge")
    run("ip", "link", "add", tap, "up", "master", name, "type", "veth", "peer", f"{tap}x")
    run("ip", "link", "set", f"{tap}x", "up")
    yield name, tap
    for one in (tap, name):
        run("ip", "link", "del", one, check=False)


def test_the_link_from_which_a_frame_came(bridge: tuple[str, str]) -> None:
    name, tap = bridge
    mac = random_mac()
    assert link_of(name, mac) == ""
    octets = bytes.fromhex(mac.replace(":", ""))
    frame = b"\xff" * 6 + octets + b"\x88\xb5" + bytes(46)
    with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)) as sender:

        def link() -> str:
            sender.sendto(frame, (f"{tap}x", 0))  # a new bridge port drops the first ones
            return link_of(name, mac)

        assert eventually(link, "the entry") == tap


def test_a_pinned_address_stays_where_it_is(bridge: tuple[str, str]) -> None:
    name, tap = bridge
    own = f"{tap}o"
    run("ip", "link", "add", own, "up", "master", name, "type", "veth", "peer", f"{tap}p")
    mac, index = random_mac(), socket.if_nametoindex(own)
    master = socket.if_nametoindex(name)
    try:
        assert not is_pinned(master, index, mac)
        for _ in range(2):
            pin(index, mac)
        assert is_pinned(master, index, mac)
        assert not is_pinned(master, socket.if_nametoindex(tap), mac)
        witness = random_mac()
        with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)) as sender:

            def seen() -> str:
                for source in (mac, witness):
                    octets = bytes.fromhex(source.replace(":", ""))
                    frame = b"\xff" * 6 + octets + b"\x88\xb5" + bytes(46)
                    sender.sendto(frame, (f"{tap}x", 0))
                return link_of(name, witness)

            assert eventually(seen, "the witness's entry") == tap
        assert link_of(name, mac) == own
    finally:
        run("ip", "link", "del", own, check=False)


def test_a_bridge_that_is_gone_has_none() -> None:
    assert link_of("nosuchbridge", random_mac()) == ""
