"""A probe of a real dnsmasq tells what the machine would get, and no machine sees it."""

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from ipam import model
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.dnsmasq.probe_answers import Offer, Prefix, Question, Refusal
from ipam.agent.host.namespaces import call_in_namespace
from ipam.rules import dhcp_option_table
from tests.system.dhcp_network import DhcpNetwork, dhcp_network
from tests.system.ipam_host import random_mac, run
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

NO_ADDRESSES_AVAILABLE = 2
SERVER, SERVER6 = "10.77.0.2", "2001:db8:77::2"


@pytest.fixture
def network() -> Iterator[DhcpNetwork]:
    with dhcp_network(
        f"{SERVER}/24",
        f"{SERVER6}/64",
        ranges=(
            "set:four,10.77.0.0,static,255.255.255.0,3600",
            "set:six,2001:db8:77::,static,64,1800",
        ),
        more=("enable-ra", "dhcp-option-force=option:mtu,1400"),
    ) as network:
        yield network


@pytest.fixture
def prober() -> Iterator[PacketProber]:
    prober = PacketProber()
    yield prober
    prober.close()


def offer(
    prober: PacketProber, network: DhcpNetwork, question: Question
) -> Offer | Refusal | None:
    return prober.ask(network.id, network.interface, [question], attempts=20).get(question)


def silence(prober: PacketProber, network: DhcpNetwork, question: Question) -> bool:
    return question not in prober.ask(network.id, network.interface, [question])


def reserve(network: DhcpNetwork, mac: str, addresses: str, name: str = "vm-1") -> None:
    network.write(f"hosts/{name}", f"{mac},tag:{network.interface.inside},{name},{addresses}")


