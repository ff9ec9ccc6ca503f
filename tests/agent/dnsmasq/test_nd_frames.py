"""Neighbour discovery in frames; the network itself is asked in tests/system."""

from ipaddress import IPv6Address

import pytest

from ipam.agent.dnsmasq import probe_frames
from ipam.agent.dnsmasq.nd_frames import Sight, read_answer, read_sight, who_has

MAC, OTHER = bytes.fromhex("fa163e000002"), bytes.fromhex("fa163e000099")
OWN, ASKED = IPv6Address("2001:db8::2"), IPv6Address("2001:db8::f816:3eff:fe00:99")
UNSPECIFIED = IPv6Address("::")
LINK_LOCAL = IPv6Address("fe80::5")
TARGET_MAC = b"\x02\x01"


def advertisement(options: bytes = TARGET_MAC + OTHER, by: bytes = OTHER) -> bytes:
    message = b"\x88\0\0\0\x60\0\0\0" + ASKED.packed + options
    return probe_frames.icmp6_frame(MAC, by, ASKED.packed, OWN.packed, message)


def test_the_question_goes_to_the_group_of_the_address() -> None:
    frame = who_has(ASKED, MAC, OWN)
    group = IPv6Address("ff02::1:ff00:99")
    assert frame[:14] == bytes.fromhex("3333ff000099") + MAC + b"\x86\xdd"
    assert frame[22:54] == OWN.packed + group.packed
    assert frame[54:] == b"\x87\0" + frame[56:58] + bytes(4) + ASKED.packed + b"\x01\x01" + MAC
    pseudo = OWN.packed + group.packed + (len(frame) - 54).to_bytes(4) + b"\0\0\0\x3a"
    assert probe_frames.checksum(pseudo + frame[54:]) == 0


@pytest.mark.parametrize("options", [TARGET_MAC + OTHER, b"", b"\x02\x01\xfa"])
def test_an_answer_names_who_has_the_address(options: bytes) -> None:
    assert read_answer(advertisement(options)) == (ASKED, "fa:16:3e:00:00:99")


def test_the_answer_may_come_from_another_link_layer_address_than_it_names() -> None:
    assert read_answer(advertisement(by=MAC)) == (ASKED, "fa:16:3e:00:00:99")


def test_a_machine_is_seen_when_it_asks_whether_its_new_address_is_taken() -> None:
    assert read_sight(who_has(ASKED, OTHER, UNSPECIFIED)) == Sight("fa:16:3e:00:00:99", ASKED)


def test_a_machine_is_seen_when_it_looks_for_another() -> None:
    assert read_sight(who_has(OWN, OTHER, ASKED)) == Sight("fa:16:3e:00:00:99", ASKED)


def test_link_local_addresses_are_of_no_interest() -> None:
    assert read_sight(who_has(LINK_LOCAL, OTHER, UNSPECIFIED)) is None
    assert read_sight(who_has(OWN, OTHER, LINK_LOCAL)) is None


def forwarded(frame: bytes) -> bytes:
    return frame[:21] + b"\xfe" + frame[22:]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        who_has(ASKED, MAC, OWN)[:77],
        forwarded(who_has(ASKED, MAC, OWN)),
        who_has(ASKED, MAC, OWN).replace(b"\x86\xdd", b"\x08\0"),
        probe_frames.dhcp6_frame(MAC, OWN, bytes(60)),
        probe_frames.router_solicitation_frame(MAC, OWN) + bytes(60),
    ],
)
def test_other_frames_tell_nothing(frame: bytes) -> None:
    assert read_answer(frame) is None
    assert read_sight(frame) is None


def test_a_question_is_no_answer_and_an_answer_no_question() -> None:
    assert read_answer(who_has(ASKED, MAC, OWN)) is None
    assert read_sight(advertisement()) is None
