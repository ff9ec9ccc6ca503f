"""Every line by which dnsmasq 2.90 to 2.93 says that it did not do something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.dnsmasq.verdict_words import fix, sentence
from ipam.agent.dnsmasq.verdicts import FileRead, Kind, Packet, Said, Verdict, parse

DIRECTORY = "/run/ipam/dhcp/4f0f1c0e-0000-4000-8000-000000000001"
MAC, OTHER = "fa:16:3e:c4:0a:01", "fa:16:3e:c4:0a:02"
DUID = "00:03:00:01:fa:16:3e:c4:0a:01"
INTERFACE = "ns-460a0676-e8"


def heard(text: str, program: str = "dnsmasq-dhcp") -> Said | None:
    return parse(f"Nov  8 02:19:51 {program}[22237]: {text}", DIRECTORY)


@pytest.mark.parametrize(
    ("reason", "path", "kind"),
    [
        ("bad DHCP host name", "hosts/port", Kind.HOST_DROPPED),
        ("DHCP host has multiple names", "hosts/port", Kind.HOST_DROPPED),
        ("duplicate dhcp-host IP address 10.8.0.5", "hosts/port", Kind.HOST_DROPPED),
        ("bad hex constant", "hosts/port", Kind.HOST_DROPPED),
        ("bad IPv6 address", "hosts/port", Kind.HOST_DROPPED),
        ("bad IPv6 prefix", "hosts/port", Kind.HOST_DROPPED),
        ("bad dhcp-option", "options/port", Kind.OPTION_DROPPED),
        ("bad IP address", "options/port", Kind.OPTION_DROPPED),
        ("bad IPv4 address", "options/port", Kind.OPTION_DROPPED),
        ("bad IPv6 address", "options/network", Kind.OPTION_DROPPED),
        ("bad domain in dhcp-option", "options/network", Kind.OPTION_DROPPED),
        ("dhcp-option too long", "options/network", Kind.OPTION_DROPPED),
        ("unsupported encapsulation for IPv6 option", "options/port", Kind.OPTION_DROPPED),
        (
            "No vendor-encap options allowed in dhcp-option-pxe",
            "options/port",
            Kind.OPTION_DROPPED,
        ),
        ('missing "', "options/port", Kind.OPTION_DROPPED),
        ("a reason of tomorrow", "options/port", Kind.OPTION_DROPPED),
        ("prefix length must be exactly 64 for RA subnets", "dnsmasq.conf", Kind.START_REFUSED),
    ],
)
def test_what_is_wrong_with_a_file_names_file_and_line(reason: str, path: str, kind: Kind) -> None:
    found = heard(f"{reason} at line 3 of {DIRECTORY}/{path}", "dnsmasq")
    assert found == Verdict(kind, reason, file=path, line=3)


def test_a_file_is_read_anew() -> None:
    assert heard(f"read {DIRECTORY}/hosts/port") == FileRead("hosts/port")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"not using configured address 10.8.0.5 because it is leased to {OTHER}",
            Verdict(Kind.ADDRESS_LEASED, "", address="10.8.0.5", mac=OTHER),
        ),
        (
            "not using configured address 10.8.0.5 because it is in use by the server or relay",
            Verdict(Kind.ADDRESS_OF_SERVER, "", address="10.8.0.5"),
        ),
        (
            "not using configured address 10.8.0.5 because it was previously declined",
            Verdict(Kind.ADDRESS_DECLINED, "", address="10.8.0.5"),
        ),
        (
            "disabling DHCP static address 2001:db8::5 for 10m",
            Verdict(Kind.ADDRESS_DECLINED, "", address="2001:db8::5"),
        ),
        (
            f"no address range available for DHCP request via {INTERFACE}",
            Verdict(Kind.NO_RANGE, "", interface=INTERFACE),
        ),
        (
            f"no address range available for DHCPv6 request via {INTERFACE}",
            Verdict(Kind.NO_RANGE, "", interface=INTERFACE),
        ),
        (
            "no address range available for DHCPv6 request from relay at 2001:db8::2",
            Verdict(Kind.NO_RANGE, "", address="2001:db8::2"),
        ),
        (
            f"DHCP packet received on {INTERFACE} which has no address",
            Verdict(Kind.NO_ADDRESS_HERE, "", interface=INTERFACE),
        ),
        (
            "cannot send DHCP/BOOTP option 121: no space left in packet",
            Verdict(Kind.OPTION_LEFT_OUT, "", option=121),
        ),
        ("Ignoring duplicate dhcp-option 42", Verdict(Kind.OPTION_LEFT_OUT, "", option=42)),
        (
            "Error sending DHCP packet to 10.8.0.5: Operation not permitted",
            Verdict(Kind.SEND_FAILED, "", address="10.8.0.5"),
        ),
        ("failed to parse lease database cleanly", Verdict(Kind.LEASES_UNREAD, "")),
        ("overflow: 12 log entries lost", Verdict(Kind.LINES_LOST, "", option=12)),
        ("script process exited with status 1", Verdict(Kind.HOOK_FAILED, "")),
        ("bad dynamic directory /run/x: No such file", Verdict(Kind.FILES_UNREAD, "")),
        ("cannot read /run/x/hosts/a: Permission denied", Verdict(Kind.FILES_UNREAD, "")),
        ("cannot access directory /run/x/hosts: No such file", Verdict(Kind.FILES_UNREAD, "")),
        ("FAILED to start up", Verdict(Kind.START_REFUSED, "")),
        (
            "Ignoring domain example.org for DHCP host name vm-1",
            Verdict(Kind.NAME_DROPPED, ""),
        ),
    ],
)
def test_what_is_wrong_with_a_request_names_what_the_line_names(
    text: str, expected: Verdict
) -> None:
    found = heard(text)
    assert isinstance(found, Verdict)
    assert found.said == text
    named = (found.kind, found.address, found.mac, found.interface, found.option)
    assert named == (
        *(expected.kind, expected.address, expected.mac),
        *(expected.interface, expected.option),
    )


@pytest.mark.parametrize("verb", ["cannot read", "failed to load names from"])
@pytest.mark.parametrize("folder", ["hosts", "options", "names"])
def test_a_file_that_goes_before_it_is_read_is_no_fault(verb: str, folder: str) -> None:
    assert heard(f"{verb} /run/x/{folder}/a: No such file or directory") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"DHCPDISCOVER({INTERFACE}) {MAC} ", Packet("DHCPDISCOVER", INTERFACE, MAC, "", "")),
        (
            f"DHCPDISCOVER({INTERFACE}) 10.8.0.5 {MAC} no address available",
            Packet("DHCPDISCOVER", INTERFACE, MAC, "10.8.0.5", "no address available"),
        ),
        (
            f"3541 DHCPOFFER({INTERFACE}) 10.8.0.5 {MAC} ",
            Packet("DHCPOFFER", INTERFACE, MAC, "10.8.0.5", ""),
        ),
        (
            f"DHCPACK({INTERFACE}) 10.8.0.5 {MAC} ab",
            Packet("DHCPACK", INTERFACE, MAC, "10.8.0.5", "ab"),
        ),
        (
            f"DHCPNAK({INTERFACE}) 10.8.0.5 {MAC} wrong network",
            Packet("DHCPNAK", INTERFACE, MAC, "10.8.0.5", "wrong network"),
        ),
        (
            f"DHCPADVERTISE({INTERFACE}) {DUID} no addresses available",
            Packet("DHCPADVERTISE", INTERFACE, DUID, "", "no addresses available"),
        ),
        (
            f"DHCPREPLY({INTERFACE}) 2001:db8::5 {DUID} vm-1",
            Packet("DHCPREPLY", INTERFACE, DUID, "2001:db8::5", "vm-1"),
        ),
        (
            f"DHCPREPLY({INTERFACE}) {DUID} ab",
            Packet("DHCPREPLY", INTERFACE, DUID, "", "ab"),
        ),
        (
            f"DHCPREPLY({INTERFACE}) fd00:1:2:3:4:5:6:7 {DUID} ",
            Packet("DHCPREPLY", INTERFACE, DUID, "fd00:1:2:3:4:5:6:7", ""),
        ),
        (
            f"DHCPDISCOVER({INTERFACE}) 20-80:00:02:08 ignored",
            Packet("DHCPDISCOVER", INTERFACE, "20-80:00:02:08", "", "ignored"),
        ),
    ],
)
def test_a_packet_is_told_with_who_sent_it(text: str, expected: Packet) -> None:
    assert heard(text) == expected


@pytest.mark.parametrize(
    ("text", "refused", "answered"),
    [
        (f"DHCPDISCOVER({INTERFACE}) {MAC} ", False, False),
        (f"DHCPDISCOVER({INTERFACE}) {MAC} no address available", True, False),
        (f"DHCPDISCOVER({INTERFACE}) {MAC} no leases left", True, False),
        (f"DHCPOFFER({INTERFACE}) 10.8.0.5 {MAC} ", False, True),
        (f"DHCPACK({INTERFACE}) 10.8.0.5 {MAC} ignored", False, True),
        (f"DHCPNAK({INTERFACE}) 10.8.0.5 {MAC} a reason of tomorrow", True, False),
        (f"DHCPADVERTISE({INTERFACE}) {DUID} no addresses available", True, False),
        (f"DHCPADVERTISE({INTERFACE}) 2001:db8::5 {DUID} vm-1", False, True),
        (f"DHCPREPLY({INTERFACE}) 2001:db8::5 {DUID} lease not found", True, False),
        (f"DHCPREPLY({INTERFACE}) {DUID} vm-1", False, False),
        (f"DHCPSOLICIT({INTERFACE}) {DUID} ignored", True, False),
    ],
)
def test_who_was_answered_and_who_was_not(text: str, refused: bool, answered: bool) -> None:
    packet = heard(text)
    assert isinstance(packet, Packet)
    assert (packet.is_refusal, packet.is_answer) == (refused, answered)


@pytest.mark.parametrize(
    "text",
    [
        "started, version 2.90 DNS disabled",
        "DHCP, static leases only on 10.77.0.0, lease time 1h",
        f"inotify: {DIRECTORY}/hosts/port new or modified",
        f"RTR-ADVERT({INTERFACE}) 2001:db8::",
        "exiting on receipt of SIGTERM",
        "",
    ],
)
def test_the_daily_talk_says_nothing(text: str) -> None:
    assert heard(text) is None
    assert parse(text, DIRECTORY) is None


def test_each_kind_has_a_sentence_and_a_fix() -> None:
    for kind in Kind:
        verdict = Verdict(kind, "why", "hosts/port", 3, "10.8.0.5", MAC, INTERFACE, 121)
        assert sentence(verdict)
        assert fix(verdict).endswith(".")
    assert "dns_name" in fix(Verdict(Kind.HOST_DROPPED, "bad DHCP host name"))


@given(st.text(max_size=2000))
def test_no_line_breaks_the_reading(text: str) -> None:
    heard(text)
    parse(text, DIRECTORY)
