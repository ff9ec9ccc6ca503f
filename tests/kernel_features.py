"""What the kernel of this machine can do. A test of the rest is skipped, loudly and counted.

`IPAM_TEST_REQUIRE=vlan,…` makes such a skip a failure, for machines that should have it all.
"""

import os
import subprocess
import uuid
from functools import lru_cache
from typing import NoReturn

import pytest

PROBES = {
    "vlan": (
        "ip link add name p type veth peer name q",
        "ip link add link p name v type vlan id 7",
    ),
    "vxlan": ("ip link add name x type vxlan id 7 local 127.0.0.1 dstport 4789",),
    "nftables": ("nft add table bridge probe",),
    "br_netfilter": ("test -e /proc/sys/net/bridge/bridge-nf-call-iptables",),
}
"""Commands that succeed in a namespace of their own only where the kernel has the feature."""
LACKS = "this kernel lacks "


def need(feature: str) -> None:
    """Skip the test where the kernel lacks the feature, or fail if it is required."""
    if not has(feature):
        lack(feature)


def lack(feature: str) -> NoReturn:
    """Skip the test, or fail: the kernel lacks the feature."""
    reason = f"{LACKS}{feature}"
    if feature in os.environ.get("IPAM_TEST_REQUIRE", "").split(","):
        pytest.fail(f"{reason}, which IPAM_TEST_REQUIRE names")
    pytest.skip(reason)


@lru_cache
def has(feature: str) -> bool:
    """Whether the kernel has it, tried in a namespace that goes at once."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        return all(
            subprocess.run(
                ["ip", "netns", "exec", name, *command.split()], capture_output=True, check=False
            ).returncode
            == 0
            for command in PROBES[feature]
        )
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
