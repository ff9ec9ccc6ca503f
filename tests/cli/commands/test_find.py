"""ipam find."""

import json

from tests.cli.conftest import Ipam


def made(local: Ipam, ports: int = 1) -> None:
    local("network", "create", "lan")
    local("subnet", "create", "--network", "lan", "--subnet-range", "10.0.0.0/24", "lan-v4")
    for number in range(20, 20 + ports):
        ip = f"ip-address=10.0.0.{number}"
        local("port", "create", "--network", "lan", "--fixed-ip", ip, f"web-{number}")


def test_an_address_is_told_with_its_port_network_and_subnet(local: Ipam) -> None:
    made(local)
    told = local("find", "10.0.0.20")
    assert told.status == 0
    assert "port web-20" in told.out
    assert "on lan" in told.out
    assert "subnet lan-v4" in told.out
    assert "history web-20" in told.out


def test_an_answer_is_at_most_a_screen_whatever_was_found(local: Ipam) -> None:
    made(local, ports=15)
    told = local("find", "web-")
    lines = told.out.splitlines()
    assert len(lines) <= 22
    assert all(len(line) <= 200 for line in lines)
    assert "more: narrow it, or see all with -f json." in lines[-1]
    assert len(json.loads(local("find", "web-", "-f", "json").out)["ports"]) == 15


def test_what_nothing_is_called_ends_with_status_one(local: Ipam) -> None:
    nothing = local("find", "nothing-here")
    assert (nothing.status, nothing.out) == (1, "")
    assert "Nothing is known of 'nothing-here'." in nothing.err


def test_a_text_too_short_is_refused_with_the_rule(local: Ipam) -> None:
    assert "'x' has 1 character, not 2 to 255." in local("find", "x").err
