from ipam.agent.dnsmasq import answered
from ipam.agent.dnsmasq.answered import Answer, Answered, Ended
from ipam.agent.dnsmasq.verdicts import Packet, parse

A, B = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b"


def heard(*lines: str) -> Answered:
    found = Answered()
    for now, line in enumerate(lines):
        packet = parse(f"dnsmasq-dhcp[7]: {line}", "/run")
        assert isinstance(packet, Packet), line
        found.hear(packet, float(now))
    return found


def test_who_was_answered_has_the_address_until_it_is_given_back() -> None:
    log = heard(
        f"DHCPDISCOVER(ns-1) {A}",
        f"DHCPOFFER(ns-1) 10.0.0.5 {A}",
        f"DHCPACK(ns-1) 10.0.0.5 {A} web",
        f"DHCPACK(ns-1) 10.0.0.6 {B}",
        f"DHCPRELEASE(ns-1) 10.0.0.5 {A}",
    )
    assert log.since(0) == {"10.0.0.6": Answer(B), "10.0.0.5": Answer("")}
    assert log.since(2) == {"10.0.0.5": Answer(""), "10.0.0.6": Answer(B)}
    assert log.since(4) == {"10.0.0.5": Answer("")}
    assert log.since(5) == {}


def test_a_release_that_dnsmasq_does_not_believe_ends_nothing() -> None:
    log = heard(f"DHCPACK(ns-1) 10.0.0.5 {A} web", f"DHCPRELEASE(ns-1) 10.0.0.5 {B} unknown lease")
    assert log.since(0) == {"10.0.0.5": Answer(A, "web")}


def test_the_oldest_are_forgotten() -> None:
    found = Answered()
    for number in range(answered.MOST + 5):
        address = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        found.hear(Packet("DHCPACK", "ns-1", A, address, ""), float(number))
    assert len(found.since(0)) == answered.MOST


def test_what_ended_is_taken_once_whatever_begins_meanwhile() -> None:
    log = heard(
        f"DHCPACK(ns-1) 10.0.0.5 {A}",
        f"DHCPRELEASE(ns-1) 10.0.0.5 {A}",
        f"DHCPRELEASE(ns-1) 10.0.0.6 {B} unknown lease",
        f"DHCPDECLINE(ns-1) 10.0.0.5 {B}",
    )
    log.begin_anew()
    ends = [Ended(1.0, "10.0.0.5", A), Ended(3.0, "10.0.0.5", B)]
    assert (log.since(0), log.take_ended(), log.take_ended()) == ({}, ends, [])


def test_who_only_asked_for_options_was_given_no_lease() -> None:
    found = Answered()
    given = [
        found.hear(Packet(message, "ns-1", client, "10.0.0.5", ""), float(now))
        for now, (message, client) in enumerate(
            [("DHCPINFORM", A), ("DHCPACK", A), ("DHCPINFORM", A), ("DHCPACK", B), ("DHCPACK", A)]
        )
    ]
    assert given == [False, False, False, True, True]
    assert found.since(0) == {"10.0.0.5": Answer(A)}
    assert found.since(2) == {"10.0.0.5": Answer(A)}
