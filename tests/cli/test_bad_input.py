"""What the service must refuse, through the command line: status 1 and a line that says why.

tests/api tests the same rules through the API. Here the messages to the user are tested.
"""

import shlex

import pytest

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database
from tests.cli.conftest import Ipam

SUBNET = "subnet create --network demo --subnet-range"
PORT = "port create --network demo"

OVERLAPPING_POOLS = (
    f"{SUBNET} 10.9.0.0/24 --allocation-pool start=10.9.0.2,end=10.9.0.9"
    " --allocation-pool start=10.9.0.9,end=10.9.0.20"
)

REFUSED = [
    # why, command, what the message names
    ("a CIDR that overlaps a sibling", f"{SUBNET} 10.0.0.128/25", "10.0.0.128/25"),
    ("no CIDR at all", f"{SUBNET} lots", "lots"),
    ("a broadcast gateway", f"{SUBNET} 10.9.0.0/24 --gateway 10.9.0.255", "10.9.0.255"),
    ("an IPv6 gateway in IPv4", f"{SUBNET} 10.9.0.0/24 --gateway 2001:db8::1", "2001:db8::1"),
    (
        "a pool outside the CIDR",
        f"{SUBNET} 10.9.0.0/24 --allocation-pool start=10.8.0.2,end=10.8.0.9",
        "10.8.0.2",
    ),
    ("pools that overlap", OVERLAPPING_POOLS, "10.9.0.9"),
    (
        "an inverted pool",
        f"{SUBNET} 10.9.0.0/24 --allocation-pool start=10.9.0.9,end=10.9.0.2",
        "10.9.0.9",
    ),
    (
        "an IPv4 pool in an IPv6 subnet",
        f"{SUBNET} 2001:db8:9::/64 --allocation-pool start=10.9.0.2,end=10.9.0.9",
        "10.9.0.2",
    ),
    ("IPv4 in an IPv6 subnet", f"{SUBNET} 10.9.0.0/24 --ip-version 6", "10.9.0.0/24"),
    ("a DNS server that is none", f"{SUBNET} 10.9.0.0/24 --dns-nameserver dns", "dns"),
    (
        "an address outside its subnet",
        f"{PORT} --fixed-ip subnet=v4,ip-address=10.9.0.5",
        "10.9.0.5",
    ),
    ("an address in no subnet", f"{PORT} --fixed-ip ip-address=10.9.0.5", "10.9.0.5"),
    ("a taken address", f"{PORT} --fixed-ip ip-address=10.0.0.20", "10.0.0.20"),
    ("the network address", f"{PORT} --fixed-ip ip-address=10.0.0.0", "10.0.0.0"),
    ("the broadcast address", f"{PORT} --fixed-ip ip-address=10.0.0.255", "10.0.0.255"),
    ("the gateway's address", f"{PORT} --fixed-ip ip-address=10.0.0.1", "10.0.0.1"),
    ("no address at all", f"{PORT} --fixed-ip ip-address=ten", "ten"),
    ("a malformed MAC", f"{PORT} --mac-address 52:54:00:12:34", "52:54:00:12:34"),
    ("a multicast MAC", f"{PORT} --mac-address 01:00:5e:00:00:01", "01:00:5e:00:00:01"),
    ("a MAC taken on the network", f"{PORT} --mac-address 52:54:00:00:00:01", "52:54:00:00:00:01"),
    ("a full subnet", f"{PORT} --fixed-ip subnet=tiny", "No more IP addresses"),
    ("a network in use", "network delete demo", "in use"),
    ("a subnet in use", "subnet delete v4", "have an IP allocation"),
    ("a name of 256 characters", f"network create {'n' * 256}", "name"),
    ("a name of 256 characters", f"{PORT} {'n' * 256}", "name"),
    ("a newline in a hostname", f"{PORT} --dns-name 'a\nb'", "dns_name"),
    ("a comma in a hostname", f"{PORT} --dns-name a,b", "dns_name"),
    ("a hash in a hostname", f"{PORT} --dns-name 'a#b'", "dns_name"),
    ("a tag as a hostname", f"{PORT} --dns-name set:a", "dns_name"),
    (
        "a newline in an option",
        f"{PORT} --extra-dhcp-option 'name=bootfile-name,value=a\nb'",
        "extra_dhcp_opts",
    ),
    ("a tag as an option", f"{PORT} --extra-dhcp-option name=set:a,value=b", "extra_dhcp_opts"),
    ("an unknown filter value", "port list --mac-address nonsense", "mac_address"),
    ("an unknown filter value", "lease list --ip nonsense", "ip_address"),
    ("an id that is none", "network show not-an-id", "not-an-id"),
    ("an unknown id", "port show 00000000-0000-4000-8000-000000000000", "00000000-0000"),
]
WRONG_USAGE = [
    ("a limit of -1", "port list --limit -1", "-1"),
    ("a limit that is no number", "port list --limit all", "all"),
    ("an unknown option", "port list --colour red", "--colour"),
    ("an IP version of 5", f"{SUBNET} 10.9.0.0/24 --ip-version 5", "5"),
    ("an MTU that is no number", "network create x --mtu big", "big"),
    ("a pool without an end", f"{SUBNET} 10.9.0.0/24 --allocation-pool start=10.9.0.2", "end=…"),
]


