"""Refusals name the thing, its value, the rule and the next step, on a line or two."""

import re
import shlex

import pytest

from tests.cli.conftest import Ipam

UUID = "[0-9a-f-]{36}"
MESSAGES = [
    (
        "subnet unset v4 --dns-nameserver 8.8.8.8",
        "The subnet v4 has no DNS name server 8.8.8.8. It has: 9.9.9.9.",
    ),
    (
        "port unset web-1 --fixed-ip ip-address=10.0.0.77",
        (
            f"The port web-1 has no fixed IP ip_address='10.0.0.77'. It has: subnet_id='{UUID}',"
            " ip_address='10.0.0.20'."
        ),
    ),
    (
        "network create x --mtu 70000",
        "Invalid input for mtu. Reason: 70000 is more than 65535.",
    ),
    (
        "network create x --mtu 1",
        "Invalid input for mtu. Reason: 1 is less than 68, and not 0 for the default.",
    ),
    (
        f"network create {'n' * 256}",
        (
            f"Invalid input for name. Reason: '{'n' * 100}…' has 256 characters, at most 255 are"
            " allowed."
        ),
    ),
    (
        "port list --status weird",
        "Reason: 'weird' is none of 'ACTIVE', 'DOWN', 'BUILD', 'ERROR', 'N/A'.",
    ),
    (
        "lease list --ip nonsense",
        "Invalid input for ip_address. Reason: 'nonsense' is not a valid IP address.",
    ),
    (
        "port create --network demo --fixed-ip subnet=tiny",
        (
            f"No more IP addresses are available in subnet {UUID}, 10.0.1.0/30."
            f"\n`ipam subnet usage {UUID}` shows how full it is."
        ),
    ),
    (
        "port create --network demo --fixed-ip ip-address=10.0.0.20",
        "IP address 10.0.0.20 is already allocated.\n`ipam find 10.0.0.20` tells who has it.",
    ),
    (
        "port create --network demo --mac-address 52:54:00:00:00:01",
        (
            "MAC address 52:54:00:00:00:01 is in use on the network.\n"
            "`ipam find 52:54:00:00:00:01` tells which port has it."
        ),
    ),
    (
        "network delete demo",
        (
            f"Unable to complete operation on network {UUID}. There are one or more ports still in"
            f" use on the network.\n`ipam port list --network {UUID}` shows them."
        ),
    ),
    (
        "subnet delete v4",
        (
            f"subnet {UUID}: One or more ports have an IP allocation from this subnet, port {UUID}"
            f" among them.\n`ipam subnet addresses {UUID}` shows them."
        ),
    ),
    ("network rbac show x", "No rbac policy with the id 'x'. `ipam network rbac list` shows what"),
    ("audit show x", "No audit event with the id 'x'. `ipam audit list` shows what there is."),
    ("find x", "'x' has 1 character, not 2 to 255."),
]


@pytest.fixture
def filled(local: Ipam) -> Ipam:
    """demo with v4 (10.0.0.20 taken) and tiny (full)."""
    subnet = "subnet create --network demo --subnet-range"
    for command in (
        "network create demo",
        f"{subnet} 10.0.0.0/24 v4 --dns-nameserver 9.9.9.9",
        f"{subnet} 10.0.1.0/30 --no-dhcp --allocation-pool start=10.0.1.2,end=10.0.1.2 tiny",
        (
            "port create --network demo --fixed-ip ip-address=10.0.0.20"
            " --mac-address 52:54:00:00:00:01 web-1"
        ),
        "port create --network demo --fixed-ip subnet=tiny full",
    ):
        made = local(*shlex.split(command))
        assert made.status == 0, made.err
    return local


def test_each_refusal_says_what_breaks_which_rule_and_what_to_do(filled: Ipam) -> None:
    for command, expected in MESSAGES:
        refused = filled(*shlex.split(command))
        assert (refused.status, refused.out) == (1, ""), command
        pattern = re.escape(expected).replace(re.escape(UUID), UUID)
        assert re.search(pattern, refused.err), f"{expected}\n{refused.err}"
        assert ".." not in refused.err, command
