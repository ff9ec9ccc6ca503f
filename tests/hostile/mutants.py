"""Requests that are HTTP and wrong in what they say: in body, query, path or headers."""

from random import Random
from urllib.parse import quote

from tests.hostile.hostile_headers import HEADERS
from tests.hostile.hostile_values import TEXTS, URL_PIECES
from tests.hostile.json_bodies import encode, not_json, spoiled
from tests.hostile.operations import Operation
from tests.hostile.requests import Header, Request, written
from tests.hostile.target import PERSONAS, Target


def plain(kind: str, target: Target, chance: Random) -> Request:
    """What an honest client might send."""
    operation = target.an_operation(chance)
    if "limit" in operation.query:
        return Request(kind, _honest_list(operation, target, chance))
    tree = target.document.body(operation, chance)
    raw = target.written(operation, b"" if tree is None else encode(tree), chance)
    return Request(kind, raw)


def _honest_list(operation: Operation, target: Target, chance: Random) -> bytes:
    """The request for a page of a list, by names and sorted."""
    names = [name for name in ("name", "id", "network_id", "host") if name in operation.query]
    chosen = chance.sample(names, chance.randint(0, len(names)))
    pairs = [f"{name}=x{chance.randrange(9)}" for name in chosen]
    pairs += [f"sort_key={name}" for name in chosen[:1]] + ["limit=20"]
    path = f"{target.document.path(operation, chance)}?{'&'.join(pairs)}"
    return written("GET", path, target.signed(chance.choice(PERSONAS)))


def body(kind: str, target: Target, chance: Random) -> Request:
    """A body with one to three things wrong."""
    operation = target.an_operation(chance, with_body=True)
    tree = target.document.body(operation, chance)
    for _ in range(chance.randint(1, 3)):
        tree = spoiled(tree, chance)
    content = encode(tree)
    if chance.random() < 0.15:
        content = not_json(content, chance)
    return Request(kind, target.written(operation, content, chance))


def query(kind: str, target: Target, chance: Random) -> Request:
    """A query string with values that no filter expects."""
    listed = tuple(one for one in target.document.operations if one.query and one.method == "GET")
    operation = chance.choice(listed)
    pairs = [
        quote(chance.choice(operation.query) if chance.random() < 0.9 else chance.choice(TEXTS))
        + "="
        + _query_value(chance)
        for _ in range(chance.choice((1, 2, 5, 20)))
    ]
    path = f"{target.document.path(operation, chance)}?{'&'.join(pairs)}"
    return Request(kind, written("GET", path, target.signed(chance.choice(PERSONAS))))


def _query_value(chance: Random) -> str:
    if chance.random() < 0.3:
        return chance.choice(URL_PIECES).decode("latin-1").replace(" ", "+")
    if chance.random() < 0.3:
        return chance.choice(("id", "asc", "desc", "10.0.0.7", "True", "1", "red,blue"))
    return quote(chance.choice(TEXTS))


def path(kind: str, target: Target, chance: Random) -> Request:
    """A path with something that is no id, or a target of another form."""
    operation = target.an_operation(chance)
    known = target.document.path(operation, chance).encode()
    piece = chance.choice(URL_PIECES)
    parts = known.split(b"/")
    place = chance.randrange(1, len(parts))
    form = chance.choice(
        (
            b"/".join([*parts[:place], piece, *parts[place + 1 :]]),
            b"/".join([*parts[:place], parts[place] + piece, *parts[place + 1 :]]),
            b"/".join([*parts[:place], piece, *parts[place:]]),
            known + b"/" + piece,
            known.replace(b"/v2.0", b"/v2.0" + piece, 1),
            b"http://evil.example" + known,
            known[1:],
            known.upper(),
            b"*",
        )
    )
    method = chance.choice(
        (operation.method, "GET", "DELETE", "PATCH", "OPTIONS", "TRACE", "X" * 40)
    )
    raw = written(method, form or b"/", target.signed(chance.choice(PERSONAS)))
    return Request(kind, raw, is_legible=False)


def header(kind: str, target: Target, chance: Random) -> Request:
    """Headers that claim another identity, or that are wrong, long or many."""
    operation = target.an_operation(chance)
    tree = target.document.body(operation, chance)
    extra: list[Header] = [
        make(chance) for make in chance.choices(HEADERS, k=chance.randint(1, 3))
    ]
    raw = target.written(operation, b"" if tree is None else encode(tree), chance, extra)
    return Request(kind, raw, is_legible=False)
