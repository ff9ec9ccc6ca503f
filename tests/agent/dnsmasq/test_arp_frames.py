"""ARP in frames; the network itself is asked in tests/system."""

from ipaddress import IPv4Address

from ipam.agent.dnsmasq.arp_frames import announcements, read_answer, who_has

MAC, OTHER = bytes.fromhex("fa163e000002"), bytes.fromhex("fa163e000099")
OWN, ASKED = IPv4Address("10.0.0.2"), IPv4Address("10.0.0.5")
REPLY = (
    MAC
    + OTHER
    + bytes.fromhex("0806 0001 0800 06 04 0002")
    + OTHER
    + ASKED.packed
    + MAC
    + OWN.packed
)


def test_the_question_goes_to_all() -> None:
    asked = bytes.fromhex("ffffffffffff") + MAC + bytes.fromhex("0806 0001 0800 06 04 0001")
    assert who_has(ASKED, MAC, OWN) == asked + MAC + OWN.packed + bytes(6) + ASKED.packed


def test_an_answer_names_who_has_the_address() -> None:
    assert read_answer(REPLY) == (ASKED, "fa:16:3e:00:00:99")
    assert read_answer(REPLY + bytes(18)) == (ASKED, "fa:16:3e:00:00:99")


def test_other_frames_answer_nothing() -> None:
    assert read_answer(REPLY[:41]) is None
    assert read_answer(b"") is None
    assert read_answer(who_has(ASKED, MAC, OWN)) is None
    assert read_answer(REPLY.replace(b"\x08\x06", b"\x08\x00", 1)) is None


def test_an_announcement_is_a_question_and_an_answer_to_all() -> None:
    asked, said = announcements(OWN, MAC)
    head = bytes.fromhex("ffffffffffff") + MAC + bytes.fromhex("0806 0001 0800 06 04")
    own = MAC + OWN.packed
    assert asked == head + b"\0\1" + own + bytes(6) + OWN.packed
    assert said == head + b"\0\2" + own + own
