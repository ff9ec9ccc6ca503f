"""`ipam subnet split` and `merge`."""

import pytest

from tests.cli.conftest import Ipam, parsed


@pytest.fixture
def lan(local: Ipam) -> Ipam:
    assert local("network", "create", "lan").status == 0
    words = ("--network", "lan", "--subnet-range", "10.0.0.0/24")
    assert local("subnet", "create", *words, "lan-v4").status == 0
    port = ("--network", "lan", "--fixed-ip", "ip-address=10.0.0.200")
    assert local("port", "create", *port, "web").status == 0
    return local


def subnets(ipam: Ipam) -> list[tuple[str, str]]:
    found = parsed(ipam("subnet", "list", "-f", "json", "--long"))
    return sorted((one["Subnet"], one["Gateway"]) for one in found)


def test_a_subnet_is_split_and_merged_and_its_ports_stay(lan: Ipam) -> None:
    split = ("subnet", "split", "lan-v4", "--prefix-length", "25", "--gateway", "10.0.0.254")
    dry = lan(*split, "--dry-run")
    assert dry.status == 0, dry.err
    assert subnets(lan) == [("10.0.0.0/24", "10.0.0.1")]
    assert lan(*split, "--yes").status == 0
    assert subnets(lan) == [("10.0.0.0/25", "10.0.0.1"), ("10.0.0.128/25", "10.0.0.254")]
    parts = ("10.0.0.128/26", "10.0.0.192/26")
    again = ("subnet", "split", "10.0.0.128/25", *parts, "--yes")
    assert "10.0.0.129 already allocated" in lan(*again).err  # to the DHCP server
    assert lan(*again, "--gateway", "10.0.0.130").status == 0
    assert subnets(lan)[1:] == [("10.0.0.128/26", "10.0.0.130"), ("10.0.0.192/26", "10.0.0.254")]
    merge = ("subnet", "merge", "10.0.0.0/25", *parts)
    assert lan(*merge, "--dry-run").status == 0
    assert lan(*merge, "--gateway", "10.0.0.7", "--yes").status == 0
    assert subnets(lan) == [("10.0.0.0/24", "10.0.0.7")]
    (address,) = parsed(lan("port", "show", "web", "-f", "json"))["fixed_ips"]
    assert address["ip_address"] == "10.0.0.200"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("split lan-v4", 2, "Name the parts by their CIDRs, or their --prefix-length."),
        ("split lan-v4 10.0.0.0/25 --prefix-length 25", 2, "Name the parts by their CIDRs"),
        ("split lan-v4 --prefix-length 24", 1, "/24 is no part of 10.0.0.0/24."),
        ("split lan-v4 --prefix-length 33", 1, "/33 is no part of 10.0.0.0/24."),
        ("split lan-v4 --prefix-length 31", 1, "10.0.0.0/24 has more than 64 parts of /31"),
        ("split lan-v4 10.0.0.0/25", 1, "no part has 10.0.0.128/25"),
        ("split lan-v4 lots more", 1, "'lots' is not a valid CIDR"),
        ("split lan-v4 --prefix-length 25 --gateway none", 1, "'none' does not appear"),
        ("split lan-v4 --prefix-length 25 --gateway 10.0.1.1", 1, "10.0.1.1 is in none"),
        (
            "split lan-v4 --prefix-length 25 --gateway 10.0.0.1 --gateway 10.0.0.2",
            1,
            "--gateway 10.0.0.1 and 10.0.0.2 are both in 10.0.0.0/25.",
        ),
        ("merge lan-v4 gone", 1, "No subnet named 'gone'."),
        ("merge lan-v4 lan-v4", 1, "cannot be merged with itself"),
    ],
)
def test_what_cannot_be_cut_is_said_and_not_done(
    lan: Ipam, words: str, status: int, said: str
) -> None:
    refused = lan("subnet", *words.split(), "--yes")
    assert (refused.status, said in refused.err) == (status, True), refused.err
    assert subnets(lan) == [("10.0.0.0/24", "10.0.0.1")]
