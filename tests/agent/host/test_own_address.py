"""Where other hosts reach this one."""

from dataclasses import replace

import pytest

from ipam import settings
from ipam.agent.host.own_address import own_ip_towards, wake_ip


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "no.such.host.invalid", ""])
def test_nobody_elsewhere_reaches_the_loopback_or_nothing(host: str) -> None:
    assert own_ip_towards(host, 9696) == ""


def test_what_is_set_counts_and_the_local_socket_is_reached_from_nowhere() -> None:
    given = settings.load([]).agent
    assert wake_ip(given) == ""
    assert wake_ip(replace(given, wake_ip="192.0.2.11")) == "192.0.2.11"
    assert wake_ip(replace(given, api_url="https://127.0.0.1:9696")) == ""
