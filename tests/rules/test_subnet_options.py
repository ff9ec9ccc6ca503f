from collections.abc import Sequence
from dataclasses import replace

import pytest

from ipam.errors import DNSNameServersExhausted, HostRoutesExhausted, InvalidInput
from ipam.rules import subnet_options
from ipam.rules.subnet_options import Limits, SubnetOptions

NEUTRON = Limits(max_dns_nameservers=5, max_subnet_host_routes=20)
PLENTY = Limits(max_dns_nameservers=200, max_subnet_host_routes=200)
FOUR = SubnetOptions(4, "10.0.0.1", ["10.0.0.53"], [("172.16.0.0/12", "10.0.0.9")])
SIX = SubnetOptions(6, "2001:db8::1", ["2001:db8::53"], [("fd00::/8", "2001:db8::9")])


def reasons(options: SubnetOptions, limits: Limits = NEUTRON) -> list[str]:
    found = list(subnet_options.faults(options, limits, "new subnet"))
    assert all(type(fault) is InvalidInput for fault in found)
    return [str(fault) for fault in found]


def routes(count: int, prefix: int = 32) -> list[tuple[str, str]]:
    """Routes of some length; a /32 takes 9 octets, a /8 takes 6."""
    if prefix == 8:
        return [(f"{number}.0.0.0/8", "10.0.0.9") for number in range(11, 11 + count)]
    return [(f"172.16.0.{number}/32", "10.0.0.9") for number in range(count)]


@pytest.mark.parametrize("options", [FOUR, SIX])
def test_usual_values_are_sound(options: SubnetOptions) -> None:
    assert reasons(options) == []


@pytest.mark.parametrize(
    ("options", "servers"),
    [(FOUR, ["0.0.0.0"]), (SIX, ["::"]), (FOUR, []), (SIX, [f"2001:db8::{n}" for n in range(5)])],
)
def test_these_name_servers_are_sound(options: SubnetOptions, servers: list[str]) -> None:
    assert reasons(replace(options, dns_nameservers=servers)) == []


@pytest.mark.parametrize(
    ("options", "servers", "parts"),
    [
        (FOUR, ["10.0.0.53", "2001:db8::53"], ["'2001:db8::53' is not of IP version 4"]),
        (SIX, ["10.0.0.53"], ["'10.0.0.53' is not of IP version 6"]),
        (FOUR, ["10.0.0.53", "0.0.0.0"], ["stands alone"]),
        (SIX, ["::", "2001:db8::53"], ["stands alone"]),
        (SIX, ["fe80::"], ["prefix"]),
        (SIX, ["fd00::"], ["prefix"]),
        (FOUR, ["10.0.0.53"] * 2, ["Duplicate nameserver '10.0.0.53'"]),
        (FOUR, ["::", "::1"], ["'::' is not of", "'::1' is not of"]),
    ],
)
def test_a_name_server_that_machines_could_not_be_told_is_refused(
    options: SubnetOptions, servers: Sequence[str], parts: Sequence[str]
) -> None:
    found = reasons(replace(options, dns_nameservers=servers))
    assert len(found) == len(parts)
    assert all(part in reason for part, reason in zip(parts, found, strict=True))


def test_a_route_twice_is_refused() -> None:
    found = reasons(replace(FOUR, host_routes=routes(1) * 2))
    assert "Duplicate hostroute '172.16.0.0/32'" in found[0]


def test_more_than_neutrons_limits_is_refused_as_neutron_does() -> None:
    many = replace(FOUR, dns_nameservers=[f"10.0.0.{n}" for n in range(1, 7)])
    (fault,) = subnet_options.faults(many, NEUTRON, "subnet x")
    assert type(fault) is DNSNameServersExhausted
    assert "for subnet x. The number of DNS nameservers exceeds the limit 5" in str(fault)
    (fault,) = subnet_options.faults(
        replace(FOUR, host_routes=routes(21, 8)), NEUTRON, "new subnet"
    )
    assert type(fault) is HostRoutesExhausted
    assert "host routes exceeds the limit 20" in str(fault)


@pytest.mark.parametrize(
    ("servers", "found"),
    [
        (0, [("0.0.0.0/0", "10.0.0.9"), *routes(21)]),
        (13, routes(21)),
        (5, routes(20)),
        (49, []),
        (13, routes(32, 8)),
    ],
)
def test_what_has_room_in_an_answer_is_taken(servers: int, found: list[tuple[str, str]]) -> None:
    named = [f"10.0.0.{n}" for n in range(1, servers + 1)]
    assert reasons(replace(FOUR, dns_nameservers=named, host_routes=found), PLENTY) == []


@pytest.mark.parametrize(
    ("servers", "found", "octets"),
    [
        (0, routes(22), 6 + 2 + 5 + 22 * 9),
        (15, routes(21), 6 + 62 + 2 + 5 + 21 * 9),
        (50, [], 6 + 202),
        (0, routes(33, 8), 6 + 2 + 5 + 33 * 6),
    ],
)
def test_what_has_no_room_in_an_answer_is_refused_with_the_sum(
    servers: int, found: list[tuple[str, str]], octets: int
) -> None:
    named = [f"10.0.0.{n}" for n in range(1, servers + 1)]
    (reason,) = reasons(replace(FOUR, dns_nameservers=named, host_routes=found), PLENTY)
    assert f"take {octets} octets" in reason
