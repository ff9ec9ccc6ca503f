"""The query string of a list: filters, fields, sorting, and paging with links.

The resource's `Collection` says by which names one can filter and sort. The type of a value is
that of the field in the view. Unknown filter names are ignored, as in Neutron. Impossible values
are refused. Whatever is asked for has a bound, and what is said twice counts once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Struct

from ipam import values
from ipam.api.http.attributes import BOOLEANS, canonical, read_one, scalar_type, wire_names
from ipam.errors import HTTPBadRequest
from ipam.store.engine.listing import Collection, ListQuery

Check: TypeAlias = Callable[[str], str]

RESERVED: Final = ("fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse")

QUERY_LENGTH_MAX: Final = 32_768
"""Room for 800 ids. Neutron's own client sends at most 8,192 characters."""
PARAMETERS_MAX: Final = 1000
SORT_KEYS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed query string: what to read, which fields to show, and the original pairs."""

    query: ListQuery
    fields: frozenset[str]
    pairs: Sequence[tuple[str, str]]


def parse_query(
    query_string: str, collection: Collection, view: type[Struct], page_size_max: int = 0
) -> Request:
    """Read the query string of a list. Raises HTTPBadRequest with every fault in it."""
    pairs = query_pairs(query_string)
    faults: list[str] = []
    filters: dict[str, list[Any]] = {}
    reserved: dict[str, list[str]] = {name: [] for name in RESERVED}
    for name, text in pairs:
        if name in reserved:
            reserved[name].append(text)
        elif name in collection.columns or name in collection.special:
            filters.setdefault(name, []).append(
                _filter_value(collection, view, name, text, faults)
            )
    query = ListQuery(
        filters={name: list(dict.fromkeys(values)) for name, values in filters.items()},
        sorts=_sorts(reserved["sort_key"], reserved["sort_dir"], collection, faults),
        limit=_limit(reserved["limit"], page_size_max, faults),
        marker=_printable("marker", reserved["marker"][-1], faults)
        if reserved["marker"]
        else None,
        reverse=_boolean("page_reverse", (reserved["page_reverse"] or ["False"])[-1], faults),
    )
    if faults:
        raise HTTPBadRequest(faults)
    return Request(query, frozenset(reserved["fields"]), pairs)


def query_pairs(query_string: str) -> list[tuple[str, str]]:
    """Names and values of a query string, including empty values.

    Raises HTTPBadRequest if it is too long or cannot be read.
    """
    if len(query_string) > QUERY_LENGTH_MAX:
        raise HTTPBadRequest(
            f"The query string has {len(query_string)} characters; at most {QUERY_LENGTH_MAX} are"
            " read."
        )
    if (count := query_string.count("&") + 1) > PARAMETERS_MAX:
        raise HTTPBadRequest(
            f"The query string has {count} parameters; at most {PARAMETERS_MAX} are read."
        )
    try:
        return parse_qsl(query_string, keep_blank_values=True)
    except ValueError as error:
        raise HTTPBadRequest(f"The query string cannot be read: {error}.") from None


def given_values(query_string: str) -> dict[str, list[str]]:
    """The values of each name, in order.

    Raises HTTPBadRequest with every value that no database could be asked for.
    """
    faults: list[str] = []
    given: dict[str, list[str]] = {}
    for name, text in query_pairs(query_string):
        given.setdefault(name, []).append(_printable(name, text, faults))
    if faults:
        raise HTTPBadRequest(faults)
    return given


def shown_fields(query_string: str) -> frozenset[str]:
    """The `fields=` of a request for one item."""
    return frozenset(value for name, value in query_pairs(query_string) if name == "fields")


def with_fields(view: Struct, fields: frozenset[str]) -> Any:
    """The view with these fields only, or with all if none is named. Ignores unknown names."""
    if not fields:
        return view
    return {name: value for name, value in msgspec.to_builtins(view).items() if name in fields}


def links(url: str, request: Request, ids: Sequence[str]) -> list[dict[str, str]]:
    """The `next` and `previous` links of a page with these ids, the same as Neutron's.

    A full page has a `next` link even if nothing follows. That page is then empty and has a link
    back.
    """
    query = request.query
    if not query.limit:
        return []
    is_full, came_from_a_page = len(ids) >= query.limit, query.marker is not None
    has_next, has_previous = is_full, came_from_a_page
    if query.reverse:
        has_next, has_previous = came_from_a_page, is_full
    result = []
    if has_next:
        result.append({"rel": "next", "href": _link(url, request, ids[-1:], reverse=False)})
    if has_previous:
        result.append({"rel": "previous", "href": _link(url, request, ids[:1], reverse=True)})
    return result


def _link(url: str, request: Request, markers: Sequence[str], *, reverse: bool) -> str:
    kept = [pair for pair in request.pairs if pair[0] not in ("marker", "page_reverse")]
    kept += [("marker", marker) for marker in markers]
    if reverse:
        kept.append(("page_reverse", "True"))
    return f"{url}?{urlencode(kept)}"


def _filter_value(
    collection: Collection, view: type[Struct], name: str, text: str, faults: list[str]
) -> Any:
    if name in collection.special:
        return _printable(name, text, faults, check=values.printable)
    kind = filter_type(collection, view, name)
    if kind is bool:
        return _boolean(name, text, faults)
    shown = scalar_type(view, name) if name in wire_names(view) else kind
    if kind is int and shown is int:
        return _integer(name, text, collection.largest(name), faults)
    try:
        found = read_one(view, name, canonical(view, name, _short(text)))
        return int(found) if kind is int else found
    except ValueError as error:
        faults.append(f"Invalid input for {name}. Reason: {error}.")
        return None


def filter_type(collection: Collection, view: type[Struct], name: str) -> type | None:
    """`bool`, `int` or `str`, if a filter on a column has such values.

    It is the type in the view. A name that no view shows, such as a subnet's `shared`, has the
    type of its column, and so has a number that the view shows as text: servers do not compare
    the two.
    """
    stored: type = collection.columns[name].type.python_type
    if name not in wire_names(view) or (stored is int and name not in collection.special):
        return stored
    return scalar_type(view, name)


def _short(text: str) -> str:
    """A text that a column may have. Raises ValueError."""
    if len(text) > values.NAME_LENGTH:
        raise ValueError(f"It has {len(text)} characters; no value has over {values.NAME_LENGTH}")
    return values.printable(text)


def _printable(name: str, text: str, faults: list[str], *, check: Check = _short) -> str:
    try:
        return check(text)
    except ValueError as error:
        faults.append(f"Invalid input for {name}. Reason: {error}.")
        return ""


def _boolean(name: str, text: str, faults: list[str]) -> bool:
    found = BOOLEANS.get(text.lower())
    if found is None:
        reason = f"{values.shown(text)} is neither True nor False"
        faults.append(f"Invalid input for {name}. Reason: {reason}.")
    return bool(found)


def _integer(name: str, text: str, largest: int, faults: list[str]) -> int:
    if text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 20:
        number = int(text)
        if abs(number) <= largest:
            return number
        reason = f"{values.shown(text)} is more than {largest}"
    else:
        reason = f"{values.shown(text)} is not an integer"
    faults.append(f"Invalid input for {name}. Reason: {reason}.")
    return 0


def _limit(given: Sequence[str], page_size_max: int, faults: list[str]) -> int | None:
    """The limit of a page. 0 asks for everything, as in Neutron, but `page_size_max` bounds it."""
    text = given[-1] if given else "0"
    if not (text.isdecimal() and text.isascii() and len(text) < 20):
        reason = f"{values.shown(text)} is not a number from 0 on"
        faults.append(f"Invalid input for limit. Reason: {reason}.")
        return None
    asked = min(int(text), values.SQL_INTEGER_MAX - 1)
    if page_size_max:
        return min(asked or page_size_max, page_size_max)
    return asked or None


def _sorts(
    names: Sequence[str], directions: Sequence[str], collection: Collection, faults: list[str]
) -> tuple[tuple[str, bool], ...]:
    faults.extend(
        f"Invalid input for sort_key. Reason: {values.shown(name)} is not a key to sort by."
        for name in names
        if name not in collection.columns
    )
    faults.extend(
        f"Invalid input for sort_dir. Reason: {values.shown(text)} is neither asc nor desc."
        for text in directions
        if text not in ("asc", "desc")
    )
    if directions and len(directions) != len(names):
        faults.append("The number of sort_keys and sort_dirs must be the same.")
        return ()
    if len(names) > SORT_KEYS_MAX:
        faults.append(f"{len(names)} sort_keys are given; at most {SORT_KEYS_MAX} can be.")
        return ()
    descending = [text == "desc" for text in directions] or [False] * len(names)
    first: dict[str, bool] = {}
    for name, is_descending in zip(names, descending, strict=True):
        first.setdefault(name, is_descending)  # a repeated key changes no order
    return tuple(first.items())


def filter_names(collection: Collection) -> Mapping[str, bool]:
    """Every filter, and whether it is also a sort key, for the OpenAPI document."""
    return {
        name: name in collection.columns for name in (*collection.columns, *collection.special)
    }
