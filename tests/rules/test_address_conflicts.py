"""Which addresses two machines have."""

from ipam import model
from ipam.rules.address_conflicts import Claim, Kind, Look, claims_of_looks, conflicts

NET = "net"
IP, OTHER_IP = model.pack("10.0.0.5"), model.pack("10.0.0.6")
OWN, ONE, TWO = "52:54:00:00:00:05", "52:54:00:00:00:01", "52:54:00:00:00:02"


def look(at: int, *macs: str, host: str = "a", ip: bytes = IP) -> Look:
    return Look(NET, host, at, (ip,), {ip: macs} if macs else {})


def claim(kind: Kind, mac: str, since: int = 1, *, host: str = "a", ip: bytes = IP) -> Claim:
    return Claim(NET, ip, kind, mac, host, since)


def test_the_last_look_of_a_host_counts_and_a_claim_is_as_old_as_its_first() -> None:
    assert claims_of_looks([look(3, ONE), look(1, ONE), look(2, ONE)]) == [
        claim("answered", ONE, 1)
    ]
    assert claims_of_looks([look(1, ONE), look(2), look(3, ONE)]) == [claim("answered", ONE, 3)]
    assert claims_of_looks([look(2), look(1, ONE)]) == []
    assert claims_of_looks([look(1, ONE), look(2, ip=OTHER_IP), look(2, host="b")]) == [
        claim("answered", ONE, 1)
    ]


def test_each_machine_that_answers_is_a_claim() -> None:
    found = claims_of_looks([look(1, OWN, ONE, TWO)])
    assert [one.mac_address for one in found] == [OWN, ONE, TWO]


def test_only_other_machines_than_the_ports_are_conflicts() -> None:
    claims = [claim("answered", OWN), claim("answered", ONE), claim("answered", ONE, ip=OTHER_IP)]
    assert conflicts(claims, {(NET, IP): OWN}) == [claim("answered", ONE)]


def test_what_several_say_is_one_conflict_of_the_strongest_kind() -> None:
    claims = [
        claim("leased", ONE, 1),
        claim("answered", ONE, 5, host="b"),
        claim("declined", ONE, 7),
        claim("leased", TWO, 3),
    ]
    assert conflicts(claims, {(NET, IP): OWN}) == [
        claim("declined", ONE, 1),
        claim("leased", TWO, 3),
    ]


def test_a_declined_address_without_a_holder_is_one_too() -> None:
    assert conflicts([claim("declined", "")], {(NET, IP): OWN}) == [claim("declined", "")]
