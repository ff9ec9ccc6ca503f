"""What counts as lost, invented and as a hole in the history."""

from typing import Any

import pytest

from tests.outages.verdict import Verdict, judge

ONE, OTHER = ("10.0.0.5", "fa:16:3e:00:00:05"), ("10.0.0.6", "fa:16:3e:00:00:06")


def lease(holding: tuple[str, str], host: str = "h") -> dict[str, Any]:
    return {"ip_address": holding[0], "mac_address": holding[1], "host": host}


def event(action: str, holding: tuple[str, str]) -> dict[str, Any]:
    return {"action": action, "ip_address": holding[0], "mac_address": holding[1]}


def judged(**more: Any) -> Verdict:
    """Of a machine that holds its address and one that has given it back, all recorded."""
    right: dict[str, Any] = {
        "held": {ONE},
        "begun": {ONE, OTHER},
        "ended": {OTHER},
        "served": {ONE},
        "leases": [lease(ONE)],
        "events": [event("add", ONE), event("add", OTHER), event("missed", OTHER)],
        "host": "h",
    }
    return judge(**right | more)


def test_records_that_agree_are_no_fault() -> None:
    assert not judged()


@pytest.mark.parametrize("leases", [[], [lease(ONE, "other")], [lease((ONE[0], OTHER[1]))]])
def test_what_is_held_and_not_recorded_with_mac_and_host_is_lost(leases: list[Any]) -> None:
    assert judged(leases=leases).lost == [ONE]


def test_what_nobody_holds_is_invented_unless_the_release_was_lost() -> None:
    both = [lease(ONE), lease(OTHER)]
    assert judged(leases=both).invented == [OTHER]
    assert not judged(leases=both, served={ONE, OTHER})


def test_a_begin_or_an_end_without_event_is_a_hole() -> None:
    assert judged(events=[]).holes == [
        f"begin of {ONE}",
        f"begin of {OTHER}",
        f"end of {OTHER}",
    ]


def test_what_waits_is_a_fault() -> None:
    assert judged(stuck="inbox")
