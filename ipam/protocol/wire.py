"""Structs to JSON and back. Data that does not fit raises one error that names the field."""

from typing import Any, TypeVar

import msgspec

from ipam.errors import Malformed

T = TypeVar("T")


def read(kind: type[T], data: bytes | str, what: str) -> T:
    """The JSON as this type. Raises Malformed, with `what` in the message."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise Malformed(f"{what} is not as expected: {error}") from error


def read_parsed(kind: type[T], value: Any, what: str) -> T:
    """Like `read`, for parsed JSON."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Malformed(f"{what} is not as expected: {error}") from error


def write(value: Any) -> bytes:
    """The value as JSON."""
    return msgspec.json.encode(value, enc_hook=_plain)


def parsed(value: Any) -> Any:
    """The value in the form that JSON parses to."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_plain)


def _plain(value: Any) -> str:
    """A subclass of str, such as `Word`, as plain text."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value)} in a message")
