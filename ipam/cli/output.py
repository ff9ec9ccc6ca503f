"""Formats rows and records as a table, JSON, YAML, CSV or plain values.

Tables, CSV and plain values have what does not show in a name escaped. JSON and YAML have escapes
of their own, and read back as the value. Titles of lists are those of the `openstack` command, for
scripts written for it.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from ipam.escaping import escaped, escaped_lines

FORMATS = ("table", "json", "yaml", "csv", "value")
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


def or_never(value: Any) -> str:
    """The instant, or `never` if there is none."""
    return "never" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list: its title, the path of its value (such as `a.b`), its format."""

    title: str
    path: str
    text: Callable[[Any], str] = plain

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


def rows_text(columns: Sequence[Column], items: Sequence[Record], output_format: str) -> str:
    """A list of items in one of FORMATS, ready to print."""
    if output_format in ("json", "yaml"):
        return _structured(
            [{column.title: column.value(item) for column in columns} for item in items],
            output_format,
        )
    titles = [column.title for column in columns]
    rows = [[column.text(column.value(item)) for column in columns] for item in items]
    if output_format == "csv":
        return _csv([titles, *rows])
    if output_format == "value":
        return "\n".join(" ".join(map(escaped, row)) for row in rows)
    return _table(titles, [[escaped(text) for text in row] for row in rows])


def record_text(item: Record, wanted: Sequence[str], output_format: str) -> str:
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
    lines = {name: _by_lines(value) for name, value in item.items()}
    return _table(["Field", "Value"], [[name, text] for name, text in lines.items()])


def _folded(name: str) -> str:
    return name.casefold().replace(" ", "_").replace("-", "_")


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


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts that are escaped, except for their line ends."""
    from prettytable import PrettyTable  # noqa: PLC0415  # only when asked for

    table = PrettyTable(list(titles), align="l")
    for row in rows:
        table.add_row(list(row))
    return str(table.get_string())
