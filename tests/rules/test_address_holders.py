"""Who held which address, from both histories."""

from typing import Any

from ipam.rules.address_holders import AddressHolder, Allocation, Sighting, holders

IP = bytes([10, 0, 0, 7])
MAC, OTHER_MAC = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"


def allocation(number: int, action: str, port: str = "p1", **values: Any) -> Allocation:
    usual = {
        "ip_address": IP,
        "network_id": "net",
        "subnet_id": "sub",
        "project_id": "alpha",
        "device_id": "vm",
        "device_owner": "compute:nova",
        "mac_address": MAC,
        "occurred_at_us": number * 10,
    }
    return Allocation(number=number, action=action, port_id=port, **{**usual, **values})


def sighting(at: int, action: Any, port: str | None = "p1", **values: Any) -> Sighting:
    usual = {
        "ip_address": IP,
        "network_id": "net",
        "project_id": "alpha",
        "mac_address": MAC,
        "hostname": "web",
        "host": "cn1",
        "expires_at": 500,
    }
    return Sighting(action=action, occurred_at_us=at, port_id=port, **{**usual, **values})


def times(found: list[AddressHolder]) -> list[tuple[str | None, int | None, int | None]]:
    return [(each.port_id, each.since_us, each.until_us) for each in found]


def test_each_port_holds_its_address_from_its_allocation_to_its_release() -> None:
    events = [
        allocation(1, "allocated"),
        allocation(2, "released"),
        allocation(3, "allocated", "p2"),
    ]
    assert times(holders(events, [])) == [("p2", 30, None), ("p1", 10, 20)]


def test_a_port_whose_device_changes_is_two_holders_one_after_the_other() -> None:
    events = [allocation(1, "allocated", device_id=""), allocation(2, "changed", device_id="vm")]
    newest, oldest = holders(events, [])
    assert (newest.device_id, newest.since_us, newest.until_us) == ("vm", 20, None)
    assert (oldest.device_id, oldest.since_us, oldest.until_us) == ("", 10, 20)


def test_what_ends_without_a_beginning_began_before_the_history() -> None:
    assert times(holders([allocation(5, "released")], [])) == [("p1", None, 50)]
    assert times(holders([], [sighting(5, "del", None)])) == [(None, None, 5)]


def test_a_release_of_another_port_ends_no_ports_time_unseen() -> None:
    events = [allocation(1, "allocated"), allocation(2, "released", "p2")]
    assert sorted(times(holders(events, [])), key=str) == [("p1", 10, 20), ("p2", None, 20)]


def test_a_lease_of_the_ports_machine_tells_its_name_and_host() -> None:
    events = [allocation(1, "allocated"), allocation(9, "released")]
    seen = [sighting(20, "add"), sighting(40, "del", hostname=None)]
    (found,) = holders(events, seen)
    assert found.lease is not None
    assert (found.lease.last.hostname, found.lease.last.host) == ("web", "cn1")
    assert (found.lease.since_us, found.lease.until_us) == (20, 40)


def test_several_leases_of_a_ports_time_are_one_from_the_first_to_the_last() -> None:
    seen = [
        sighting(20, "add"),
        sighting(30, "del"),
        sighting(40, "add", host="cn2", hostname="web2"),
    ]
    (found,) = holders([allocation(1, "allocated")], seen)
    assert found.lease is not None
    assert (found.lease.since_us, found.lease.until_us) == (20, None)
    assert (found.lease.last.host, found.lease.last.hostname) == ("cn2", "web2")


def test_a_lease_goes_to_the_time_of_its_port_in_which_it_was() -> None:
    events = [
        allocation(1, "allocated"),
        allocation(2, "released"),
        allocation(5, "allocated"),
    ]
    newest, oldest = holders(events, [sighting(15, "add"), sighting(18, "missed")])
    assert newest.lease is None
    assert oldest.lease is not None


def test_a_lease_a_little_before_its_port_by_another_clock_is_still_its_ports() -> None:
    (found,) = holders([allocation(2, "allocated")], [sighting(19, "add"), sighting(19, "del")])
    assert found.lease is not None


def test_a_machine_without_a_port_is_a_holder_for_the_time_of_its_lease() -> None:
    seen = [sighting(30, "add", None, mac_address=OTHER_MAC), sighting(60, "del", None)]
    port, stranger = sorted(
        holders([allocation(1, "allocated")], seen[:1]), key=lambda each: each.port_id is None
    )
    assert (port.port_id, port.lease) == ("p1", None)
    assert (stranger.mac_address, stranger.since_us, stranger.until_us) == (OTHER_MAC, 30, None)


def test_the_next_machines_lease_ends_the_one_before() -> None:
    seen = [sighting(1, "add", None), sighting(5, "add", None, mac_address=OTHER_MAC)]
    newest, oldest = holders([], seen)
    assert (oldest.mac_address, oldest.until_us) == (MAC, 5)
    assert (newest.mac_address, newest.until_us) == (OTHER_MAC, None)


def test_a_late_end_of_an_earlier_machine_does_not_end_the_next_ones_time() -> None:
    seen = [
        sighting(1, "add", None),
        sighting(5, "add", None, mac_address=OTHER_MAC),
        sighting(6, "del", None),
    ]
    newest, _ = holders([], seen)
    assert (newest.mac_address, newest.until_us) == (OTHER_MAC, None)


def test_addresses_of_two_networks_are_not_mixed() -> None:
    events = [
        allocation(1, "allocated"),
        allocation(2, "allocated", "p2", network_id="net2", subnet_id="sub2"),
    ]
    found = holders(events, [sighting(30, "add", network_id="net2", port="p2")])
    assert {each.network_id: each.lease is not None for each in found} == {
        "net": False,
        "net2": True,
    }


def test_held_at_takes_the_begin_in_and_leaves_the_end_out() -> None:
    (found,) = holders([allocation(1, "allocated"), allocation(2, "released")], [])
    assert [found.held_at(at) for at in (9, 10, 19, 20)] == [False, True, True, False]
