"""Structs to JSON and back: what does not fit is one error that names the field."""

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


def write(value: Any) -> bytes:
    """The value as JSON."""
    return msgspec.json.encode(value, enc_hook=_plain)


def parsed(value: Any) -> Any:
    """The value as JSON parses to."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_plain)


def _plain(value: Any) -> str:
    """A text of a type of its own, such as a Word of a configuration, as the text it is."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value)} in a message")
