"""What was given and is not recorded yet outlives whoever wrote it."""

from pathlib import Path

import pytest

from ipam.agent.leases import unrecorded
from ipam.agent.leases.unrecorded import UnrecordedLeases

NETWORK, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
A, B = ("10.0.0.5", "fa:16:3e:00:00:05"), ("10.0.0.6", "fa:16:3e:00:00:06")


def in_next_life(path: Path, network_id: str = NETWORK) -> list[tuple[str, str]]:
    return list(UnrecordedLeases(path).of_earlier_lives(network_id))


def test_the_next_life_knows_what_was_given_and_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "unrecorded"
    leases = UnrecordedLeases(path)
    for one in (A, B, A):
        leases.add(NETWORK, *one)
    leases.add(OTHER, *A)
    leases.discard(NETWORK, *B)
    assert leases.of_earlier_lives(NETWORK) == []
    assert in_next_life(path) == [A]
    assert in_next_life(path, OTHER) == [A]


def test_what_an_earlier_life_heard_stays_until_it_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "unrecorded"
    UnrecordedLeases(path).add(NETWORK, *A)
    second = UnrecordedLeases(path)
    second.add(NETWORK, *B)
    second.add(NETWORK, *A)
    assert second.of_earlier_lives(NETWORK) == [A]
    assert in_next_life(path) == [A, B]
    third = UnrecordedLeases(path)
    third.discard(NETWORK, *A)
    third.discard(NETWORK, *B)
    assert path.read_bytes() == b""
    assert third.of_earlier_lives(NETWORK) == []


def test_another_machine_on_the_address_does_not_record_the_first(tmp_path: Path) -> None:
    leases = UnrecordedLeases(tmp_path / "unrecorded")
    leases.add(NETWORK, *A)
    leases.discard(NETWORK, A[0], B[1])
    leases.discard(NETWORK, A[0], None)
    assert in_next_life(tmp_path / "unrecorded") == [A]


def test_a_damaged_line_and_what_is_no_ethernet_address_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "unrecorded"
    path.write_bytes(f"\xff\n+ {NETWORK} 10.0.0.7 06-00\n+ {NETWORK} {A[0]} {A[1]}\n+ 1".encode())
    leases = UnrecordedLeases(path)
    leases.add(NETWORK, "10.0.0.8", "06-00:01")
    assert in_next_life(path) == [A]


def test_set_and_file_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unrecorded, "MOST", 3)
    monkeypatch.setattr(unrecorded, "LONGEST_BYTES", 1000)
    path = tmp_path / "unrecorded"
    leases = UnrecordedLeases(path)
    for number in range(50):
        leases.add(NETWORK, f"10.0.0.{number}", A[1])
        assert path.stat().st_size <= 1000
    assert in_next_life(path) == [(f"10.0.0.{number}", A[1]) for number in (47, 48, 49)]


def test_without_a_file_it_is_a_set_of_this_life(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "unrecorded"
    leases = UnrecordedLeases(path)
    leases.add(NETWORK, *A)
    assert (NETWORK, *A) in leases
    assert in_next_life(path) == []
    leases.discard(NETWORK, *A)
    assert (NETWORK, *A) not in leases
    leases.close()
