"""Formats rows and records as a table, JSON, YAML, CSV, plain values or assignments of a shell.

Tables, CSV and plain values have what does not show in a name escaped. JSON and YAML have escapes
of their own, and read back as the value. Titles of lists are those of the `openstack` command, for
scripts written for it.
"""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ipam.cli.tables import table
from ipam.escaping import escaped, escaped_lines

FORMATS = ("table", "json", "yaml", "csv", "value", "shell")
Record = Mapping[str, Any]


def plain(value: Any) -> str:
    """One value as text: nothing for None, `a='1', b='2'` for an object, items by commas."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}='{plain(one)}'" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        separator = "; " if any(isinstance(one, Mapping) for one in value) else ", "
        return separator.join(plain(one) for one in value)
    return str(value)


def addresses(fixed_ips: Any) -> str:
    """The addresses of a port's fixed IPs, without their subnets."""
    return ", ".join(str(one["ip_address"]) for one in fixed_ips or ())


def pools(allocation_pools: Any) -> str:
    """Allocation pools as `first-last`."""
    return ", ".join(f"{one['start']}-{one['end']}" for one in allocation_pools or ())


def labelled_ranges(static_ranges: Any) -> str:
    """Static ranges as `first-last label`."""
    return ", ".join(
        " ".join(filter(None, (pools([one]), one["label"]))) for one in static_ranges or ()
    )


FIELDS_NAMED = 4


def fields_changed(changes: Any) -> str:
    """The names of the fields that changed; of many the first ones."""
    names = list(changes or ())
    more = len(names) - FIELDS_NAMED
    return ", ".join(names[:FIELDS_NAMED]) + (f" and {more} more" if more > 0 else "")


def values_changed(changes: Any) -> str:
    """What each field was and is: `name='web' to 'db'`, or `name='db'` if it was nothing."""
    return ", ".join(
        f"{name}={_quoted(after)}"
        if before is None
        else f"{name}={_quoted(before)} to {_quoted(after)}"
        for name, (before, after) in (changes or {}).items()
    )


def _quoted(value: Any) -> str:
    return f"'{plain(value)}'"


def counted(count: int, noun: str) -> str:
    """The number with its noun: `1 port`, `2 ports`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def or_never(value: Any) -> str:
    """The instant, or `never` if there is none."""
    return "never" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list: its title, the path of its value (such as `a.b`), its format.

    `refers_to`: the kinds of resources of which the value holds an id or ids. `is_instant`: the
    value is a point in time. `brief` is what a table without --long has instead of `text`.
    """

    title: str
    path: str
    text: Callable[[Any], str] = plain
    refers_to: tuple[str, ...] = ()
    is_instant: bool = False
    brief: Callable[[Any], str] | None = None

    @property
    def field(self) -> str:
        """The field of the resource that holds the value."""
        return self.path.partition(".")[0]

    def value(self, item: Record) -> Any:
        """The value in the API's form; None if the item lacks it."""
        found: Any = item
        for key in self.path.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def select(
    columns: Sequence[Column], every: Sequence[Column], wanted: Sequence[str]
) -> list[Column]:
    """The columns to show: those asked for by title or field, else the usual columns."""
    if not wanted:
        return list(columns)
    by_name = {_folded(column.path): column for column in every}
    by_name |= {_folded(column.title): column for column in every}
    unknown = [name for name in wanted if _folded(name) not in by_name]
    if unknown:
        titles = ", ".join(column.title for column in every)
        raise click.UsageError(f"No column {', '.join(map(repr, unknown))}. There are: {titles}.")
    return [by_name[_folded(name)] for name in wanted]


Cell = Callable[[Column, Record], str]
"""What a column shows of an item."""


def cell_text(column: Column, item: Record) -> str:
    """The value in the form of the column."""
    return column.text(column.value(item))


def rows_text(
    columns: Sequence[Column],
    items: Sequence[Record],
    output_format: str,
    *,
    width: int | None = None,
    cell: Cell = cell_text,
) -> str:
    """A list of items in one of FORMATS, ready to print. `width` and `cell` are for a table."""
    if output_format in ("json", "yaml"):
        return _structured(
            [{column.title: column.value(item) for column in columns} for item in items],
            output_format,
        )
    titles = [column.title for column in columns]
    shown = cell if output_format == "table" else cell_text
    rows = [[shown(column, item) for column in columns] for item in items]
    if output_format == "csv":
        return _csv([titles, *rows])
    if output_format == "value":
        return "\n".join(" ".join(map(escaped, row)) for row in rows)
    if output_format == "shell":
        names = [_folded(column.path) for column in columns]
        return "\n".join(" ".join(map(_assignment, names, row)) for row in rows)
    return table(titles, [[escaped(text) for text in row] for row in rows], width)


def record_text(
    item: Record, wanted: Sequence[str], output_format: str, *, width: int | None = None
) -> str:
    """One item with all its fields, or the fields asked for, in one of FORMATS."""
    if wanted:
        by_name = {_folded(name): name for name in item}
        unknown = [name for name in wanted if _folded(name) not in by_name]
        if unknown:
            raise click.UsageError(
                f"No field {', '.join(map(repr, unknown))}. There are: {', '.join(item)}."
            )
        item = {by_name[_folded(name)]: item[by_name[_folded(name)]] for name in wanted}
    if output_format in ("json", "yaml"):
        return _structured(dict(item), output_format)
    texts = {name: plain(value) for name, value in item.items()}
    if output_format == "csv":
        return _csv([list(texts), list(texts.values())])
    if output_format == "value":
        return "\n".join(map(escaped, texts.values()))
    if output_format == "shell":
        return "\n".join(_assignment(_folded(name), text) for name, text in texts.items())
    lines = {name: _by_lines(value) for name, value in item.items()}
    return table(["Field", "Value"], [[name, text] for name, text in lines.items()], width)


def _folded(name: str) -> str:
    return re.sub("[^0-9a-z]", "_", name.casefold())


def _assignment(name: str, text: str) -> str:
    """`name=value`, which a shell may `eval` whatever the value is."""
    return f"{name}={shlex.quote(escaped(text))}"


def _by_lines(value: Any) -> str:
    """The value for a table: a list has one item per line."""
    if isinstance(value, list):
        return "\n".join(escaped(plain(one)) for one in value)
    return escaped(plain(value))


def _structured(value: Any, output_format: str) -> str:
    text = _dumped(value, output_format, ascii_only=False)
    # Both forms have escapes of their own, which read back as the value.
    return text if text == escaped_lines(text) else _dumped(value, output_format, ascii_only=True)


def _dumped(value: Any, output_format: str, *, ascii_only: bool) -> str:
    if output_format == "json":
        return json.dumps(value, indent=2, ensure_ascii=ascii_only)
    import yaml  # noqa: PLC0415  # only when asked for

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=not ascii_only)).rstrip("\n")


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([map(escaped, row) for row in rows])
    return text.getvalue().rstrip("\n")
