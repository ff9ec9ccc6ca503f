import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.dnsmasq.lease_file import PIECE_BYTES, leases_in, parsed, text_of
from ipam.agent.state import Lease

MAC = "fa:16:3e:00:00:01"


def test_leases_are_written_in_dnsmasqs_own_lines() -> None:
    leases = [
        Lease("10.0.0.5", MAC, 1_900_000_000, "web", "01:" + MAC),
        Lease("10.0.0.6", MAC, 0),
        Lease("2001:db8::5", None, 1_900_000_000, "web", None, "00:01:aa", "77"),
    ]
    assert text_of(leases, "00:04:11") == (
        f"1900000000 {MAC} 10.0.0.5 web 01:{MAC}\n"
        f"0 {MAC} 10.0.0.6 * *\n"
        "duid 00:04:11\n"
        "1900000000 77 2001:db8::5 web 00:01:aa\n"
    )


@given(text=st.text())
def test_no_text_of_a_client_becomes_a_line(text: str) -> None:
    leases = [
        Lease("10.0.0.5", MAC, 1, text, text),
        Lease("10.0.0.6", text, 1),
        Lease("2001:db8::5", None, 1, text, None, text, text),
    ]
    lines = text_of(leases, "00:04:11").splitlines()
    assert len(lines) <= 4
    assert [len(line.split(" ")) for line in lines if line != "duid 00:04:11"] == [5] * (
        len(lines) - 1
    )


def test_what_is_written_is_read_again() -> None:
    leases = [
        Lease("10.0.0.5", MAC, 1_900_000_000, "web", "01:" + MAC),
        Lease("10.0.0.7", "06-00:00:00:01", 0),
        Lease("2001:db8::5", None, 1_900_000_000, "web", None, "00:01:aa", "T77"),
    ]
    assert parsed(text_of(leases, "00:04:11")) == leases


def test_a_file_of_which_a_part_is_written_says_nothing() -> None:
    whole = f"0 {MAC} 10.0.0.6 * *\n0 {MAC} 10.0.0.7 * *\nduid 00:04:11\n"
    assert len(parsed(whole) or ()) == 2
    for end in range(len(whole)):
        assert parsed(whole[:end]) is None
        assert leases_in(whole[:end]) == [
            Lease(f"10.0.0.{6 + number}", MAC, 0) for number in range(whole[:end].count("\n"))
        ]


def test_leases_of_dhcpv6_may_be_missing_where_a_piece_ends() -> None:
    line = f"0 {MAC} 10.0.0.6 * *\n"
    text = "duid 00:04:11\n" + line * 100
    assert parsed(text)
    assert parsed(text.ljust(PIECE_BYTES - 1, "x") + "\n") is None


@pytest.mark.parametrize(
    "line",
    [
        "duid 00:04:11",
        "agent-info 10.0.0.6 01:02",
        "vendorclass 10.0.0.6 01",
        f"x {MAC} 10.0.0.6 * *",
        f"0 {MAC} 10.0.0 * *",
        f"0 {MAC} * * *",
        "",
    ],
)
def test_lines_of_other_kinds_are_left_out(line: str) -> None:
    assert parsed(f"{line}\nduid 00:04:11\n") == []


@given(text=st.text())
def test_any_text_can_be_read(text: str) -> None:
    parsed(text + "\nduid 00:04:11\n")
    leases_in(text)
