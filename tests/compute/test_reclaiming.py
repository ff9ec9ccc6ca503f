"""Ports that Nova made are deleted, those it was given unbound; a broken Nova changes none."""

from datetime import timedelta
from typing import Any

import pytest

from ipam.compute import reclaiming
from ipam.compute.facts import Listing
from ipam.compute.findings import Action
from tests.compute.looks import GONE, IP, LIVE, NOW, iso, live, looked, port


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ({}, Action.DELETE),
        ({"device_id": ""}, Action.UNBIND),
        ({"device_id": LIVE}, Action.UNBIND),
        ({"occurred_at": iso(NOW - timedelta(minutes=90))}, Action.UNBIND),
        ({"action": "changed"}, Action.UNBIND),
        (None, Action.UNBIND),
    ],
)
def test_nova_made_a_port_that_had_the_server_when_it_got_its_first_address(
    event: dict[str, Any] | None, action: Action
) -> None:
    (orphan,) = looked([port(GONE)], gone=[GONE])
    made = {
        "action": "allocated",
        "device_id": GONE,
        "ip_address": IP,
        "occurred_at": iso(NOW - timedelta(hours=2)),
    }
    decided = reclaiming.decided(orphan, None if event is None else made | event)
    assert decided.action is action
    assert decided.proposal.startswith(str(action).capitalize())


def test_unbinding_keeps_what_nova_keeps_of_a_profile() -> None:
    mine = port(GONE, **{"binding:profile": {"pci_slot": "0000:1", "capabilities": ["switchdev"]}})
    assert reclaiming.unbinding(mine) == {
        "device_id": "",
        "device_owner": "",
        "binding:host_id": None,
        "binding:profile": {"capabilities": ["switchdev"]},
        "dns_name": "",
    }


@pytest.mark.parametrize(
    ("orphans", "living", "servers", "refused"),
    [
        (0, 0, 0, False),
        (0, 5, 1, False),
        (2, 1, 1, False),
        (3, 2, 1, True),
        (3, 3, 1, False),
        (1, 0, 0, True),
        (1, 0, 1, False),
    ],
)
def test_a_look_in_which_most_servers_are_gone_is_drastic(
    orphans: int, living: int, servers: int, *, refused: bool
) -> None:
    ports = [port(GONE) for _ in range(orphans)] + [port(LIVE) for _ in range(living)]
    here = {LIVE: live()} if servers else {}
    listing = Listing(NOW, tuple(ports), here, frozenset([GONE]))
    assert bool(reclaiming.drastic(listing)) is refused
