"""What began and ended without a report is known by dnsmasq's log."""

from ipam.agent.dnsmasq.answered import Ended
from ipam.agent.leases.passing import READ_SECONDS, as_differences, untold
from ipam.agent.state import Lease

A, B = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b"
ADDRESS = "10.0.0.5"
ENDED = Ended(100.0, ADDRESS, A)


def found(recorded: str = "", last: tuple[str | None, float] = (None, 0.0)) -> list[Ended]:
    leases = {ADDRESS: Lease(ADDRESS, recorded, 900)} if recorded else {}
    return untold([ENDED], leases, lambda _address: last)


def test_an_end_that_nobody_recorded_is_untold() -> None:
    assert found() == [ENDED]
    assert found(recorded=B) == [ENDED]


def test_one_that_a_hook_told_is_not_however_late_its_line_is_read() -> None:
    assert found(last=(A, 100.0)) == []
    assert found(last=(A, 103.0)) == []
    assert found(last=(A, 100.0 - READ_SECONDS)) == []


def test_the_end_of_another_or_of_an_earlier_lease_is_not_this_one() -> None:
    assert found(last=(B, 100.0)) == [ENDED]
    assert found(last=(A, 90.0)) == [ENDED]


def test_where_a_lease_of_the_machine_is_recorded_comparison_decides() -> None:
    assert found(recorded=A) == []


def test_begin_and_end_are_recorded_and_of_an_address_that_another_has_the_end() -> None:
    assert [one.action for one in as_differences([ENDED], {})] == ["add", "missed"]
    others = {ADDRESS: Lease(ADDRESS, B, 900)}
    (end,) = as_differences([ENDED], others)
    assert (end.action, end.lease.mac_address) == ("missed", A)
