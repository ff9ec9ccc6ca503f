"""DHCP options, boot settings and lease times through the command line."""

from typing import Any

import pytest
from click.shell_completion import ShellComplete

from ipam.cli.commands import boot
from ipam.cli.root import root
from ipam.rules.boot import ARCHITECTURES
from tests.cli.conftest import Ipam, parsed

LAN = ("--network", "lan", "--subnet-range", "10.0.0.0/24")
SCRIPT = "http://boot.example/boot.ipxe"


@pytest.fixture
def lan(local: Ipam) -> Ipam:
    """A network `lan` with an option, its subnet `lan-v4` and a port `web`."""
    made = local("network", "create", "lan", "--dhcp-option", "ntp-server=10.0.0.7")
    assert made.status == 0, made.err
    assert local("subnet", "create", *LAN, "lan-v4").status == 0
    assert local("port", "create", "--network", "lan", "web").status == 0
    return local


def shown(lan: Ipam, noun: str, name: str) -> Any:
    return parsed(lan(noun, "show", name, "-f", "json"))


def options(lan: Ipam, noun: str, name: str) -> list[tuple[str, str | None]]:
    found = shown(lan, noun, name)["dhcp_options"]
    return [(one["opt_name"], one["opt_value"]) for one in found]


@pytest.mark.parametrize(("noun", "name"), [("network", "lan"), ("subnet", "lan-v4")])
def test_options_are_added_replaced_and_taken_away(lan: Ipam, noun: str, name: str) -> None:
    change = (noun, "set", name)
    assert lan(*change, "--no-dhcp-option", "--dhcp-option", "ntp-server=10.0.0.7").status == 0
    assert lan(*change, "--dhcp-option", "domain-search=a.example,b.example").status == 0
    assert lan(*change, "--dhcp-option", "ntp-server=10.0.0.8").status == 0
    assert options(lan, noun, name) == [
        ("ntp-server", "10.0.0.8"),
        ("domain-search", "a.example,b.example"),
    ]
    gone = lan(noun, "unset", name, "--dhcp-option", "wins")
    assert "has no DHCP option wins. It has: ntp-server, domain-search." in gone.err
    assert lan(noun, "unset", name, "--dhcp-option", "ntp-server").status == 0
    assert lan(*change, "--no-dhcp-option").status == 0
    assert options(lan, noun, name) == []
    wrong = lan(*change, "--dhcp-option", "ntp-servr=10.0.0.8")
    assert (wrong.status, "is ntp-server or" in wrong.err) == (1, True)
    assert lan(*change, "--dhcp-option", "ntp-server").status == 2


def test_options_of_ipv6_say_so_on_a_network(lan: Ipam) -> None:
    six = ("--dhcp-option", "option6:ntp-server=2001:db8::7")
    assert lan("network", "set", "lan", *six).status == 0
    found = shown(lan, "network", "lan")["dhcp_options"]
    assert [one["ip_version"] for one in found] == [4, 6]
    assert lan("network", "unset", "lan", "--dhcp-option", "option6:ntp-server").status == 0
    refused = lan("subnet", "set", "lan-v4", *six)
    assert (refused.status, "the subnet of IPv4" in refused.err) == (2, True)


def test_a_lease_time_is_said_in_words(lan: Ipam) -> None:
    for noun, name in (("network", "lan"), ("subnet", "lan-v4")):
        for said, seconds in (("12h", 43200), ("infinite", -1), ("default", None)):
            assert lan(noun, "set", name, "--lease-time", said).status == 0
            assert shown(lan, noun, name)["lease_time"] == seconds
        short = lan(noun, "set", name, "--lease-time", "30")
        assert (short.status, "has to be at least 120 seconds" in short.err) == (2, True)


@pytest.mark.parametrize(("noun", "name"), [("network", "lan"), ("subnet", "lan-v4")])
def test_boot_settings_are_set_in_one_command(lan: Ipam, noun: str, name: str) -> None:
    command = (noun, "boot")
    files = ("--tftp-server", "10.0.0.9", "--bios", "undionly.kpxe", "--uefi-x64", "ipxe.efi")
    assert lan(*command, "set", name, *files, "--ipxe-script", SCRIPT).status == 0
    assert lan(*command, "set", name, "--uefi-x64-http", "http://x/shim.efi").status == 0
    assert shown(lan, noun, name)["dhcp_boot"] == {
        "tftp_server": "10.0.0.9",
        "bios": "undionly.kpxe",
        "uefi_x64": "ipxe.efi",
        "uefi_x64_http": "http://x/shim.efi",
        "ipxe_script": SCRIPT,
    }
    assert parsed(lan(*command, "show", name, "-f", "json"))["set_by"] == noun
    assert lan(*command, "unset", name, "--ipxe-script").status == 0
    absent = lan(*command, "unset", name, "--ipxe-script")
    assert "has no boot setting ipxe_script. It has: tftp_server" in absent.err
    assert lan(*command, "unset", name).status == 0
    assert shown(lan, noun, name)["dhcp_boot"] is None
    assert lan(*command, "set", name).status == 2
    wrong = lan(*command, "set", name, "--bios", "x")
    assert "tftp_server is missing, from which bios would be loaded" in wrong.err


