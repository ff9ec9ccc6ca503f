"""The messages of a real dnsmasq that drops or refuses something are understood."""

import signal
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from ipam.agent.dnsmasq.log_file import LogFile
from ipam.agent.dnsmasq.neighbours import PacketNeighbours
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.dnsmasq.probe_answers import Question
from ipam.agent.dnsmasq.verdicts import FileRead, Kind, Packet, Said, Verdict, parse
from tests.system.dhcp_network import DhcpNetwork, dhcp_network
from tests.system.ipam_host import random_mac, run
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

SERVER, SERVER6 = "10.77.0.2", "2001:db8:77::2"


@pytest.fixture
def network() -> Iterator[DhcpNetwork]:
    with dhcp_network(
        f"{SERVER}/24",
        f"{SERVER6}/64",
        ranges=("set:four,10.77.0.0,static,255.255.255.0,3600", "2001:db8:77::,static,64,1800"),
    ) as network:
        yield network


@pytest.fixture
def prober() -> Iterator[PacketProber]:
    prober = PacketProber()
    yield prober
    prober.close()


def understood(network: DhcpNetwork) -> list[Said]:
    directory = str(network.directory)
    return [found for line in network.hear() if (found := parse(line, directory))]


def verdicts(network: DhcpNetwork) -> list[Verdict]:
    return [one for one in understood(network) if isinstance(one, Verdict)]


def await_verdict(network: DhcpNetwork, kind: Kind) -> Verdict:
    def look() -> list[Verdict]:
        return [one for one in verdicts(network) if one.kind is kind]

    return eventually(look, lambda: f"{kind} in\n" + "\n".join(network.hear()))[-1]


def test_a_good_network_has_no_verdicts(network: DhcpNetwork) -> None:
    guest, mac = network.guest()
    network.write("options/network", "tag:four,option:router,10.77.0.1")
    network.write("hosts/port", f"{mac},vm-1,10.77.0.5,[2001:db8:77::5]")
    assert network.udhcpc(guest) == "10.77.0.5"
    network.await_line("DHCPACK")
    run("ip", "-n", guest, "addr", "add", "10.77.0.5/24", "dev", "eth0")
    run("ip", "netns", "exec", guest, "busybox", "ping", "-c1", SERVER)
    learned = PacketNeighbours().known(network.id, network.interface)
    assert learned[ip_address("10.77.0.5")] == mac
    assert verdicts(network) == []
    assert FileRead("hosts/port") in understood(network)
    packets = [one for one in understood(network) if isinstance(one, Packet)]
    assert [one.message for one in packets if one.is_answer] == ["DHCPOFFER", "DHCPACK"]
    assert not any(one.is_refusal for one in packets)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{mac},bad name,10.77.0.5", "bad DHCP host name"),
        ("{mac},vm-1,[2001:db8::zz]", "bad IPv6 address"),
        ("{mac},vm-1,10.77.0.9", "duplicate dhcp-host IP address 10.77.0.9"),
    ],
)
def test_a_host_that_is_dropped_is_told_by_its_file(
    network: DhcpNetwork, line: str, reason: str
) -> None:
    network.write("hosts/first", f"{random_mac()},other,10.77.0.9")
    network.write("hosts/port", line.format(mac=random_mac()))
    found = await_verdict(network, Kind.HOST_DROPPED)
    assert (found.file, found.line, found.said) == ("hosts/port", 1, reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tag:x,option:nosuch,1", "bad dhcp-option"),
        ("tag:x,6,2001:db8::1", "bad IP address"),
        ("tag:x,option6:23,[zz]", "bad IPv6 address"),
        ("tag:x,67," + "x" * 300, "dhcp-option too long"),
        ('tag:x,67,"x', 'missing "'),
    ],
)
def test_an_option_that_is_dropped_is_told_by_its_line(
    network: DhcpNetwork, line: str, reason: str
) -> None:
    network.write("options/port", "tag:x,42,10.77.0.9", line)
    found = await_verdict(network, Kind.OPTION_DROPPED)
    assert (found.file, found.line, found.said) == ("options/port", 2, reason)
    network.signal(signal.SIGHUP)
    eventually(lambda: len(verdicts(network)) == 2, "it is told again at a reload")


