"""The questions about a port, and what their answers show."""

from dataclasses import replace

import msgspec

from ipam.agent.advertisement_proof import Heard
from ipam.agent.dnsmasq.probe_answers import PROBE_DUID, Offer, Question, Refusal
from ipam.agent.promised import terms
from ipam.agent.proof import Lacks, Promise, in_all, lacks, promises, uncovered
from ipam.agent.served import ServedPort
from ipam.agent.state import Lease, NetworkState
from ipam.protocol.dhcp_state import FullNetwork, ServedDhcpOption, ServedSubnet
from tests.agent.network_rows import network

MAC = "fa:16:3e:00:00:05"
SUBNETS = {"10.0.0.0/24": "four", "10.1.0.0/24": "other", "2001:db8::/64": "six"}
STATE = NetworkState("net", addresses=frozenset({"10.0.0.2/24", "10.1.0.2/24", "2001:db8::2/64"}))
OPTIONS = [
    ("ntp-server", "10.0.0.9", 4),
    ("tag:ipxe,66", "10.0.0.9", 4),
    ("router", "", 4),
    ("server-ip-address", "10.0.0.8", 4),
    ("bootfile-name", "boot,file", 4),
    ("bootfile-url", "url", 6),
]


def subnet(cidr: str) -> ServedSubnet:
    return ServedSubnet(
        id=SUBNETS[cidr],
        cidr=cidr,
        ip_version=6 if ":" in cidr else 4,
        gateway_ip=None,
        enable_dhcp=True,
        dns_nameservers=["2001:db8::53" if ":" in cidr else "192.0.2.53"],
        host_routes=[],
        ipv6_ra_mode=None,
        ipv6_address_mode=None,
    )


ROW = msgspec.convert(network(mtu=1400, dns_domain="", lease_seconds=600), FullNetwork)
TERMS = terms(ROW, map(subnet, SUBNETS))


def port(*addresses: str) -> ServedPort:
    return ServedPort(
        "port",
        1,
        "DOWN",
        MAC,
        addresses,
        None,
        waits_for_tap=False,
        client_id="01:aa",
        hostname="web",
        extra_dhcp_opts=tuple(ServedDhcpOption(*one) for one in OPTIONS),
    )


def the_promise(*leases: Lease, address: str = "10.0.0.5") -> Promise:
    (found,) = promises(port(address), TERMS, STATE, leases)
    return found


def full(promise: Promise) -> Offer:
    """An offer of all that is promised."""
    octets = {code: data for code, data in promise.answer.options.items() if data}
    seconds, next_server = promise.answer.lease_seconds, promise.answer.next_server
    (address,) = promise.addresses
    return Offer(address, 24, seconds, "10.0.0.2", octets, next_server=next_server)


def lacking(promise: Promise, answer: Offer | Refusal | None) -> Lacks:
    return lacks(promise, {promise.question: answer} if answer else {})


def test_one_question_for_each_subnet_with_all_the_codes_that_matter() -> None:
    found = promises(port("10.0.0.5", "10.0.0.6", "2001:db8::5"), TERMS, STATE, [])
    assert [(one.question.server, sorted(one.addresses), one.subnet_id) for one in found] == [
        ("10.0.0.2", ["10.0.0.5", "10.0.0.6"], "four"),
        ("2001:db8::2", ["2001:db8::5"], "six"),
    ]
    assert found[0].question.options == {1, 3, 6, 12, 15, 26, 42, 67, 119, 121, 249}
    assert found[1].question.options == {23, 24, 39, 59}
    assert found[0].question.client_id == b"\1\xaa"


def test_the_holder_of_a_dhcpv6_lease_asks_for_itself() -> None:
    lease = Lease("2001:db8::5", MAC, 0, duid="00:03:00:01:aa", iaid="7")
    found = the_promise(lease, address="2001:db8::5")
    assert (found.question.duid, found.question.iaid) == (b"\0\3\0\1\xaa", b"\0\0\0\7")
    for odd in (
        Lease("2001:db8::5", MAC, 0, duid="zz", iaid="7"),
        Lease("2001:db8::5", MAC, 0, duid="00", iaid="x"),
        Lease("2001:db8::5", "fa:16:3e:00:00:09", 0, duid="00", iaid="7"),
        Lease("2001:db8::6", MAC, 0, duid="00", iaid="7"),
    ):
        assert the_promise(odd, address="2001:db8::5").question.duid == PROBE_DUID


