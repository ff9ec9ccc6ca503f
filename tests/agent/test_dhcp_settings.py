"""What dnsmasq is told of the options and boot settings of networks and subnets."""

import msgspec

from ipam.agent import promised
from ipam.agent.dnsmasq.config import longest_lease_seconds
from ipam.agent.promised import PromisedAnswer
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent.network_rows import NETWORK, SUBNET4, SUBNET6, Json, network, subnet4, subnet6
from tests.agent.test_desired import ranges, served

BOOT = {
    "tftp_server": "10.0.0.9",
    "bios": "undionly.kpxe",
    "ipxe_script": "http://boot.example/boot.ipxe",
}
FOUR, SIX = f"tag:subnet-{SUBNET4}", f"tag:subnet-{SUBNET6}"


def option(name: str, value: str | None, version: int = 4) -> Json:
    return {"opt_name": name, "opt_value": value, "ip_version": version}


def own_lines(row: Json) -> list[str]:
    """The lines that the settings add to those of a bare network."""
    before = served(network()).state.files["options/network"].splitlines()
    return [
        line
        for line in served(row).state.files["options/network"].splitlines()
        if line not in before
    ]


def promise(row: Json, version: int = 4) -> PromisedAnswer:
    read = msgspec.convert(row, FullNetwork)
    subnet = next(
        one for one in promised.terms(read, read.subnets).subnets if one.row.ip_version == version
    )
    return promised.answer(
        subnet, mac_address="fa:16:3e:00:00:05", hostname="web", extra_dhcp_opts=[]
    )


def test_each_subnet_has_the_options_of_its_network_and_its_own() -> None:
    row = network(
        dhcp_options=[option("ntp-server", "10.0.0.7"), option("sntp-server", "2001:db8::7", 6)],
        subnets=[subnet4(dhcp_options=[option("252", "http://x/wpad")]), subnet6()],
    )
    assert own_lines(row) == [
        f"{FOUR},42,10.0.0.7",
        f'{FOUR},252,"http://x/wpad"',
        f"{SIX},option6:31,[2001:db8::7]",
    ]
    assert promise(row).options[42] == bytes([10, 0, 0, 7])
    assert promise(row, 6).options[31][-1] == 7
    assert {42, 252}.isdisjoint(promise(row).of_port), "they are not the port's fault"


def test_what_a_subnet_keeps_from_its_machines_is_not_promised() -> None:
    row = network(
        dhcp_options=[option("ntp-server", "10.0.0.7")],
        subnets=[subnet4(dhcp_options=[option("ntp-server", None)])],
    )
    assert 42 not in promise(row).options
    assert served(row).faults == ()


def test_boot_settings_are_told_by_architecture_once_there_are_some() -> None:
    assert "dhcp-match=set:bios" not in (served(network()).state.server or "")
    row = network(dhcp_boot=BOOT)
    lines = (served(row).state.server or "").splitlines()
    assert "dhcp-match=set:bios,93,0s" in lines
    assert "dhcp-match=set:uefi-x64,option6:61,9s" in lines
    assert own_lines(row) == [
        f'{FOUR},tag:bios,tag:!ipxe,67,"undionly.kpxe"',
        f'{FOUR},tag:bios,tag:!ipxe,66,"10.0.0.9"',
        f"{FOUR},tag:bios,tag:!ipxe,255,10.0.0.9",
        f'{FOUR},tag:ipxe,67,"http://boot.example/boot.ipxe"',
        f'{SIX},tag:ipxe6,option6:59,"http://boot.example/boot.ipxe"',
    ]
    assert {66, 67}.isdisjoint(promise(row).options), "a probe is no firmware"


def test_a_change_of_boot_settings_restarts_nothing() -> None:
    first, second = (
        served(network(dhcp_boot=BOOT)),
        served(network(dhcp_boot=BOOT | {"bios": "x"})),
    )
    assert first.state.server == second.state.server
    assert first.state.files != second.state.files


def test_the_nearest_lease_time_is_given_and_promised() -> None:
    row = network(lease_seconds=7200, subnets=[subnet4(lease_seconds=600), subnet6()])
    assert [line.rpartition(",")[2] for line in ranges(row)] == ["600", "7200"]
    assert (promise(row).lease_seconds, promise(row, 6).lease_seconds) == (600, 7200)


def test_leases_may_have_no_end() -> None:
    row = network(lease_seconds=2**32 - 1)
    assert {line.rpartition(",")[2] for line in ranges(row)} == {"infinite"}
    assert longest_lease_seconds(served(row).state.server or "") == 2**32 - 1


def test_a_next_server_of_the_subnet_is_promised() -> None:
    row = network(subnets=[subnet4(dhcp_options=[option("server-ip-address", "10.0.0.8")])])
    assert promise(row).next_server == "10.0.0.8"


def test_an_option_that_cannot_be_sent_costs_itself_alone() -> None:
    wrong = [option("none-such", "1"), option("ntp-server", "10.0.0.7")]
    found = served(network(dhcp_options=wrong))
    assert own_lines(network(dhcp_options=wrong)) == [f"{FOUR},42,10.0.0.7"]
    assert len([one for one in found.faults if "none-such" in one]) == 1
    assert found.state.id == NETWORK