def test_there_is_an_option_for_each_boot_setting() -> None:
    """The help has a list of its own, which the rules would load msgspec for."""
    architectures = [one.name for one in ARCHITECTURES]
    assert sorted(boot.NAMES) == sorted(["tftp_server", "ipxe_script", *architectures])


def test_a_subnet_boots_from_what_its_network_says_or_from_nothing(lan: Ipam) -> None:
    assert lan("network", "boot", "set", "lan", "--ipxe-script", SCRIPT).status == 0
    inherited = parsed(lan("subnet", "boot", "show", "lan-v4", "-f", "json"))
    assert inherited == {"set_by": "network", "ipxe_script": SCRIPT}
    assert lan("subnet", "boot", "set", "lan-v4", "--nothing").status == 0
    nothing = lan("subnet", "boot", "show", "lan-v4", "-f", "json")
    assert (parsed(nothing), "boot from nothing" in nothing.err) == ({"set_by": "subnet"}, True)


def test_what_a_machine_is_told_is_shown_with_who_says_it(lan: Ipam) -> None:
    assert lan("network", "boot", "set", "lan", "--ipxe-script", SCRIPT).status == 0
    assert lan("subnet", "set", "lan-v4", "--lease-time", "12h").status == 0
    own = ("--extra-dhcp-option", "name=mtu,value=1400")
    assert lan("port", "set", "web", *own).status == 0
    (mtu,) = parsed(lan("options", "show", "web", "-f", "json"))
    assert (mtu["Option"], mtu["Value"]) == ("mtu", "1400")
    everything = lan("options", "show", "web", "--effective")
    lines = {
        line.split("|")[2].strip(): line for line in everything.out.splitlines() if "|" in line
    }
    assert "10.0.0.0/24" in lines["ntp-server"]
    for option, origin in {
        "ntp-server": "network",
        "mtu": "port",
        "lease-time": "subnet",
        "dns-server": "deployment",
        "bootfile-name": "network",
    }.items():
        assert origin in lines[option]
    assert "ipxe" in lines["bootfile-name"]
    rows = parsed(
        lan("options", "show", "--network", "lan", "--effective", "--long", "-f", "json")
    )
    assert {one["IP"] for one in rows} == {4}
    assert [one["Value"] for one in rows if one["Option"] == "lease-time"] == ["43200"]
    (time,) = parsed(lan("options", "show", "--subnet", "lan-v4", "-f", "json"))
    assert (time["Attribute"], time["Value"]) == ("lease_time", "43200")
    assert lan("options", "show").status == 2
    assert lan("options", "show", "web", "--network", "lan").status == 2


def test_known_options_are_listed_without_a_service(lan: Ipam) -> None:
    rows = parsed(lan("options", "list", "ntp", "-f", "json"))
    assert {(one["Name"], one["Code"], one["IP"]) for one in rows} == {
        ("ntp-server", 42, 4),
        ("nntp-server", 71, 4),
        ("sntp-server", 31, 6),
        ("ntp-server", 56, 6),
    }
    assert parsed(lan("options", "list", "67", "-f", "json"))[0]["Name"] == "bootfile-name"
    nothing = lan("options", "list", "none-such")
    assert (nothing.out, "A number from 1 to 254 is one" in nothing.err) == ("", True)


@pytest.mark.parametrize(
    ("words", "typed", "found"),
    [
        (["network", "set", "lan", "--dhcp-option"], "tftp", "tftp-server="),
        (["subnet", "unset", "v4", "--dhcp-option"], "option6:sn", "option6:sntp-server"),
        (["port", "set", "web", "--extra-dhcp-option"], "name=ntp", "name=ntp-server,value="),
    ],
)
def test_names_of_options_complete(words: list[str], typed: str, found: str) -> None:
    complete = ShellComplete(root, {}, "ipam", "_IPAM_COMPLETE")
    assert found in [one.value for one in complete.get_completions(words, typed)]