def test_an_option_for_which_there_is_no_room_is_told_after_the_machine(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    mac = random_mac()
    network.write("hosts/port", f"{mac},vm-1,10.77.0.5")
    codes = frozenset(range(224, 254))
    network.write("options/network", *(f"tag:four,{code},{'x' * 60}" for code in sorted(codes)))
    prober.ask(network.id, network.interface, [Question(mac, SERVER, codes)], attempts=20)
    found = await_verdict(network, Kind.OPTION_LEFT_OUT)
    assert found.option in codes
    told = understood(network)
    before = told[: told.index(found)]
    last = [one for one in before if isinstance(one, Packet)][-1]
    assert (last.message, last.client) == ("DHCPOFFER", mac)


def test_an_address_that_another_holds_is_told_with_its_holder(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    guest, former = network.guest()
    network.write("hosts/port", f"{former},vm-1,10.77.0.5")
    assert network.udhcpc(guest) == "10.77.0.5"
    mac = random_mac()
    (network.directory / "hosts" / "port").unlink()
    network.write("hosts/next", f"{mac},vm-2,10.77.0.5")
    before = len(network.hear())
    network.signal(signal.SIGHUP)
    network.await_line("read .*hosts/next", before)
    prober.ask(network.id, network.interface, [Question(mac, SERVER)])
    found = await_verdict(network, Kind.ADDRESS_LEASED)
    assert (found.address, found.mac) == ("10.77.0.5", former)


def test_a_declined_address_is_told(network: DhcpNetwork, prober: PacketProber) -> None:
    guest, mac = network.guest()
    squatter, _mac = network.guest()
    network.write("hosts/port", f"{mac},vm-1,10.77.0.5")
    run("ip", "-n", squatter, "addr", "add", "10.77.0.5/24", "dev", "eth0")
    # The client looks by ARP whether somebody has what it was given.
    network.udhcpc(guest, "-a", "-t", "1", "-A", "1")
    found = await_verdict(network, Kind.ADDRESS_DECLINED)
    assert found.address == "10.77.0.5"
    declines = [one for one in understood(network) if isinstance(one, Packet)]
    assert ("DHCPDECLINE", mac) in [(one.message, one.client) for one in declines]
    prober.ask(network.id, network.interface, [Question(mac, SERVER)])
    assert await_verdict(network, Kind.ADDRESS_DECLINED).address == "10.77.0.5"


def test_a_machine_that_nobody_knows_is_a_refusal(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    network.write("hosts/port", f"{random_mac()},vm-1,10.77.0.5,[2001:db8:77::5]")
    stranger = random_mac()
    questions = [Question(stranger, SERVER), Question(stranger, SERVER6)]
    prober.ask(network.id, network.interface, questions)

    def refused() -> set[str]:
        packets = [one for one in understood(network) if isinstance(one, Packet)]
        return {one.message for one in packets if one.is_refusal}

    eventually(lambda: refused() == {"DHCPDISCOVER", "DHCPADVERTISE"}, "both refusals")


def test_an_interface_that_lost_its_address_is_told(network: DhcpNetwork) -> None:
    guest, _mac = network.guest()
    for address in network.addresses:
        network.kernel.change_address(network.id, network.interface.inside, address, add=False)
    network.udhcpc(guest, "-t", "1")
    found = await_verdict(network, Kind.NO_ADDRESS_HERE)
    assert found.interface == network.interface.inside


def test_a_range_without_an_address_in_it_is_told(network: DhcpNetwork) -> None:
    guest, _mac = network.guest()
    inside = network.interface.inside
    network.kernel.change_address(network.id, inside, "10.99.0.2/24", add=True)
    network.kernel.change_address(network.id, inside, f"{SERVER}/24", add=False)
    network.udhcpc(guest, "-t", "1")
    assert await_verdict(network, Kind.NO_RANGE).interface == inside


def test_a_configuration_that_does_not_start_is_told_with_its_line(network: DhcpNetwork) -> None:
    network.signal(signal.SIGKILL)
    network.ranges = ("2001:db8:77::,ra-only,48",)
    with pytest.raises(subprocess.CalledProcessError):
        network.start()
    found = await_verdict(network, Kind.START_REFUSED)
    assert found.file == "dnsmasq.conf"
    assert found.line > 0


def test_a_log_of_which_the_kernel_takes_no_more_stops_nothing(prober: PacketProber) -> None:
    mac, most = random_mac(), 2048
    ranges = ("10.77.0.0,static,255.255.255.0,3600",)
    with dhcp_network(f"{SERVER}/24", ranges=ranges, log_bytes=most) as network:
        network.write("hosts/port", f"{mac},vm-1,10.77.0.5")
        for _ in range(30):
            assert prober.ask(network.id, network.interface, [Question(mac, SERVER)], attempts=20)
        assert (network.directory / "log").stat().st_size == most


def test_a_new_reader_goes_on_where_the_last_one_ended(network: DhcpNetwork) -> None:
    network.hear()
    network.log.close()
    network.signal(signal.SIGHUP)
    network.log = LogFile(network.directory)
    network.write("hosts/port", f"{random_mac()},bad name,10.77.0.5")
    assert await_verdict(network, Kind.HOST_DROPPED).file == "hosts/port"
