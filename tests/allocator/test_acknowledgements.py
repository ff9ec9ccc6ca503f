"""The oracle sees each kind of fault."""

import pytest

from tests.allocator.acknowledgements import faults, read

A, B = "10.0.0.1", "10.0.0.2"
COOLDOWN_SECONDS = 2

HISTORIES = {
    "right": ([["1 begin 1", f"2 own {A}"]], {A: 1}, ""),
    "given back and given again": (
        [["1 begin 1", f"2 own {A}", f"3 give {A}", f"4 given {A}"], [f"6 own {A}"]],
        {A: 2},
        "",
    ),
    "by name before the cooldown ends": (
        [[f"2 own {A}", f"3 give {A}", f"4 given {A}"], [f"4.1 name {A}"]],
        {A: 2},
        "",
    ),
    "rolled back release": ([[f"2 own {A}", f"3 give {A}", f"4 kept {A}"]], {A: 1}, ""),
    "killed in a batch that took effect": ([["1 begin 2"]], {A: 1, B: 1}, ""),
    "killed in a batch that took none": ([["1 begin 2"]], {}, ""),
    "killed in a release that took effect": ([[f"2 own {A}", f"3 give {A}"]], {}, ""),
    "commit of unknown end": ([["1 begin 1", "2 unknown", "3 begin 1", "4 undone"]], {A: 1}, ""),
    "one key, one answer": ([[f"1 key k {A}"], [f"2 key k {A}"]], {A: 2}, ""),
    "a key gets what was given back": (
        [[f"1 own {A}", f"2 give {A}", f"3 given {A}"], [f"5 key k {A}"]],
        {A: 2},
        "",
    ),
    "a key's address, given back": (
        [[f"1 made k {A}", f"3 give {A}", f"4 given {A}"], [f"2 key k {A}", f"6 own {A}"]],
        {A: 2},
        "",
    ),
    "the answer to a key is the same after its address was given back": (
        [[f"1 made k {A}", f"2 give {A}", f"3 given {A}"], [f"4 key k {A}"]],
        {},
        "",
    ),
    "killed in a batch, once a key's address was given back": (
        [
            [f"1 made k {A}", f"2 give {A}", f"3 given {A}"],
            [f"4 key k {A}"],
            ["6 begin 2"],
        ],
        {A: 3, B: 3},
        "",
    ),
    "two owners": ([[f"1 own {A}"], [f"2 own {A}"]], {A: 1}, "while it had an owner"),
    "two owners, the first until later": (
        [[f"1 own {A}", f"9 give {A}", f"9 given {A}"], [f"8 name {A}"]],
        {A: 2},
        "while it had an owner",
    ),
    "given twice to one": ([[f"1 own {A}", f"2 own {A}"]], {A: 1}, "to its owner again"),
    "lost": ([[f"1 own {A}"]], {}, "is lost"),
    "another's in the table": ([[f"1 own {A}"], []], {A: 2}, "is lost"),
    "given too early": (
        [[f"2 own {A}", f"3 give {A}", f"3.1 given {A}"], [f"3.9 own {A}"]],
        {A: 2},
        "0.9 s after its release",
    ),
    "half a batch": ([["1 begin 2"]], {A: 1}, "not as a whole"),
    "never asked for": ([["1 begin 1", "2 undone"]], {A: 1}, "not as a whole"),
    "not there to release": ([[f"1 own {A}", f"2 give {A}", f"3 lost {A}"]], {}, "to release"),
    "one key, two answers": ([[f"1 key k {A}"], [f"2 key k {B}"]], {A: 1, B: 2}, "k gave"),
    "one key, taken twice": (
        [[f"1 made k {A}", f"2 give {A}", f"3 given {A}"], [f"6 made k {A}"]],
        {A: 2},
        "k gave",
    ),
    "what a key took, lost": ([[f"1 made k {A}"], [f"2 key k {A}"]], {}, "is lost"),
    "given early after a key": (
        [[f"1 made k {A}", f"2 give {A}", f"2.1 given {A}"], [f"2.9 own {A}"]],
        {A: 2},
        "0.9 s after its release",
    ),
    "the answer to a key, lost": ([[f"1 key k {A}"]], {}, "is lost"),
    "the answer to a key, given": (
        [[f"1 key k {A}"], [f"5 own {A}"]],
        {A: 2},
        "while it had an owner",
    ),
}


@pytest.mark.parametrize(("lines", "owners", "fault"), HISTORIES.values(), ids=HISTORIES)
def test_says_what_is_wrong(lines: list[list[str]], owners: dict[str, int], fault: str) -> None:
    records = [read(port, each) for port, each in enumerate(lines, start=1)]
    found = faults(records, owners, COOLDOWN_SECONDS)
    assert (fault in " ".join(found)) if fault else found == []
