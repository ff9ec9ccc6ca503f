"""The five formats, on values that are hard to print."""

import csv
import io
import json
from typing import Any

import click
import pytest
import yaml

from ipam.cli.output import (
    Column,
    addresses,
    plain,
    record_text,
    rows_text,
    select,
    values_changed,
)
from ipam.escaping import escaped, escaped_lines

COLUMNS = (Column("ID", "id"), Column("Fixed IP Addresses", "fixed_ips", addresses))
DEEP = Column("dnsmasq", "configurations.dnsmasq_version")
ITEMS: list[dict[str, Any]] = [
    {"id": "1", "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.2"}]},
    {"id": "2", "fixed_ips": []},
]


def test_json_and_yaml_hold_the_values_themselves() -> None:
    expected = [{"ID": item["id"], "Fixed IP Addresses": item["fixed_ips"]} for item in ITEMS]
    assert json.loads(rows_text(COLUMNS, ITEMS, "json")) == expected
    assert yaml.safe_load(rows_text(COLUMNS, ITEMS, "yaml")) == expected


def test_csv_reads_back_as_rows_under_titles() -> None:
    rows = list(csv.reader(io.StringIO(rows_text(COLUMNS, ITEMS, "csv"))))
    assert rows == [["ID", "Fixed IP Addresses"], ["1", "10.0.0.2"], ["2", ""]]


def test_value_is_one_line_an_item() -> None:
    assert rows_text(COLUMNS, ITEMS, "value") == "1 10.0.0.2\n2 "


def test_a_table_has_a_line_an_item_whatever_the_names_hold() -> None:
    hostile = [{"id": "a\nb\x1b[2J\r", "fixed_ips": None}]
    table = rows_text(COLUMNS, hostile, "table")
    assert len(table.split("\n")) == 5
    assert "\\x1b[2J" in table
    assert "\x1b" not in table


def test_a_value_line_stays_one_line() -> None:
    assert rows_text(COLUMNS[:1], [{"id": "a\nb"}], "value") == "a\\nb"


def test_json_keeps_control_characters_as_escapes_that_read_back() -> None:
    assert json.loads(rows_text(COLUMNS[:1], [{"id": "a\nb\0"}], "json")) == [{"ID": "a\nb\0"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "True"),
        (["a", "b"], "a, b"),
        ({"a": 1, "b": None}, "a='1', b=''"),
        ([{"a": 1}, {"a": 2}], "a='1'; a='2'"),
    ],
)
def test_plain_text_of_a_value(value: object, expected: str) -> None:
    assert plain(value) == expected


def test_a_record_shows_every_field_and_a_list_by_lines() -> None:
    text = record_text({"id": "1", "pools": [{"a": 1}, {"a": 2}]}, (), "table")
    assert [line for line in text.split("\n") if "a=" in line] == [
        "| pools | a='1' |",
        "|       | a='2' |",
    ]


@pytest.mark.parametrize("output_format", ["table", "json", "yaml", "csv", "value"])
def test_a_record_can_be_cut_to_fields(output_format: str) -> None:
    text = record_text({"id": "one", "mac_address": "two"}, ["MAC Address"], output_format)
    assert "two" in text
    assert "one" not in text


def test_columns_are_known_by_title_and_field_in_any_case() -> None:
    every = (*COLUMNS, DEEP)
    for name in ("fixed ip addresses", "FIXED_IPS", "Fixed-IP-Addresses"):
        assert select(COLUMNS, every, [name]) == [COLUMNS[1]]
    assert select(COLUMNS, every, ()) == list(COLUMNS)


def test_an_unknown_column_is_answered_with_those_there_are() -> None:
    with pytest.raises(click.UsageError, match=r"'colour'.*ID, Fixed IP Addresses"):
        select(COLUMNS, COLUMNS, ["id", "colour"])
    with pytest.raises(click.UsageError, match=r"'colour'.*id"):
        record_text({"id": "1"}, ["colour"], "table")


def test_a_column_reaches_into_an_object_and_bears_its_absence() -> None:
    assert DEEP.field == "configurations"
    assert DEEP.value({"configurations": {"dnsmasq_version": "2.90"}}) == "2.90"
    assert DEEP.value({"configurations": None}) is None
    assert DEEP.value({}) is None


def test_printable_text_is_left_alone() -> None:
    assert escaped("né 数") == "né 数"
    assert escaped("a\u202eb\x9b") == "a\\u202eb\\x9b"


@pytest.mark.parametrize("output_format", ["table", "csv", "value", "json", "yaml"])
def test_no_format_shows_what_turns_or_hides_the_text_beside_it(output_format: str) -> None:
    hostile = "a\u202e\u2066\u200b\u2028\x9b\x1b[31mb"
    for text in (
        rows_text(COLUMNS[:1], [{"id": hostile}], output_format),
        record_text({"id": hostile}, (), output_format),
    ):
        assert escaped_lines(text) == text


@pytest.mark.parametrize("output_format", ["json", "yaml"])
def test_what_is_escaped_reads_back(output_format: str) -> None:
    rows = [{"id": "a\u202e\u2028é\x9b"}]
    assert yaml.safe_load(rows_text(COLUMNS[:1], rows, output_format)) == [{"ID": rows[0]["id"]}]


@pytest.mark.parametrize("output_format", ["json", "yaml"])
def test_names_in_any_script_stay_readable(output_format: str) -> None:
    assert "数é" in rows_text(COLUMNS[:1], [{"id": "数é"}], output_format)


def test_what_changed_is_told_as_it_was_and_is() -> None:
    changes = {"name": [None, "web"], "mtu": [1450, 1500], "tags": [["a"], []]}
    assert values_changed(changes) == "name='web', mtu='1450' to '1500', tags='a' to ''"
    assert values_changed(None) == ""
