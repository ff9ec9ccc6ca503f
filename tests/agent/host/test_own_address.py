"""Where other hosts reach this one."""

import os
import subprocess
from dataclasses import replace

import pytest

from ipam import settings
from ipam.agent.host.namespaces import call_in_new_namespace
from ipam.agent.host.own_address import own_ip_towards, wake_ip


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "no.such.host.invalid", ""])
def test_nobody_elsewhere_reaches_the_loopback_or_nothing(host: str) -> None:
    assert own_ip_towards(host, 9696) == ""


def test_what_is_set_counts_and_the_local_socket_is_reached_from_nowhere() -> None:
    given = settings.load([]).agent
    assert wake_ip(given) == ""
    assert wake_ip(replace(given, wake_ip="192.0.2.11")) == "192.0.2.11"
    assert wake_ip(replace(given, api_url="https://127.0.0.1:9696")) == ""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes a namespace")
@pytest.mark.parametrize(
    ("own", "length", "url"),
    [
        ("192.0.2.11", 24, "https://192.0.2.1:9696"),
        ("192.0.2.11", 24, "https://192.0.2.1/ipam"),
        ("2001:db8::11", 64, "https://[2001:db8::1]:9696"),
    ],
)
def test_others_reach_the_address_from_which_the_api_is_reached(
    own: str, length: int, url: str
) -> None:
    def look() -> str:
        for words in (
            "link add eth1 type veth peer name eth2",
            "link set eth2 up",
            "link set eth1 up",
            f"address add {own}/{length} dev eth1 nodad",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        return wake_ip(replace(settings.load([]).agent, api_url=url))

    assert call_in_new_namespace(look) == own