@pytest.fixture
def filled(local: Ipam) -> Ipam:
    """demo with v4 (10.0.0.20 taken) and tiny (full)."""
    for command in (
        "network create demo",
        f"{SUBNET} 10.0.0.0/24 v4",
        f"{SUBNET} 10.0.1.0/30 --no-dhcp --allocation-pool start=10.0.1.2,end=10.0.1.2 tiny",
        f"{PORT} --fixed-ip ip-address=10.0.0.20 --mac-address 52:54:00:00:00:01 web-1",
        f"{PORT} --fixed-ip subnet=tiny full",
    ):
        made = local(*shlex.split(command))
        assert made.status == 0, made.err
    return local


def test_what_breaks_a_rule_is_refused_with_a_line_that_names_it(filled: Ipam) -> None:
    before = [filled(noun, "list", "-f", "json").out for noun in ("network", "subnet", "port")]
    for why, command, named in REFUSED:
        outcome = filled(*shlex.split(command))
        assert outcome.status == 1, f"{why}: {outcome}"
        assert outcome.out == "", why
        assert named.lower() in outcome.err.lower(), f"{why}: {outcome.err}"
        assert outcome.err.startswith("ipam: "), why
        assert len(outcome.err.splitlines()) <= 2, f"{why}: {outcome.err}"
    after = [filled(noun, "list", "-f", "json").out for noun in ("network", "subnet", "port")]
    assert before == after


@pytest.mark.parametrize(("why", "command", "named"), WRONG_USAGE)
def test_what_is_no_command_ends_with_2(ipam: Ipam, why: str, command: str, named: str) -> None:
    outcome = ipam(*shlex.split(command))
    assert outcome.status == 2, why
    assert named in outcome.err


def test_two_faults_are_told_at_once(filled: Ipam) -> None:
    words = f"{PORT} --mac-address nonsense --dns-name 'a b' {'n' * 256}"
    outcome = filled(*shlex.split(words))
    assert outcome.status == 1
    assert all(name in outcome.err for name in ("mac_address", "dns_name", "name"))


def test_a_control_character_in_a_message_cannot_reach_the_terminal(filled: Ipam) -> None:
    outcome = filled("network", "show", "bell\a")
    assert outcome.status == 1
    assert "bell\\x07" in outcome.err
    assert "\a" not in outcome.err


def test_a_database_that_is_away_is_told_and_forgotten_when_it_is_back(
    local: Ipam, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable("The database does not answer; try again.")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", away)
        outcome = local("network", "list")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "ipam: The database does not answer; try again.\n"
    assert local("network", "list").status == 0
