"""Prints lists and single records of the API."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import global_options, output, sorting
from ipam.cli.instants import relative
from ipam.cli.reference_names import Names, named, names_of
from ipam.cli.resource_kinds import Resource
from ipam.cli.terminal import clear, say, say_lines
from ipam.errors import HTTPBadRequest, Temporary

if TYPE_CHECKING:
    from ipam.client import Client

SORTED_MOST = 200_000
"""How many items are read to be sorted here."""
WATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list is to look like: the options of `list_options`."""

    output_format: str
    wanted: Sequence[str] = ()
    long_list: bool = False
    limit: int | None = None
    sort_columns: Sequence[str] = ()

    def columns(self, resource: Resource) -> Sequence[output.Column]:
        """The columns to show: of a table those for people, else those of openstack."""
        usual = resource.brief_columns if self.output_format == "table" else resource.columns
        if self.long_list:
            usual = resource.every_column
        return output.select(usual, resource.every_column, self.wanted)

    @property
    def has_names(self) -> bool:
        """Whether names stand where the API has ids."""
        return self.output_format == "table" and not self.long_list


def show_list(
    client: "Client",
    resource: Resource,
    filters: Mapping[str, Any],
    **options: Any,
) -> None:
    """Print what matches. If nothing does, a table's reader gets a note on standard error.

    `options`: the fields of `Listing`.
    """
    listing = Listing(**options)
    columns = listing.columns(resource)
    by = sorting.order(resource.every_column, listing.sort_columns)
    params = [(name, value) for name, value in filters.items() if value is not None]
    needed = [column.field for column in (*columns, *(column for column, _ in by))]
    needed += ["id"] if listing.has_names else []
    params += [("fields", field) for field in dict.fromkeys(needed)]

    # The service sorts by what it has: ids, not the names that stand there instead.
    by_names = listing.has_names and any(column.refers_to for column, _ in by)

    def text() -> str:
        limit = None if by_names else listing.limit
        items, is_sorted = _read(client, resource, params, by, limit)
        return items_text(client, resource, items, listing, () if is_sorted else by)

    watched(text)


def items_text(
    client: "Client",
    resource: Resource,
    items: Sequence[Mapping[str, Any]],
    listing: Listing,
    by: sorting.Order = (),
) -> str:
    """The items as a list, in that order; in a table with the names of what they refer to."""
    columns = listing.columns(resource)
    cell: output.Cell = output.cell_text
    if listing.has_names:
        sorted_by = [column for column, _ in by]
        cell = _cell(resource, names_of(client, [*columns, *sorted_by], items))
        columns = [replace(one, title=_title(one)) for one in columns]
    if by:
        items = sorting.arranged(items, by, cell)[: listing.limit]
    return list_text(resource, columns, items, listing.output_format, cell)


def _read(
    client: "Client",
    resource: Resource,
    params: list[tuple[str, Any]],
    by: sorting.Order,
    limit: int | None,
) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """The items, and whether they are in order; if not, they are all, or the most there may be."""
    if not (limit and by):
        most = limit or (SORTED_MOST if by else None)
        params = [*params, ("limit", limit)] if limit else params
        found = client.list(resource.path, resource.collection, params, max_items=most)
        if len(found) == SORTED_MOST:
            say(f"Only the first {SORTED_MOST} {resource.plural} are sorted.", err=True)
        return found, not by
    sorted_there = [*params, ("limit", limit)]
    for column, is_turned in by:
        sorted_there += [("sort_key", column.field), ("sort_dir", "desc" if is_turned else "asc")]
    try:
        found = client.list(resource.path, resource.collection, sorted_there, max_items=limit)
    except HTTPBadRequest:  # the service does not sort by that field
        return _read(client, resource, params, by, None)
    return found, True


def _cell(resource: Resource, names: Names) -> output.Cell:
    """What a table for people shows: names for ids, how long ago, the id of what has no name."""
    now = datetime.now(UTC)

    def cell(column: output.Column, item: Mapping[str, Any]) -> str:
        value = column.value(item)
        if column.refers_to:
            return named(value, names)
        if column.is_instant and value:
            return relative(value, now)
        if column.path == resource.label == "name" and not value:
            return str(item.get("id", ""))
        return (column.brief or column.text)(value)

    return cell


def list_text(
    resource: Resource,
    columns: Sequence[output.Column],
    items: Sequence[Mapping[str, Any]],
    output_format: str,
    cell: output.Cell = output.cell_text,
) -> str:
    """The items as text; empty, with a note on standard error, for a table of none."""
    if not items and output_format == "table":
        say(f"No {resource.plural}.", err=True)
        return ""
    return output.rows_text(columns, items, output_format, width=table_width(), cell=cell)


def print_rows(
    resource: Resource,
    columns: Sequence[output.Column],
    items: Sequence[Mapping[str, Any]],
    output_format: str,
) -> None:
    """Print items that were read already."""
    text = list_text(resource, columns, items, output_format)
    if text:
        say_lines(text)


def print_columns(
    columns: Sequence[output.Column],
    items: Sequence[Mapping[str, Any]],
    output_format: str,
    *,
    none: str = "",
) -> None:
    """Print items that are no resources of the API.

    Of none there is no table, but the note `none`, if any, on standard error.
    """
    if not items and output_format == "table":
        if none:
            say(none, err=True)
        return
    if text := output.rows_text(columns, items, output_format, width=table_width()):
        say_lines(text)


def show_record(item: Mapping[str, Any], *, output_format: str, wanted: Sequence[str]) -> None:
    """Print one resource."""
    say_lines(output.record_text(item, wanted, output_format, width=table_width()))


def table_width() -> int | None:
    """How many characters a line of a table may have; None: as many as it needs."""
    given = global_options.given()
    if "max_width" in given:
        return given["max_width"] or None
    if given.get("fit_width", is_terminal()):
        return shutil.get_terminal_size().columns
    return None


def is_terminal() -> bool:
    """Whether a person reads the output."""
    return sys.stdout.isatty()


def watched(text: Callable[[], str]) -> None:
    """Print the text; with --watch again and again whenever it changes, until Ctrl-C."""
    if not global_options.given().get("watch"):
        if first := text():
            say_lines(first)
        return
    shown = None
    try:
        while True:
            try:
                now = text()
            except Temporary as error:
                now = str(error)
            if now != shown:
                _redraw(now)
                shown = now
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(0) from None


def _redraw(text: str) -> None:
    if is_terminal():
        clear()
    say_lines(text)


def _title(column: output.Column) -> str:
    return column.title.removesuffix(" ID") if column.refers_to else column.title
