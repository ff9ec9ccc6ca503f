"""Bodies: JSON written by hand, so that it can be wrong, and trees spoiled in one place."""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.hostile.hostile_values import JSON_WORDS, TEXTS

DEEP: Final = 60
DEEPER: Final = 5_000
MANY: Final = (2, 3, 30, 300)


class Word(bytes):
    """Written into the JSON as it is."""


class Twice(dict[str, Any]):
    """An object whose names are all written twice, the second time with null."""


def encode(tree: Any) -> bytes:
    """The tree as JSON, or as what looks like it."""
    if isinstance(tree, Word):
        return bytes(tree)
    if isinstance(tree, dict):
        pairs = [_quoted(name) + b":" + encode(value) for name, value in tree.items()]
        if isinstance(tree, Twice):
            pairs += [_quoted(name) + b":null" for name in tree]
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(tree, list):
        return b"[" + b",".join(map(encode, tree)) + b"]"
    return _quoted(tree)


def _quoted(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def spoiled(tree: Any, chance: Random) -> Any:
    """The tree with another value somewhere, most of it as it was."""
    if chance.random() < 0.85:
        if isinstance(tree, dict) and tree:
            name = chance.choice(list(tree))
            return {**tree, name: spoiled(tree[name], chance)}
        if isinstance(tree, list) and tree:
            place = chance.randrange(len(tree))
            return [*tree[:place], spoiled(tree[place], chance), *tree[place + 1 :]]
    return chance.choice(SPOILS)(tree, chance)


def _text(_tree: Any, chance: Random) -> Any:
    return chance.choice(TEXTS)


def _word(_tree: Any, chance: Random) -> Any:
    return Word(chance.choice(JSON_WORDS))


def _many(tree: Any, chance: Random) -> Any:
    return [tree] * chance.choice(MANY)


def _deep(tree: Any, chance: Random) -> Any:
    levels = chance.choice((DEEP, DEEPER))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return Word(opening * levels + encode(tree) + closing * levels)


def _other_names(tree: Any, chance: Random) -> Any:
    if not isinstance(tree, dict):
        return {chance.choice(TEXTS): tree}
    return {**tree, chance.choice(TEXTS): chance.choice(TEXTS)}


def _twice(tree: Any, _chance: Random) -> Any:
    return Twice(tree) if isinstance(tree, dict) else [tree, tree]


def _less(tree: Any, chance: Random) -> Any:
    if isinstance(tree, (dict, list)) and tree:
        gone = chance.randrange(len(tree))
        if isinstance(tree, list):
            return tree[:gone]
        return {name: tree[name] for number, name in enumerate(tree) if number != gone}
    return None


SPOILS: Final[tuple[Callable[[Any, Random], Any], ...]] = (
    *(_text, _text, _word, _word),
    *(_many, _deep, _other_names, _twice, _less),
)


def not_json(body: bytes, chance: Random) -> bytes:
    """The body cut, with a byte flipped, in another encoding, or followed by more."""
    if not body:
        return chance.choice(JSON_WORDS)
    place = chance.randrange(len(body))
    return chance.choice(
        (
            body[:place],
            body[:place] + bytes([body[place] ^ (1 << chance.randrange(8))]) + body[place + 1 :],
            body.decode("utf-8", "replace").encode("utf-16"),
            b"\xef\xbb\xbf" + body,
            body + body,
            body + b"\0",
            b")]}'\n" + body,
            b"\x1f\x8b\x08\x00" + body,
            body.replace(b'"', b"'"),
        )
    )
