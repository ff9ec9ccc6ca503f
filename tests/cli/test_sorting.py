"""Lists are sorted by what people see: numbers and addresses by value, names in natural order."""

from typing import Any

import click
import pytest

from ipam.cli.output import Column, addresses, cell_text
from ipam.cli.sorting import arranged, order

NAME = Column("Name", "name")
PORTS = Column("Ports", "ports")
IPS = Column("Fixed IP Addresses", "fixed_ips", addresses)
HOST = Column("Host", "binding:host_id")
EVERY = (NAME, PORTS, IPS, HOST)


def sorted_by(items: list[dict[str, Any]], *asked: str) -> list[Any]:
    return [one["name"] for one in arranged(items, order(EVERY, asked), cell_text)]


def test_names_are_in_natural_order() -> None:
    items = [{"name": name} for name in ("web-10", "Web-2", "db", "web-1")]
    assert sorted_by(items, "name") == ["db", "web-1", "Web-2", "web-10"]
    assert sorted_by(items, "Name:desc") == ["web-10", "Web-2", "web-1", "db"]


def test_numbers_are_sorted_by_value_and_what_is_unknown_comes_last_either_way() -> None:
    items = [{"name": str(value), "ports": value} for value in (9, None, 10, 0)]
    assert sorted_by(items, "ports") == ["0", "9", "10", "None"]
    assert sorted_by(items, "ports:desc") == ["10", "9", "0", "None"]


def test_addresses_are_sorted_by_value() -> None:
    items = [
        {"name": ip, "fixed_ips": [{"ip_address": ip}]}
        for ip in ("10.0.0.10", "10.0.0.9", "2001:db8::1", "9.0.0.1")
    ]
    assert sorted_by(items, "fixed_ips") == ["9.0.0.1", "10.0.0.9", "10.0.0.10", "2001:db8::1"]


def test_the_first_column_counts_most() -> None:
    items = [{"name": name, "ports": count} for name, count in (("b", 1), ("a", 2), ("c", 1))]
    assert sorted_by(items, "ports:desc", "name:desc") == ["a", "c", "b"]


def test_a_field_with_a_colon_is_a_column_with_and_without_a_direction() -> None:
    assert order(EVERY, ["binding:host_id"]) == [(HOST, False)]
    assert order(EVERY, ["binding:host_id:desc", "host"]) == [(HOST, True), (HOST, False)]


def test_a_direction_that_there_is_not_is_refused() -> None:
    with pytest.raises(click.UsageError, match="name:up"):
        order(EVERY, ["name:up"])
