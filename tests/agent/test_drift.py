from dataclasses import replace
from typing import Any

import pytest

from ipam.agent.drift import Drift, differences
from ipam.agent.state import Bridge, Interface, NetworkState

N = "n1"
BRIDGE = Bridge("brq1", 1450)
INTERFACE = Interface("tap1", "ns-1", "fa:16:3e:00:00:02", 1450)
FILES = {f"hosts/{number}": f"m{number}\n" for number in range(5)}
RIGHT = NetworkState(
    N,
    bridge=BRIDGE,
    namespace=True,
    interface=INTERFACE,
    addresses=frozenset({"10.0.0.2/24", "2001:db8::2/64"}),
    files=FILES,
    server="port=0",
)


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, []),
        ({"server": None, "taps": frozenset({"tap9"}), "reload_due": True}, []),
        ({"bridge": None}, ["the bridge brq1 is gone"]),
        ({"bridge": replace(BRIDGE, up=False)}, ["the bridge brq1 is down"]),
        ({"bridge": replace(BRIDGE, mtu=9000)}, ["the bridge brq1 has MTU 9000, not 1450"]),
        (
            {"namespace": False, "interface": None, "addresses": frozenset()},
            ["its namespace is gone"],
        ),
        (
            {"interface": None, "addresses": frozenset()},
            ["one of tap1 and ns-1 is gone, renamed, down, elsewhere or of another MTU"],
        ),
        (
            {"interface": replace(INTERFACE, mac="fa:16:3e:00:00:03")},
            [
                "tap1 and ns-1 have fa:16:3e:00:00:03, MTU 1450, not fa:16:3e:00:00:02, MTU 1450",
            ],
        ),
        (
            {"interface": replace(INTERFACE, isolated=False)},
            ["tap1 is not isolated"],
        ),
        (
            {"interface": replace(INTERFACE, pinned=False)},
            ["the MAC address of tap1 is not pinned"],
        ),
        (
            {"addresses": frozenset({"10.0.0.9/24"})},
            ["ns-1 has lost 10.0.0.2/24, 2001:db8::2/64", "ns-1 has got 10.0.0.9/24"],
        ),
        ({"files": {}}, ["its files are gone"]),
        ({"files": {**FILES, "hosts/0": "x"}}, ["edited: hosts/0"]),
        ({"files": {**FILES, "hosts/x": "x"}}, ["of others: hosts/x"]),
        (
            {"files": {"hosts/4": FILES["hosts/4"]}},
            ["deleted: hosts/0, hosts/1, hosts/2 and 1 more"],
        ),
    ],
)
def test_each_difference_has_its_sentence(change: dict[str, Any], sentences: list[str]) -> None:
    assert differences(RIGHT, replace(RIGHT, **change)) == sentences


def test_a_network_without_dhcp_is_its_bridge() -> None:
    wanted = NetworkState(N, bridge=BRIDGE)
    assert differences(wanted, wanted) == []
    assert differences(wanted, NetworkState(N)) == ["the bridge brq1 is gone"]


def test_a_network_that_was_never_right_has_not_been_changed() -> None:
    assert Drift().news(N, RIGHT, NetworkState(N)) is None


def test_a_change_is_said_once_and_so_is_its_end() -> None:
    drift, changed = Drift(), replace(RIGHT, addresses=frozenset())
    said = [drift.news(N, RIGHT, one) for one in (RIGHT, changed, changed, RIGHT, RIGHT)]
    assert said == [
        None,
        "changed by hand, and to be put right: ns-1 has lost 10.0.0.2/24, 2001:db8::2/64",
        None,
        "it is as it should be again",
        None,
    ]
    assert drift.news(N, RIGHT, changed) == said[1]


def test_what_follows_from_a_change_is_not_said_until_all_is_right() -> None:
    drift = Drift()
    drift.news(N, RIGHT, RIGHT)
    assert drift.news(N, RIGHT, replace(RIGHT, bridge=None))
    assert drift.news(N, RIGHT, replace(RIGHT, bridge=None, interface=None)) is None
    assert drift.news(N, RIGHT, RIGHT)
    assert drift.news(N, RIGHT, replace(RIGHT, files={}))


def test_what_is_wanted_anew_is_no_change_by_others() -> None:
    drift, anew = Drift(), replace(RIGHT, bridge=Bridge("brq1", 1400))
    drift.news(N, RIGHT, RIGHT)
    assert [drift.news(N, anew, one) for one in (RIGHT, RIGHT, anew)] == [None] * 3
    assert drift.news(N, anew, RIGHT) is not None


def test_a_network_that_is_forgotten_begins_anew() -> None:
    drift = Drift()
    drift.news(N, RIGHT, RIGHT)
    drift.keep([])
    assert drift.news(N, RIGHT, NetworkState(N)) is None
