from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.leases.differences import Difference, completed, differences
from ipam.agent.state import Lease

A, B = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b"
LEASE = Lease("10.0.0.5", A, 100, "web", "01:" + A)
LEASE6 = Lease("2001:db8::5", None, 100, None, None, "00:01", "7")


def test_nothing_is_different_between_equal_sides() -> None:
    assert differences([LEASE, LEASE6], {one.ip_address: one for one in (LEASE, LEASE6)}) == []


def test_what_a_hook_adds_or_leaves_out_is_no_difference() -> None:
    told = replace(LEASE, hostname=None, client_id=None, server_duid="00")
    assert differences([LEASE], {LEASE.ip_address: told}) == []
    told6 = replace(LEASE6, mac_address=A)
    assert differences([LEASE6], {LEASE6.ip_address: told6}) == []


def test_a_held_lease_of_dhcpv6_has_the_mac_address_of_its_record() -> None:
    """Without one it would pass for a lease of whatever machine the address is reserved for."""
    told6 = replace(LEASE6, mac_address=A, expires_at=50)
    recorded = {LEASE6.ip_address: told6}
    assert completed([LEASE, LEASE6], recorded) == [LEASE, replace(LEASE6, mac_address=A)]


def test_a_held_lease_of_dhcpv6_that_is_not_recorded_yet_is_nobodys() -> None:
    other = {LEASE6.ip_address: replace(LEASE6, mac_address=A, duid="00:02")}
    assert completed([LEASE, LEASE6], {}) == completed([LEASE, LEASE6], other) == [LEASE]


def test_begins_renewals_and_ends_are_found() -> None:
    later = replace(LEASE, expires_at=200)
    assert differences([LEASE], {}) == [Difference("add", LEASE)]
    assert differences([later], {LEASE.ip_address: LEASE}) == [Difference("old", later)]
    assert differences([], {LEASE.ip_address: LEASE}) == [Difference("missed", LEASE)]


def test_another_machine_on_an_address_is_an_end_and_then_a_begin() -> None:
    other = replace(LEASE, mac_address=B)
    found = differences([other], {LEASE.ip_address: LEASE})
    assert found == [Difference("missed", LEASE), Difference("add", other)]
    other6 = replace(LEASE6, iaid="8")
    found = differences([other6], {LEASE6.ip_address: LEASE6})
    assert found == [Difference("missed", LEASE6), Difference("add", other6)]


def test_a_long_duid_that_the_hook_was_told_in_part_is_the_same() -> None:
    whole, told = replace(LEASE6, duid="00:01:02"), replace(LEASE6, duid="00:01:")
    assert differences([whole], {LEASE6.ip_address: told}) == []
    assert differences([replace(whole, duid="00:02")], {LEASE6.ip_address: told}) != []


def test_hardware_other_than_ethernet_is_compared_without_its_address() -> None:
    """A record of it has none."""
    infiniband = replace(LEASE, mac_address="20-00:00:00:01")
    assert differences([infiniband], {LEASE.ip_address: replace(LEASE, mac_address=None)}) == []


LEASES = st.lists(
    st.builds(
        Lease,
        ip_address=st.sampled_from(["10.0.0.5", "10.0.0.6", "10.0.0.7"]),
        mac_address=st.sampled_from([A, B]),
        expires_at=st.sampled_from([0, 100, 200]),
    ),
    unique_by=lambda lease: lease.ip_address,
)


@given(held=LEASES, known=LEASES)
def test_the_differences_make_the_record_what_is_held(
    held: list[Lease], known: list[Lease]
) -> None:
    recorded = {lease.ip_address: lease for lease in known}
    for one in differences(held, recorded):
        if one.action == "missed":
            del recorded[one.lease.ip_address]
        else:
            recorded[one.lease.ip_address] = one.lease
    assert recorded == {lease.ip_address: lease for lease in held}
