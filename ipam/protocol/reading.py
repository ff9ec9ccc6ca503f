"""From JSON to a struct, or one error that names the field that does not fit."""

from typing import Any, TypeVar

import msgspec

from ipam.errors import Malformed

T = TypeVar("T")


def read(kind: type[T], data: bytes | str, what: str) -> T:
    """The JSON as this type. Raises Malformed, which names `what` it is."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise Malformed(f"{what} is not as expected: {error}") from error


def read_parsed(kind: type[T], value: Any, what: str) -> T:
    """As `read`, of JSON that is parsed already."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Malformed(f"{what} is not as expected: {error}") from error


def fault(error: msgspec.ValidationError, place: str) -> str:
    """The sentence of an error in a part that was decoded by itself, with the whole path."""
    sentence, at, path = str(error).partition(" - at `$")
    return f"{sentence} - at `$.{place}{path if at else '`'}"