def test_an_offer_shows_all_that_a_real_client_gets(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    guest, mac = network.guest()
    reserve(network, mac, "10.77.0.5,[2001:db8:77::5]")
    network.write(
        "options/network",
        "tag:four,option:router,10.77.0.1",
        "tag:four,6,192.0.2.53,192.0.2.54",
        "tag:four,121,10.5.0.0/16,10.77.0.3,0.0.0.0/0,10.77.0.1",
        "tag:four,67,pxe.efi",
        "tag:four,252,text",
        "tag:six,option6:dns-server,[2001:db8::53]",
    )
    found = offer(prober, network, Question(mac, SERVER, frozenset({252})))
    assert isinstance(found, Offer)
    assert (found.address, found.prefix_length, found.lease_seconds) == ("10.77.0.5", 24, 3600)
    assert found.server == SERVER
    assert found.boot_file == "pxe.efi"
    assert found.options[3] == socket.inet_aton("10.77.0.1")
    assert found.options[6] == socket.inet_aton("192.0.2.53") + socket.inet_aton("192.0.2.54")
    assert found.options[26] == (1400).to_bytes(2)
    assert found.options[121] == bytes.fromhex("100a05 0a4d0003 00 0a4d0001".replace(" ", ""))
    assert found.options[252] == b"text"
    found = offer(prober, network, Question(mac, SERVER6))
    assert isinstance(found, Offer)
    assert (found.address, found.lease_seconds) == ("2001:db8:77::5", 1800)
    assert found.options[23] == socket.inet_pton(socket.AF_INET6, "2001:db8::53")
    assert network.udhcpc(guest) == "10.77.0.5"


def test_every_option_that_a_port_may_have_is_in_the_answer(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    """Otherwise the port would never be ready."""
    own = {dhcp_option_table.LEASE_TIME, dhcp_option_table.CLIENT_ID}
    four = [n for n in range(1, 255) if n not in dhcp_option_table.NOT_TOLD4 and n not in own]
    six = sorted({number for number, _read in dhcp_option_table.IPV6.values()})
    texts = dict.fromkeys((21, 24, 29, 30, 33), '"a.example"') | {41: '"UTC0"', 59: '"http://x"'}
    hosts, options, wanted = [], [], []
    for at, (server, code) in enumerate([(SERVER, n) for n in four] + [(SERVER6, n) for n in six]):
        mac = f"fa:16:3e:00:{at // 256:02x}:{at % 256:02x}"
        address = f"10.77.0.{at + 3}" if server == SERVER else f"[2001:db8:77::1:{at}]"
        hosts.append(f"{mac},set:t{at},vm-{at},{address}")
        line = str(code) if server == SERVER else f"option6:{code}"
        value = "10.0.0.9" if server == SERVER else texts.get(code, "[2001:db8::1]")
        options.append(f"tag:t{at},{line},{value}")
        wanted.append((code, Question(mac, server, frozenset({code}))))
    network.write("hosts/all", *hosts)
    network.write("options/all", *options)
    questions = [question for _code, question in wanted]
    answers = prober.ask(network.id, network.interface, questions, attempts=20)
    found = [(code, answers[question]) for code, question in wanted]
    boot_names = {66, 67}  # in the head of the message
    lacking = [
        code
        for code, answer in found
        if isinstance(answer, Offer) and code not in answer.options and code not in boot_names
    ]
    assert lacking == []
    assert all(isinstance(answer, Offer) for _code, answer in found)
    assert not any(" at line " in line for line in network.hear())


def test_a_thousand_probes_leave_no_lease_and_no_event(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    macs = [f"fa:16:3e:00:00:{number:02x}" for number in range(50)]
    lines = [
        f"{mac},tag:{network.interface.inside},vm-{n},10.77.0.{n + 10},[2001:db8:77::1:{n}]"
        for n, mac in enumerate(macs)
    ]
    network.write("hosts/all", *lines)
    questions = [Question(mac, server) for mac in macs for server in (SERVER, SERVER6)]
    for _ in range(10):
        answers = prober.ask(network.id, network.interface, questions, attempts=20)
        assert [answers[q].address for q in questions if q.server == SERVER] == [  # type: ignore[union-attr]
            f"10.77.0.{n + 10}" for n in range(50)
        ]
        assert all(isinstance(answer, Offer) for answer in answers.values())
    # A reload runs the hook for every lease there is.
    network.signal(signal.SIGHUP)
    guest, mac = network.guest()
    reserve(network, mac, "10.77.0.5", "real")
    assert network.udhcpc(guest) == "10.77.0.5"
    eventually(lambda: network.events, "the event of the real lease")
    assert [event.split()[:3] for event in network.events] == [["add", mac, "10.77.0.5"]]


def test_no_machine_sees_a_probe_and_the_bridge_learns_nothing(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    guest, mac = network.guest()
    reserve(network, mac, "10.77.0.5,[2001:db8:77::5]")

    with call_in_namespace(guest, listener) as heard:
        for server in (SERVER, SERVER6):
            assert isinstance(offer(prober, network, Question(mac, server)), Offer)
        assert prober.advertisement(network.id, network.interface)
        # The ARP request that this makes is heard after everything else.
        call_in_namespace(model.dhcp_namespace(network.id), lambda: send_to("10.77.0.99"))
        frames = list(received_until_arp(heard))
    assert not any(bytes.fromhex(mac.replace(":", "")) in frame for frame in frames)
    assert not any(b"ipam-agent-probe" in frame for frame in frames)
    table = run("bridge", "fdb", "show", "br", network.bridge.name).splitlines()
    learned = {entry.split()[0] for entry in table if network.interface.outside in entry}
    assert not {mac, "02:69:70:61:00:6d"} & learned


def test_each_discover_is_announced_before_it_goes(network: DhcpNetwork) -> None:
    told: list[tuple[str, str]] = []
    stranger = random_mac()
    with contextlib.closing(PacketProber(lambda *one: told.append(one))) as prober:
        questions = [Question(stranger, SERVER), Question(stranger, SERVER6)]
        prober.ask(network.id, network.interface, questions, attempts=2)
    assert told == [(network.id, stranger)] * 2
    lines = [
        line for line in network.hear() if f"DHCPDISCOVER({network.interface.inside})" in line
    ]
    assert len(lines) == 2


def test_a_machine_without_a_port_is_refused(network: DhcpNetwork, prober: PacketProber) -> None:
    reserve(network, random_mac(), "10.77.0.5,[2001:db8:77::5]")
    stranger = random_mac()
    assert silence(prober, network, Question(stranger, SERVER))
    network.await_line(f"DHCPDISCOVER.* {stranger} no address available")
    assert status(offer(prober, network, Question(stranger, SERVER6))) == NO_ADDRESSES_AVAILABLE


def test_an_address_that_another_machine_holds_is_not_offered_until_it_is_released(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    guest, former = network.guest()
    reserve(network, former, "10.77.0.5", "former")
    assert network.udhcpc(guest) == "10.77.0.5"
    (network.directory / "hosts" / "former").unlink()
    network.signal(signal.SIGHUP)
    mac = random_mac()
    reserve(network, mac, "10.77.0.5", "next")
    question = Question(mac, SERVER)
    assert silence(prober, network, question)
    network.await_line(f"not using configured address 10.77.0.5 because it is leased to {former}")
    run(
        *("ip", "netns", "exec", model.dhcp_namespace(network.id)),
        *("dhcp_release", network.interface.inside, "10.77.0.5", former, f"01:{former}"),
    )
    found = offer(prober, network, question)
    assert isinstance(found, Offer)
    assert found.address == "10.77.0.5"


def test_a_probe_in_the_name_of_a_dhcpv6_lease_is_offered_its_address(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    guest, mac = network.guest()
    reserve(network, mac, "[2001:db8:77::5]")
    within = ("ip", "-n", guest, "-6", "addr", "show", "dev", "eth0")
    eventually(lambda: "fe80" in (a := run(*within)) and "tentative" not in a, "link-local")
    lease = network.directory / "leases6"
    client = ("dhclient", "-6", "-1", "-d", "-sf", "/bin/true", "-lf", str(lease))
    more = ("-pf", str(network.directory / "pid6"), "-cf", "/dev/null", "-D", "LL", "eth0")
    with subprocess.Popen(
        ["ip", "netns", "exec", guest, *client, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        added = eventually(lambda: network.events, "the event of the lease")[0].split()
        process.terminate()
    _add, duid, _address, _name, iaid = added
    assert status(offer(prober, network, Question(mac, SERVER6))) == NO_ADDRESSES_AVAILABLE
    owner = bytes.fromhex(duid.replace(":", ""))
    question = Question(mac, SERVER6, duid=owner, iaid=int(iaid).to_bytes(4))
    found = offer(prober, network, question)
    assert isinstance(found, Offer)
    assert found.address == "2001:db8:77::5"


def test_what_is_advertised_is_shown(network: DhcpNetwork, prober: PacketProber) -> None:
    network.write("options/network", "tag:six,option6:dns-server,[2001:db8::53]")
    found = prober.advertisement(network.id, network.interface)
    assert found is not None
    assert (found.managed, found.other, found.mtu) == (True, True, 1400)
    assert found.prefixes == (Prefix("2001:db8:77::/64", True, False, 1800, 1800),)
    assert found.name_servers == ("2001:db8::53",)


def test_without_dnsmasq_there_is_silence_and_without_the_namespace_an_error(
    network: DhcpNetwork, prober: PacketProber
) -> None:
    mac = random_mac()
    reserve(network, mac, "10.77.0.5")
    assert isinstance(offer(prober, network, Question(mac, SERVER)), Offer)
    network.signal(signal.SIGSTOP)
    assert silence(prober, network, Question(mac, SERVER))
    assert prober.advertisement(network.id, network.interface) is None
    network.signal(signal.SIGKILL)
    run("ip", "netns", "del", model.dhcp_namespace(network.id))
    with pytest.raises(OSError, match="No such"):
        prober.ask(network.id, network.interface, [Question(mac, SERVER)])


def status(answer: Offer | Refusal | None) -> int:
    assert isinstance(answer, Refusal)
    return answer.status


def listener() -> socket.socket:
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    one.settimeout(5)
    one.bind(("eth0", 3))
    return one


def send_to(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (address, 9))


def received_until_arp(heard: socket.socket) -> Iterator[bytes]:
    while True:
        frame, address = heard.recvfrom(65536)
        if address[2] != socket.PACKET_OUTGOING:
            yield frame
            if frame[12:14] == b"\x08\x06":
                return
