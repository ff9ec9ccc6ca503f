"""Real dnsmasq's answers to probes are, octet for octet, what the API promises."""

import signal
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address

import msgspec
import pytest

from ipam.agent.advertisement_proofs import AdvertisementProofs
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.promised import terms
from ipam.agent.proof import Lacks, lacks, promises
from ipam.agent.state import Lease
from ipam.protocol.dhcp_state import FullNetwork
from ipam.rules import dhcp_option_table
from ipam.rules.dhcp_option_values import Whole
from tests.agent import network_rows
from tests.agent.network_rows import SUBNET4, SUBNET6, Json, subnet4, subnet6
from tests.system.ipam_host import run
from tests.system.promised_network import PromisedNetwork, promised_network
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

VALUES4 = {
    "addresses4": "192.0.2.7,192.0.2.8",
    "addresses4_or_none": "192.0.2.7",
    "address4": "192.0.2.9",
    "text": 'a, "b" \\ c',
    "domains": "Lab.Example,deep.lab.example",
    "routes": "192.0.2.0/25,10.0.0.3,0.0.0.0/0,10.0.0.4",
    "sip_servers": "sip.example,b.sip.example",
    "seconds": "300",
    "anything4": "01:02:fe",
}
VALUES6 = {
    "addresses6": "2001:db8::7,[2001:db8::8]",
    "domains": "Lab.Example,deep.lab.example",
    "ntp_servers6": "2001:db8::7,ff05::101",
    "seconds": "1h",
    "strings": "one,two",
    "text": "http://boot.example/x",
}


@pytest.fixture
def prober() -> Iterator[PacketProber]:
    prober = PacketProber()
    yield prober
    prober.close()


def all_lacks(
    prober: PacketProber, network: PromisedNetwork, *leases: Lease
) -> dict[str, list[Lacks]]:
    """By port id, what each subnet's answer is not as promised."""
    served = network.served
    found = {}
    for port in served.ports.values():
        asked = promises(port, served.terms, served.state, leases)
        questions = [one.question for one in asked]
        answers = prober.ask(network.id, network.interface, questions, attempts=20)
        found[port.id] = [lacks(one, answers) for one in asked]
    return found


def ports_with(options: list[tuple[str, str, int]]) -> list[Json]:
    """A port for each option."""
    return [
        network_rows.port(
            id=f"00000000-0000-4000-8000-{at:012x}",
            mac_address=f"fa:16:3e:00:01:{at:02x}",
            hostname=f"vm-{at}",
            fixed_ips=[
                {"subnet_id": SUBNET4, "ip_address": f"10.0.0.{at + 10}"},
                {"subnet_id": SUBNET6, "ip_address": f"2001:db8::{at + 10:x}"},
            ],
            extra_dhcp_opts=[{"opt_name": name, "opt_value": value, "ip_version": version}],
        )
        for at, (name, value, version) in enumerate(options)
    ]


def value_of(read: object, version: int) -> str:
    if isinstance(read, Whole):
        return str(2 ** (8 * read.width - 1) - 1)
    name = getattr(read, "__name__", "")
    return (VALUES4 if version == 4 else VALUES6).get(name, "")


def every_option() -> list[tuple[str, str, int]]:
    four = [(name, value_of(read, 4), 4) for name, (_no, read) in dhcp_option_table.IPV4.items()]
    six = [(name, value_of(read, 6), 6) for name, (_no, read) in dhcp_option_table.IPV6.items()]
    special = [("lease-time", "900", 4), ("client-id", "01:02:03", 4), ("72", "7", 4)]
    special += [("252", "http://wpad/", 4), ("224", "70000", 4), ("225", "-2", 4)]
    special += [("226", "300s", 4), ("tag:!ipxe,67", "undionly.kpxe", 4)]
    special += [("tag:ipxe,67", "http://boot/", 4), ("router", "", 4), ("121", "", 4)]
    special += [("sip-server", "192.0.2.7", 4), ("ntp-server", "ntp.example", 6)]
    special += [("dns-server", "0.0.0.0", 4), ("lease-time", "infinite", 4), ("t2", "90000", 4)]
    return [
        *((n, v, k) for n, v, k in (*four, *six) if n not in ("lease-time", "client-id")),
        *special,
    ]


