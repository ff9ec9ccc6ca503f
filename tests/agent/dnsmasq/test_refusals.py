"""Machines that ask without success are counted, in bounded space."""

from ipam.agent.dnsmasq.refusals import DECLINED, MOST_MACHINES, Refusals, Refused, machine
from ipam.agent.dnsmasq.verdicts import Packet

MAC = "fa:16:3e:00:00:01"


def refused(client: str = MAC, message: str = "DHCPDISCOVER", address: str = "") -> Packet:
    return Packet(message, "ns-1", client, address, "no address available")


def test_a_machine_is_counted_with_its_first_and_last_time() -> None:
    refusals = Refusals()
    refusals.hear(refused(address="10.0.0.5"), 100)
    refusals.hear(refused(), 107)
    expected = Refused(MAC, "no address available", "10.0.0.5", 2, 100, 107)
    assert list(refusals.news()) == [expected]
    assert list(refusals.news()) == [], "it is told once"
    refusals.hear(refused(), 110)
    assert [one.count for one in refusals.news()] == [3]


def test_an_answered_machine_is_refused_no_more() -> None:
    refusals = Refusals()
    refusals.hear(refused(), 100)
    refusals.hear(Packet("DHCPOFFER", "ns-1", MAC, "10.0.0.5", ""), 101)
    assert list(refusals.news()) == []
    refusals.hear(refused(), 110)
    assert [(one.count, one.first_at) for one in refusals.news()] == [(1, 110)]


def test_a_machine_that_declined_its_address_asks_for_that_reason_without_success() -> None:
    refusals = Refusals()
    refusals.hear(Packet("DHCPDECLINE", "ns-1", MAC, "10.0.0.5", ""), 100)
    refusals.hear(refused(), 101)
    assert list(refusals.news()) == [Refused(MAC, DECLINED, "10.0.0.5", 2, 100, 101)]
    refusals.hear(Packet("DHCPOFFER", "ns-1", MAC, "10.0.0.5", ""), 102)
    refusals.hear(refused(), 110)
    assert [one.reason for one in refusals.news()] == ["no address available"]


def test_a_flood_of_random_machines_takes_no_more_space_and_forgets_no_patient_one() -> None:
    refusals = Refusals()
    for _ in range(3):
        refusals.hear(refused(), 100)
    for number in range(10 * MOST_MACHINES):
        refusals.hear(refused(f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"), number)
    found = {one.client: one.count for one in refusals.news()}
    assert len(found) == MOST_MACHINES
    assert found[MAC] == 3


def test_a_duid_that_holds_a_mac_address_is_the_machines() -> None:
    for duid in (f"00:03:00:01:{MAC}", f"00:01:00:01:2a:00:00:01:{MAC}"):
        assert machine(refused(duid, "DHCPADVERTISE")) == MAC
    assert machine(refused("00:04:aa:bb", "DHCPADVERTISE")) == "00:04:aa:bb"