def test_an_answer_with_all_that_was_promised_lacks_nothing() -> None:
    promise = the_promise()
    assert not lacking(promise, full(promise))
    in_head = replace(full(promise), boot_file="boot,file")
    without = {code: data for code, data in in_head.options.items() if code != 67}
    assert not lacking(promise, replace(in_head, options=without))
    six = the_promise(address="2001:db8::5")
    assert not lacking(six, full(six))


def test_a_machine_that_gets_no_address_is_told_from_one_that_lacks_an_option() -> None:
    promise = the_promise()
    for answer, said in (
        (None, f"dnsmasq does not offer 10.0.0.5 to {MAC}"),
        (Refusal(2, "none left"), f"dnsmasq refuses 10.0.0.5 to {MAC}: none left"),
        (Offer("10.0.0.9", 24, 60, "10.0.0.2"), "dnsmasq offers 10.0.0.9 and not 10.0.0.5"),
    ):
        assert lacking(promise, answer) == Lacks(said, gets_address=False)
    bare = {code: data for code, data in full(promise).options.items() if code not in (42, 67)}
    assert lacking(promise, replace(full(promise), options=bare)) == Lacks(
        "dnsmasq's answer has no DHCP option 42 (ntp-server), 67 (bootfile-name)"
    )


def test_other_octets_and_options_that_should_not_be_there_are_said() -> None:
    promise = the_promise()
    options = {**full(promise).options, 42: bytes((10, 0, 0, 8)), 3: bytes((10, 0, 0, 2))}
    assert lacking(promise, replace(full(promise), options=options)).of_port == (
        "dnsmasq's answer has DHCP option 3 (router), 10.0.0.2, that it should not have;"
        " dnsmasq's answer has DHCP option 42 (ntp-server) as 10.0.0.8 and not 10.0.0.9"
    )
    odd = replace(full(promise), lease_seconds=60, next_server="")
    assert lacking(promise, odd).of_port == (
        "dnsmasq's answer has a lease of 60 s and not 600 s;"
        " dnsmasq's answer has the next server none and not 10.0.0.8"
    )


def test_what_all_machines_of_a_subnet_lack_is_said_of_the_subnet() -> None:
    promise = the_promise()
    options = {**full(promise).options, 6: bytes((10, 0, 0, 2))}
    del options[26]
    said = (
        f"dnsmasq's answer to {MAC} has DHCP option 6 (dns-server) as 10.0.0.2 and not 192.0.2.53;"
        f" dnsmasq's answer to {MAC} has no DHCP option 26 (mtu)"
    )
    found = lacking(promise, replace(full(promise), options=options))
    assert found == Lacks("", (("four", said),))
    assert str(found) == said


def test_an_address_in_whose_subnet_the_server_has_none_is_said() -> None:
    assert uncovered(port("10.0.0.5", "2001:db8::5"), STATE) == ""
    found = uncovered(port("10.0.0.5", "10.9.0.5"), STATE)
    assert found == "the DHCP server has no address in the subnet of 10.9.0.5"


def test_one_address_of_several_is_enough_to_be_served() -> None:
    four = port("10.0.0.5")
    silent, answered = Lacks("silent", gets_address=False), Lacks()
    assert not in_all(four, STATE, [silent], Heard(), "").gets_address
    assert in_all(four, STATE, [silent, answered], Heard(), "").gets_address
    both = replace(four, is_advertised_to=True, makes_own_address=True)
    assert in_all(both, STATE, [silent], Heard(), "").gets_address
    assert in_all(both, STATE, [silent], Heard("the MTU is odd"), "").gets_address
    unheard = Heard("nothing is advertised", gives_prefixes=False)
    assert in_all(both, STATE, [silent], unheard, "") == Lacks(
        "silent", (("net", "nothing is advertised"),), gets_address=False
    )
    assert in_all(four, STATE, [answered], unheard, "") == Lacks(), "it is not advertised to"


def test_what_dnsmasq_said_itself_is_told_where_no_answer_shows_more() -> None:
    assert in_all(port("10.0.0.5"), STATE, [Lacks()], Heard(), "dropped").of_port == "dropped"
    assert in_all(port("10.0.0.5"), STATE, [Lacks("x")], Heard(), "dropped").of_port == "x"


def test_each_question_is_another_for_the_answers() -> None:
    questions: set[Question] = {
        one.question for one in promises(port("10.0.0.5", "10.1.0.5"), TERMS, STATE, [])
    }
    assert len(questions) == 2