def test_every_option_that_the_api_accepts_is_sent_in_these_octets(prober: PacketProber) -> None:
    wanted = every_option()
    assert all(value or name in ("router", "121") for name, value, _version in wanted), wanted
    with promised_network(ports=ports_with(wanted)) as network:
        assert network.served.faults == ()
        found = all_lacks(prober, network)
        shown = {wanted[int(key[-4:], 16)]: [str(one) for one in of] for key, of in found.items()}
        assert {key: one for key, one in shown.items() if any(one)} == {}
        assert not any(" at line " in line for line in network.hear())


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("gateway-and-routes", {}),
        ("no-gateway", {"gateway_ip": None, "host_routes": [], "dns_nameservers": []}),
        ("unspecified", {"gateway_ip": "0.0.0.0", "dns_nameservers": ["0.0.0.0"]}),
        (
            "default-route",
            {
                "gateway_ip": None,
                "host_routes": [
                    {"destination": "0.0.0.0/0", "nexthop": "10.0.0.3"},
                    {"destination": "192.0.2.0/31", "nexthop": "0.0.0.0"},
                ],
            },
        ),
    ],
)
def test_what_a_subnet_promises_is_in_the_answer(
    prober: PacketProber, name: str, fields: Json
) -> None:
    six = subnet6(dns_nameservers=["::"] if name == "unspecified" else ["2001:db8::53"])
    domain = "" if name == "no-gateway" else "lab.example."
    with promised_network(subnets=[subnet4(**fields), six], dns_domain=domain) as network:
        found = all_lacks(prober, network)
        assert [str(one) for of in found.values() for one in of] == ["", ""]


def test_an_option_of_the_subnet_that_dnsmasq_dropped_or_others_changed_is_found(
    prober: PacketProber,
) -> None:
    with promised_network() as network:
        tag4, tag6 = f"tag:subnet-{SUBNET4}", f"tag:subnet-{SUBNET6}"
        (network.directory / "options" / "network").unlink()
        network.write(
            "options/network",
            f"{tag4},option:router,10.0.0.66",
            f"{tag4},option:dns-server,192.0.2.53,no-address",
            f"{tag6},option6:dns-server,[2001:db8::66]",
        )
        network.signal(signal.SIGHUP)

        def after_the_reload() -> list[Lacks]:
            four, six = all_lacks(prober, network)[network_rows.PORT]
            return [four, six] if "has DHCP option 6 (dns-server) as 10.0.0.2" in str(four) else []

        four, six = eventually(after_the_reload, "the reload")
        mac = "dnsmasq's answer to fa:16:3e:00:00:05"
        ((of_four, said_four),), ((of_six, said_six),) = four.elsewhere, six.elsewhere
        assert (of_four, of_six) == (SUBNET4, SUBNET6)
        assert f"{mac} has DHCP option 3 (router) as 10.0.0.66 and not 10.0.0.1" in said_four
        own = "10.0.0.2 and not 192.0.2.53, 192.0.2.54"  # what dnsmasq tells without the line
        assert f"{mac} has DHCP option 6 (dns-server) as {own}" in said_four
        assert f"{mac} has no DHCP option 15 (domain-name)" in said_four
        assert "option 23 (dns-server) as 2001:db8::66 and not 2001:db8::53" in said_six
        assert not four.of_port
        assert four.gets_address


@pytest.mark.parametrize("with_ipv4", [True, False])
@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
def test_what_is_advertised_is_as_promised(
    prober: PacketProber, mode: str, with_ipv4: bool
) -> None:
    subnets = [subnet4()] if with_ipv4 else []
    with promised_network(subnets=[*subnets, subnet6(mode)], ports=[]) as network:
        proofs, promise = AdvertisementProofs(prober), network.served.terms
        eventually(
            lambda: not proofs.prove(network.id, network.interface, promise).lacks,
            lambda: proofs.prove(network.id, network.interface, promise).lacks,
        )
        network.signal(signal.SIGKILL)
        assert not proofs.prove(network.id, network.interface, promise).lacks, "not asked again"
        heard = AdvertisementProofs(prober).prove(network.id, network.interface, promise)
        assert heard.lacks == "dnsmasq sends no router advertisement"
        assert not heard.gives_prefixes


