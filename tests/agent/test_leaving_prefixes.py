"""Prefixes that leave a network: which machines are told, when, and until when."""

from pathlib import Path
from typing import Any

import pytest

from ipam import clock, files
from ipam.agent.leaving_prefixes import AGAIN_SECONDS, MOST_OF_A_NETWORK, SOON_SECONDS
from tests.agent.loop_host import LoopHost, network_id, port, row
from tests.agent.network_rows import Json, subnet4, subnet6

LEASE_SECONDS = 86400
FIRST, SECOND = "2001:db8::/64", "2001:db8:2::/64"


def six(cidr: str = FIRST, mode: str | None = "slaac") -> Json:
    number = int(cidr.split(":")[2] or "0", 16)
    return subnet6(mode) | {"id": f"99999999-{number:04x}-4000-8000-000000000000", "cidr": cidr}


def network(*subnets: Json, **more: Any) -> Json:
    return row(1, port(1, 5), subnets=[subnet4(), *subnets], **more)


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path)
    host.want(network(six(), six(SECOND)))
    host.settle()
    assert host.advertiser.said == []
    return host


def leave(host: LoopHost, *subnets: Json) -> None:
    host.want(network(*subnets))
    host.settle()


def told(host: LoopHost, seconds: float = 0.0) -> list[dict[str, int]]:
    """What is said in that time, turn by turn."""
    until = host.now + seconds
    before = len(host.advertiser.said)
    while host.now < until:
        host.now = min(host.now + max(host.turn(), 0.1), until)
    host.turn()
    said = host.advertiser.said[before:]
    assert {key for key, _ in said} <= {network_id(1)}
    return [leaving for _, leaving in said]


def test_a_prefix_that_leaves_is_told_at_once_and_again_and_again(host: LoopHost) -> None:
    host.want(network(six(SECOND)))
    assert host.advertiser.said == [(network_id(1), {FIRST: LEASE_SECONDS})], "before it is gone"
    assert len(told(host, sum(SOON_SECONDS))) == len(SOON_SECONDS)
    found = told(host, 3 * AGAIN_SECONDS)
    assert len(found) == 3
    assert {prefix for one in found for prefix in one} == {FIRST}


def test_the_last_prefix_is_told_while_its_server_is_still_there(host: LoopHost) -> None:
    host.want(network())
    assert host.advertiser.said == [(network_id(1), dict.fromkeys((FIRST, SECOND), LEASE_SECONDS))]


@pytest.mark.parametrize("mode", ["dhcpv6-stateful", None])
def test_a_prefix_whose_addresses_dhcp_gave_ends_with_its_leases(
    host: LoopHost, mode: str | None
) -> None:
    leave(host, six(), six(SECOND), six("2001:db8:3::/64", mode))
    leave(host, six(), six(SECOND))
    assert host.advertiser.said == []


def test_it_is_told_until_no_machine_may_have_an_address_of_it(
    host: LoopHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(host, six(SECOND))
    now = clock.now_seconds()
    later = now + LEASE_SECONDS - 100
    monkeypatch.setattr(host.reconciler._leaving, "_now_seconds", lambda: later)
    ((_, seconds), *_) = [one.popitem() for one in told(host, AGAIN_SECONDS)]
    assert 90 <= seconds <= 110
    monkeypatch.setattr(host.reconciler._leaving, "_now_seconds", lambda: now + LEASE_SECONDS + 9)
    told(host, 2 * AGAIN_SECONDS)
    assert told(host, 10 * AGAIN_SECONDS) == []
    assert list((host.directory / "leaving").iterdir()) == []


def test_a_prefix_that_comes_back_is_not_told_any_more(host: LoopHost) -> None:
    leave(host, six(SECOND))
    leave(host, six(), six(SECOND))
    assert told(host, 3 * AGAIN_SECONDS) == []


def test_an_agent_that_is_started_again_goes_on(host: LoopHost) -> None:
    leave(host, six(SECOND))
    host.start_agent(said_by_api=False)
    ((prefix, seconds),) = told(host)[0].items()
    assert prefix == FIRST
    assert 0 < seconds <= LEASE_SECONDS


def test_what_left_while_no_agent_ran_is_told(host: LoopHost) -> None:
    host.start_agent(said_by_api=False)
    host.want(network(six(SECOND)))
    assert [leaving for _, leaving in host.advertiser.said] == [{FIRST: LEASE_SECONDS}]


def test_a_damaged_file_forgets_what_has_left(
    host: LoopHost, caplog: pytest.LogCaptureFixture
) -> None:
    leave(host, six(SECOND))
    (path,) = (host.directory / "leaving").iterdir()
    for text in ("{", '{"nonsense": 5}'):
        path.write_text(text)
        host.start_agent(said_by_api=False)
        assert told(host, AGAIN_SECONDS) == []
    assert "what has left is forgotten" in caplog.text


def test_a_network_that_goes_takes_what_has_left_with_it(host: LoopHost) -> None:
    leave(host, six(SECOND))
    host.want()
    host.settle()
    assert list((host.directory / "leaving").iterdir()) == []


def test_subnets_that_come_and_go_are_told_of_up_to_a_bound(host: LoopHost) -> None:
    for number in range(16, 16 + 2 * MOST_OF_A_NETWORK):
        leave(host, six(), six(SECOND), six(f"2001:db8:{number:x}::/64"))
    leave(host, six(), six(SECOND))
    assert len(told(host, AGAIN_SECONDS)[-1]) == MOST_OF_A_NETWORK


def test_nothing_stops_where_nothing_can_be_said_or_kept(
    host: LoopHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "put", refuse)
    host.advertiser.is_gone = True
    leave(host, six(SECOND))
    assert "cannot be saved" in caplog.text
    host.advertiser.is_gone = False
    assert FIRST in told(host, AGAIN_SECONDS)[0]
