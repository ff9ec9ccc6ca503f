"""Prints lists and single records of the API."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import output
from ipam.cli.resource_kinds import Resource
from ipam.cli.terminal import say, say_lines

if TYPE_CHECKING:
    from ipam.client import Client


def show_list(
    client: "Client",
    resource: Resource,
    filters: Mapping[str, Any],
    *,
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
    limit: int | None,
    sort_columns: Sequence[str],
) -> None:
    """Print what matches. If nothing does, a table's reader gets a note on standard error."""
    usual = resource.every_column if long_list else resource.columns
    columns = output.select(usual, resource.every_column, wanted)
    params = [(name, value) for name, value in filters.items() if value is not None]
    params += [("fields", field) for field in dict.fromkeys(column.field for column in columns)]
    params += _sorting(resource, sort_columns)
    if limit:
        params.append(("limit", limit))
    items = client.list(resource.path, resource.collection, params, max_items=limit)
    print_rows(resource, columns, items, output_format)


def print_rows(
    resource: Resource,
    columns: Sequence[output.Column],
    items: Sequence[Mapping[str, Any]],
    output_format: str,
) -> None:
    """Print items that were read already."""
    if not items and output_format == "table":
        say(f"No {resource.plural}.", err=True)
        return
    text = output.rows_text(columns, items, output_format)
    if text:
        say_lines(text)


def show_record(item: Mapping[str, Any], *, output_format: str, wanted: Sequence[str]) -> None:
    """Print one resource."""
    say_lines(output.record_text(item, wanted, output_format))


def _sorting(resource: Resource, sort_columns: Sequence[str]) -> list[tuple[str, str]]:
    params: list[tuple[str, str]] = []
    for one in sort_columns:
        name, _, direction = one.partition(":")
        if direction not in ("", "asc", "desc"):
            raise click.UsageError(f"Sort by COLUMN, COLUMN:asc or COLUMN:desc, not {one!r}.")
        (column,) = output.select((), resource.every_column, [name])
        params += [("sort_key", column.field), ("sort_dir", direction or "asc")]
    return params