def test_another_advertisement_and_other_information_are_found(prober: PacketProber) -> None:
    stateless = subnet6("dhcpv6-stateless")
    with promised_network(subnets=[stateless], ports=[], mtu=1400) as network:
        other = subnet6("dhcpv6-stateless", dns_nameservers=["2001:db8::9"])
        moved = subnet6("slaac", id=SUBNET4, cidr="2001:db8:1::/64")

        def lacking(**more: object) -> str:
            asked = AdvertisementProofs(prober)
            row = network_rows.network(id=network.id, subnets=[stateless], mtu=1400, ports=[])
            full = msgspec.convert(row | more, FullNetwork)
            return asked.prove(network.id, network.interface, terms(full, full.subnets)).lacks

        eventually(lambda: not lacking(), lacking)
        assert lacking(subnets=[other]) == (
            "dnsmasq advertises dns-server 2001:db8::53 and not 2001:db8::9"
        )
        assert lacking(mtu=1300) == "dnsmasq advertises mtu 1400 and not 1300"
        assert "does not advertise the prefix 2001:db8:1::/64" in lacking(subnets=[moved])
        got = prober.information(network.id, network.interface, [23, 24])
        assert got is not None
        assert got[23] == ip_address("2001:db8::53").packed


def test_odd_names_and_a_lease_that_lives_change_nothing(prober: PacketProber) -> None:
    names = ["2024", "5d", "infinite", "ignore", "x" * 63, "vm.example.org", "same", "same"]
    options = [("ntp-server", "192.0.2.7", 4)] * len(names)
    ports = [
        one | {"hostname": name} for one, name in zip(ports_with(options), names, strict=True)
    ]
    with promised_network(ports=ports) as network:
        assert network.served.faults == ()
        for port in ports[-2:]:
            guest, _mac = network.guest(port["mac_address"])
            # The machine calls itself something else.
            assert (
                network.udhcpc(guest, "-x", "hostname:other")
                == (port["fixed_ips"][0]["ip_address"])
            )
        found = all_lacks(prober, network)
        assert {str(one) for of in found.values() for one in of} == {""}


def test_a_dhcpv6_lease_that_lives_changes_nothing(prober: PacketProber) -> None:
    with promised_network() as network:
        guest, _mac = network.guest("fa:16:3e:00:00:05")
        within = ("ip", "-n", guest, "-6", "addr", "show", "dev", "eth0")
        eventually(lambda: "fe80" in (a := run(*within)) and "tentative" not in a, "link-local")
        client = ("dhclient", "-6", "-1", "-d", "-sf", "/bin/true", "-cf", "/dev/null", "eth0")
        files = ("-lf", str(network.directory / "leases6"), "-pf", str(network.directory / "pid6"))
        with subprocess.Popen(
            ["ip", "netns", "exec", guest, *client, *files],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            added = eventually(lambda: network.events, "the event of the lease")[0].split()
            process.terminate()
        duid, address, iaid = added[1], added[2], added[-1]
        lease = Lease(address, "fa:16:3e:00:00:05", 0, duid=duid, iaid=iaid)
        assert "refuses" in str(all_lacks(prober, network)[network_rows.PORT][1]), "to another"
        found = all_lacks(prober, network, lease)[network_rows.PORT]
        assert [str(one) for one in found] == ["", ""]


@pytest.mark.parametrize("cidr", ["10.0.0.0/31", "10.0.0.0/30", "10.0.0.0/8", "10.0.0.0/9"])
def test_the_mask_is_that_of_the_subnet(prober: PacketProber, cidr: str) -> None:
    small = subnet4(cidr=cidr, gateway_ip=None, host_routes=[])
    server = [{"subnet_id": SUBNET4, "ip_address": "10.0.0.0"}]
    port = network_rows.port(fixed_ips=[{"subnet_id": SUBNET4, "ip_address": "10.0.0.1"}])
    if cidr != "10.0.0.0/31":
        server = [{"subnet_id": SUBNET4, "ip_address": "10.0.0.2"}]
    dhcp_port = {"id": network_rows.DHCP_PORT, "mac_address": "fa:16:3e:00:00:02"}
    row = {"dhcp_port": dhcp_port | {"fixed_ips": server}}
    with promised_network(subnets=[small], ports=[port], **row) as network:
        assert [str(one) for one in all_lacks(prober, network)[network_rows.PORT]] == [""]
