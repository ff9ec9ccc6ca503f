"""ipam subnet usage and ipam subnet map."""

import json

from tests.cli.conftest import Ipam


def made(local: Ipam, ports: int) -> None:
    local("network", "create", "lan")
    pool = "start=10.0.0.1,end=10.0.0.10"
    words = ("--subnet-range", "10.0.0.0/24", "--allocation-pool", pool, "--no-dhcp", "v4")
    assert local("subnet", "create", "--network", "lan", "--gateway", "none", *words).status == 0
    for number in range(1, 1 + ports):
        ip = f"ip-address=10.0.0.{number}"
        port = local("port", "create", "--network", "lan", "--fixed-ip", ip, f"web-{number}")
        assert port.status == 0


def test_usage_has_counts_a_bar_and_says_that_the_day_is_not_known(local: Ipam) -> None:
    made(local, 3)
    told = local("subnet", "usage", "v4")
    assert "###......." in told.out
    assert "not known yet" in told.out
    assert "30.0" in told.out
    (found,) = json.loads(local("subnet", "usage", "-f", "json", "--long").out)
    assert (found["Used"], found["Free"], found["Held"]) == (3, 7, 3)


def test_fail_over_ends_with_status_three_from_that_percent_on(local: Ipam) -> None:
    made(local, 3)
    assert local("subnet", "usage", "--network", "lan", "--fail-over", "30").status == 3
    assert local("subnet", "usage", "--network", "lan", "--fail-over", "31").status == 0


def test_the_subnets_of_a_network_have_a_sum(local: Ipam) -> None:
    made(local, 2)
    local("subnet", "create", "--network", "lan", "--subnet-range", "10.1.0.0/24", "more")
    told = local("subnet", "usage", "--network", "lan", "-c", "name", "-c", "used")
    assert "| all" in told.out


def test_map_draws_each_address_and_a_legend_without_colours_in_a_pipe(local: Ipam) -> None:
    made(local, 3)
    local("port", "delete", "web-2")
    told = local("subnet", "map", "v4")
    assert "\x1b" not in told.out
    assert "10.0.0.0     r.r......." in told.out
    assert "'.' free 8" in told.out
    assert len(told.out.splitlines()) <= 24


def test_map_draws_a_part_and_refuses_another_prefix(local: Ipam) -> None:
    made(local, 1)
    told = local("subnet", "map", "v4", "--part", "10.0.0.0/28")
    assert told.out.startswith("10.0.0.0/28: an address a cell\n10.0.0.0    r.")
    assert "is not in the subnet" in local("subnet", "map", "v4", "--part", "10.9.0.0/24").err
    assert "is no prefix" in local("subnet", "map", "v4", "--part", "x").err
