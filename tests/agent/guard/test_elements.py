"""What a port's tap may send."""

import itertools
from ipaddress import IPv4Address, ip_address
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.guard.elements import GUARDED, TAPS, TapGuard, tap_guard
from ipam.protocol.dhcp_state import ServedPort
from tests.agent import network_rows

MAC, VIRTUAL = "fa:16:3e:00:00:05", "00:00:5e:00:01:07"
LOCAL = "fe80::f816:3eff:fe00:5"


def guard(**more: Any) -> TapGuard:
    row = network_rows.port(port_security_enabled=True) | more
    return tap_guard(msgspec.convert(row, ServedPort))


def of_set(elements: TapGuard, name: str) -> set[str]:
    return {key for of, key in elements if of == name}


def target(address: str) -> str:
    return f"{int(ip_address(address)):#x}"


def test_a_port_sends_from_its_addresses_and_its_link_local_one() -> None:
    found = guard()
    assert found >= {TAPS, GUARDED, ("macs", MAC), ("chaddrs", "0xfa163e000005")}
    assert of_set(found, "v4") == {f"{MAC} . 10.0.0.5"}
    assert of_set(found, "v6") == {f"{MAC} . 2001:db8::5", f"{MAC} . {LOCAL}"}
    assert of_set(found, "nd6") == {target("2001:db8::5"), target(LOCAL)}


def test_a_pair_has_the_ports_mac_address_or_its_own() -> None:
    pairs = [{"ip_address": "10.0.0.9"}, {"ip_address": "10.0.0.8", "mac_address": VIRTUAL}]
    found = guard(allowed_address_pairs=pairs)
    assert of_set(found, "v4") == {
        f"{MAC} . 10.0.0.5",
        f"{MAC} . 10.0.0.9",
        f"{VIRTUAL} . 10.0.0.8",
    }
    assert of_set(found, "macs") == {MAC, VIRTUAL}
    assert f"{VIRTUAL} . fe80::200:5eff:fe00:107" in of_set(found, "v6")


def test_networks_are_apart_from_addresses_and_swallow_those_in_them() -> None:
    pairs = [{"ip_address": cidr} for cidr in ("10.0.0.0/25", "10.0.0.0/24", "2001:db8::/64")]
    found = guard(allowed_address_pairs=pairs)
    assert of_set(found, "v4") == set()
    assert of_set(found, "v4_nets") == {f"{MAC} . 10.0.0.0/24"}
    assert of_set(found, "v6_nets") == {f"{MAC} . 2001:db8::/64"}
    first = target("2001:db8::")
    assert of_set(found, "nd6_nets") == {f"{first}-{first[:-16]}{'f' * 16}"}
    assert of_set(found, "nd6") == {target(LOCAL)}


def test_neighbouring_addresses_stay_addresses() -> None:
    pairs = [{"ip_address": "10.0.0.4/32"}]
    found = guard(allowed_address_pairs=pairs)
    assert of_set(found, "v4") == {f"{MAC} . 10.0.0.5", f"{MAC} . 10.0.0.4"}
    assert of_set(found, "v4_nets") == set()


@pytest.mark.parametrize(
    "more", [{"port_security_enabled": False}, {"device_owner": "network:router_interface"}]
)
def test_a_port_without_security_is_only_counted(more: dict[str, Any]) -> None:
    assert guard(**more) == {TAPS}


def test_a_port_that_cannot_be_read_may_send_nothing() -> None:
    assert guard(mac_address="", fixed_ips=[]) == {TAPS, GUARDED}


def test_a_port_of_an_older_api_is_let_be() -> None:
    assert tap_guard(msgspec.convert(network_rows.port(), ServedPort)) == {TAPS}


CIDRS = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([0, 8, 23, 24, 25, 30, 31, 32]))


@given(st.lists(CIDRS, max_size=6))
def test_what_is_allowed_is_allowed_once(cidrs: list[tuple[int, int]]) -> None:
    """Networks that overlap are none that the kernel takes."""
    pairs = [{"ip_address": f"{IPv4Address(first)}/{bits}"} for first, bits in cidrs]
    found = guard(allowed_address_pairs=pairs)
    spans = []
    for name in ("v4", "v4_nets"):
        for key in of_set(found, name):
            base, _, length = key.partition(" . ")[2].partition("/")
            first = int(IPv4Address(base))
            spans.append((first, first + 2 ** (32 - int(length or 32)) - 1))
    spans.sort()
    assert all(last < next_first for (_, last), (next_first, _) in itertools.pairwise(spans))
    for first, _bits in cidrs:
        assert any(low <= first <= high for low, high in spans)
