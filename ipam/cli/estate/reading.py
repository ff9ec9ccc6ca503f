"""Reads estates and lists of ports from bytes: YAML, JSON or CSV. Pure."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import click

FORMATS: Final = ("csv", "json", "yaml")
LIST_FIELDS: Final = ("addresses", "tags")
"""Of a CSV's cells these hold lists, parted by spaces."""
BYTES_MOST: Final = 32 * 1024 * 1024
ALIASES: Final = {
    "mac": "mac_address",
    "ip": "addresses",
    "ip_address": "addresses",
    "ip_addresses": "addresses",
    "fixed_ip_addresses": "addresses",
    "address": "addresses",
    "hostname": "dns_name",
    "device": "device_id",
    "binding:host_id": "host",
}
"""Headings that are understood beside the names of the fields."""


def format_of(name: str, asked: str | None) -> str:
    """The format: what was asked for, else by the end of the file's name. Raises UsageError."""
    if asked:
        return asked
    end = name.rpartition(".")[2].lower()
    known = {"yml": "yaml", **{one: one for one in FORMATS}}
    if end not in known:
        raise click.UsageError(
            f"What is {name} written in? Say --file-format {'|'.join(FORMATS)}."
        )
    return known[end]


def parsed(data: bytes, file_format: str, name: str) -> Any:
    """The value in JSON or YAML. Raises ClickException with the place of a fault."""
    try:
        text = _text(data, name)
        if file_format == "json":
            return json.loads(text)
        return _yaml(text)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{name} is not valid {file_format}: {error}") from error


def _yaml(text: str) -> Any:
    """The value in YAML, in which an instant is text, as in JSON. Raises ValueError."""
    import yaml  # noqa: PLC0415  # only when it is needed

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar = {
            first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506  # it is a safe one
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def rows(data: bytes, file_format: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row with its place, such as `machines.csv:3`, its fields by the names of ports'."""
    if file_format == "csv":
        yield from _csv_rows(data, name)
        return
    value = parsed(data, file_format, name)
    items = value.get("ports") if isinstance(value, Mapping) else value
    if not isinstance(items, list):
        raise click.ClickException(f"{name} is neither a list of ports nor has one under `ports`.")
    for number, item in enumerate(items, 1):
        place = f"{name}: port {number}"
        if not isinstance(item, Mapping):
            raise click.ClickException(f"{place} is no object.")
        yield place, {_field(str(key)): one for key, one in item.items()}


def _csv_rows(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = _text(data, name)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{name} is not in UTF-8: {error}") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="more")
    for row in reader:
        place = f"{name}:{reader.line_num}"
        if "more" in row:
            raise click.ClickException(f"{place} has more cells than the first line has headings.")
        fields = {_field(key): (one or "").strip() for key, one in row.items()}
        if not any(fields.values()):
            continue
        yield (
            place,
            {
                key: one.replace(",", " ").split() if key in LIST_FIELDS else one
                for key, one in fields.items()
                if one
            },
        )


def _text(data: bytes, name: str) -> str:
    """The bytes as text. Raises ClickException for too many, UnicodeDecodeError for no UTF-8."""
    if len(data) > BYTES_MOST:
        raise click.ClickException(f"{name} has {len(data)} bytes; {BYTES_MOST} are read at most.")
    return data.decode("utf-8-sig")


def _field(heading: str) -> str:
    name = heading.strip().lower().replace(" ", "_").replace("-", "_")
    return ALIASES.get(name, name)
