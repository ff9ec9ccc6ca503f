"""The text that nft reads."""

from pathlib import Path

from ipam.agent.guard import table
from ipam.agent.guard.elements import TAPS
from ipam.agent.guard.listing import PASSING


def test_the_hosts_own_agent_has_the_plain_name_and_each_other_its_own() -> None:
    names = [table.name_of(Path(path)) for path in ("/run/ipam", "/tmp/a", "/tmp/b", "/tmp/a")]
    assert names[0] == "ipam"
    assert names[1] == names[3] != names[2]
    assert all(name.replace("_", "").isalnum() for name in names)


def test_the_whole_table_takes_the_place_of_any_other_in_one_transaction() -> None:
    text = table.whole("x", {"tap1": frozenset({TAPS})})
    begin = "table bridge x\ndelete table bridge x\ntable bridge x {\n"
    assert text.startswith(begin)
    assert text.endswith('}\nadd element bridge x taps { "tap1" }\n')


def test_a_change_names_only_what_changes() -> None:
    removed = [("tap1", ("v4", "m . 10.0.0.5"))]
    added = [("tap1", ("v4", "m . 10.0.0.6")), ("tap2", ("v4", "m . 10.0.0.7"))]
    assert table.change("x", removed, added) == (
        'delete element bridge x v4 { "tap1" . m . 10.0.0.5 }\n'
        'add element bridge x v4 { "tap1" . m . 10.0.0.6, "tap2" . m . 10.0.0.7 }\n'
    )


def test_the_example_has_an_element_of_each_set() -> None:
    (elements,) = table.EXAMPLE.values()
    declared = {line.split()[1] for line in table.whole("x", {}).splitlines() if "\tset " in line}
    assert {name for name, _ in elements} == declared - PASSING
