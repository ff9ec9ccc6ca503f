"""Reads JSON bodies into request structs, and reports every fault of a body at once.

The msgspec Structs of a resource (such as `networks.NetworkCreate`) are its only definition. They
have the names in JSON, types, bounds, defaults and meanings (`Meta(description=...)`), and the
OpenAPI document is made from them. A string type with a rule of its own is `Annotated[str,
Meta(extra={"check": function})]`: the function gives the canonical value or raises ValueError with
the rule. Such functions are in `ipam.values`. Rules between values do not belong here.
"""

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct, UnsetType

from ipam.api.http.reasons import reason
from ipam.errors import HTTPBadRequest

S = TypeVar("S", bound=Struct)
Reader = Callable[[Any, str, list[str]], Any]
"""Takes a value, its path for messages and the list of faults. Gives the value or `FAULTY`."""

FAULTY: Any = object()

REASON_LENGTH_MAX: Final = 500

_INTEGER = re.compile(r"-?[0-9]{1,18}")
BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
"""The words that Neutron takes for either, in lower case."""

NULL_IS_EMPTY: Final = Meta(extra={"null": "empty"})
"""Marks a list that null stands for when it is empty."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[S]):
    """The result of reading a body: its good values by Python name, and its faults."""

    struct: type[S]
    values: Mapping[str, Any]
    faults: list[str] = field(default_factory=list)

    def result(self) -> S:
        """The struct. Raises HTTPBadRequest with all faults, if there are any."""
        if self.faults:
            raise HTTPBadRequest(self.faults)
        return self.struct(**self.values)


def parse(
    struct: type[S], body: Any, *, known: type[Struct] | None = None, method: str = "POST"
) -> Parsed[S]:
    """Read `body` as a `struct`. Fields that only `known` has are reported as read-only."""
    faults: list[str] = []
    if not isinstance(body, dict):
        return Parsed(struct, {}, [f"Expected an object, got {_json_type(body)}."])
    values = _read_fields(struct, body, "", faults, required=True)
    unknown = [name for name in body if name not in _fields(struct)]
    read_only = [name for name in unknown if known is not None and name in _fields(known)]
    faults.extend(f"Attribute '{name}' not allowed in {method}." for name in read_only)
    strange = [name for name in unknown if name not in read_only]
    # A refused body reports unknown names, too: one may be a misspelt field.
    if strange and (faults or not _ignores_unknown(struct)):
        faults.append("Unrecognized attribute(s) " + quoted(strange) + ".")
    return Parsed(struct, values, faults)


def refuse_long_lists(struct: type[Struct], bodies: Sequence[Any]) -> None:
    """Raise HTTPBadRequest if a list in one of the bodies has more items than it may have.

    This costs next to nothing, so it comes before anything that looks at each item.
    """
    faults: list[str] = []
    for body in bodies:
        if not isinstance(body, dict):
            continue
        for name, most in _longest_lists(struct):
            given = body.get(name)
            if isinstance(given, list) and len(given) > most:
                _refuse(_too_many(len(given), most), name, faults)
    if faults:
        raise HTTPBadRequest(faults)


@cache
def _longest_lists(struct: type[Struct]) -> Sequence[tuple[str, int]]:
    """The lists among the struct's fields, by wire name, each with how many items it may have."""
    found = ((name, _list_of(_alone(info.type))) for name, info in _fields(struct).items())
    return [(name, each[1]) for name, each in found if each and each[1] is not None]


def _alone(kind: Any) -> Any:
    """The type without its description, `None` and `UNSET`."""
    kind = _undescribed(kind)
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    members = [m for m in typing.get_args(kind) if m not in (types.NoneType, UnsetType)]
    return _alone(members[0]) if len(members) == 1 else kind


def _too_many(count: int, most: int) -> str:
    return f"It has {count} items; at most {most} are allowed"


def read_one(struct: type[Struct], name: str, value: Any) -> Any:
    """One value, read for the field of this wire name. Raises ValueError with the reason."""
    faults: list[str] = []
    result = _fields(struct)[name].reader(value, "", faults)
    if faults:
        raise ValueError(faults[0].partition("Reason: ")[2].removesuffix("."))
    return result


def scalar_type(struct: type[Struct], name: str) -> type | None:
    """`bool`, `int` or `str` if the field of this wire name has this type; else None."""
    kind = _bare(_fields(struct)[name].type)
    if typing.get_origin(kind) is typing.Literal:
        return str
    return kind if kind in (bool, int, str) else None


def canonical(struct: type[Struct], name: str, text: str) -> str:
    """The choice of the field of this wire name that equals the text in any case; or the text.

    So filters compare choices like MariaDB, on which Neutron mostly runs.
    """
    kind = _bare(_fields(struct)[name].type)
    words = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
    return next((word for word in words if str(word).lower() == text.lower()), text)


def wire_names(struct: type[Struct]) -> tuple[str, ...]:
    """The names of the struct's fields in JSON, in order."""
    return tuple(_fields(struct))


@lru_cache(maxsize=256)
def python_names(struct: type[Struct]) -> Mapping[str, str]:
    """The attributes of a view by their names in JSON."""
    return {info.encode_name: info.name for info in msgspec.structs.fields(struct)}


def quoted(names: list[str]) -> str:
    """Names from a request, quoted for a message."""
    return ", ".join(f"'{name[:64]}'" for name in names[:20])


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: Any
    required: bool
    reader: Reader


@cache
def _fields(struct: type[Struct]) -> Mapping[str, _Field]:
    return {
        info.encode_name: _Field(info.name, info.type, info.required, _reader(info.type))
        for info in msgspec.structs.fields(struct)
    }


def _read_fields(
    struct: type[Struct], body: dict[str, Any], path: str, faults: list[str], *, required: bool
) -> dict[str, Any]:
    values = {}
    for wire, info in _fields(struct).items():
        if wire in body:
            value = info.reader(body[wire], path + wire, faults)
            if value is not FAULTY:
                values[info.name] = value
        elif required and info.required:
            faults.append(f"Failed to parse request. Required attribute '{path}{wire}' not given.")
    return values


def _ignores_unknown(struct: type[Struct]) -> bool:
    """Whether a sender of a later version may add fields that this version does not know."""
    return getattr(struct, "ignores_unknown", False)


def _reader(kind: Any) -> Reader:
    """The reader of a type. It is made once for each field."""
    kind = _undescribed(kind)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_reader(typing.get_args(kind))
    if (list_of := _list_of(kind)) is not None:
        inner = _list_reader(*list_of)
        if origin is Annotated and NULL_IS_EMPTY in kind.__metadata__:
            return lambda value, path, faults: inner([] if value is None else value, path, faults)
        return inner
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct_reader(kind)
    return _plain_reader(kind)


def _undescribed(kind: Any) -> Any:
    """The type without the description of its field."""
    if typing.get_origin(kind) is not Annotated:
        return kind
    bare = kind.__origin__
    for meta in kind.__metadata__:
        if meta != Meta(description=meta.description):
            bare = Annotated[bare, meta]
    return bare


def _union_reader(members: tuple[Any, ...]) -> Reader:
    (only,) = (kind for kind in members if kind not in (types.NoneType, UnsetType))
    inner = _reader(only)
    if types.NoneType not in members:
        return inner
    return lambda value, path, faults: None if value is None else inner(value, path, faults)


def _list_of(kind: Any) -> tuple[Any, int | None] | None:
    """The type of a list's items, and how many it may have; None for another type."""
    bare = kind.__origin__ if typing.get_origin(kind) is Annotated else kind
    if typing.get_origin(bare) is not list:
        return None
    metas = kind.__metadata__ if bare is not kind else ()
    most = next((meta.max_length for meta in metas if meta.max_length is not None), None)
    return typing.get_args(bare)[0], most


def _list_reader(item: Any, most: int | None) -> Reader:
    inner = _reader(item)

    def read(value: Any, path: str, faults: list[str]) -> Any:
        if not isinstance(value, list):
            return _refuse(f"Expected an array, got {_json_type(value)}", path, faults)
        if most is not None and len(value) > most:
            return _refuse(_too_many(len(value), most), path, faults)
        items = [inner(each, f"{path}[{n}]", faults) for n, each in enumerate(value)]
        return FAULTY if any(each is FAULTY for each in items) else items

    return read


def _struct_reader(struct: type[Struct]) -> Reader:
    def read(value: Any, path: str, faults: list[str]) -> Any:
        if not isinstance(value, dict):
            return _refuse(f"Expected an object, got {_json_type(value)}", path, faults)
        before = len(faults)
        values = _read_fields(struct, value, f"{path}.", faults, required=True)
        strange = [name for name in value if name not in _fields(struct)]
        if strange and not _ignores_unknown(struct):
            _refuse(f"Unrecognized attribute(s) {quoted(strange)}", path, faults)
        return FAULTY if len(faults) > before else struct(**values)

    return read


def _plain_reader(kind: Any) -> Reader:
    check, understood, choices = _check(kind), _understood(kind), _choices(kind)

    def read(value: Any, path: str, faults: list[str]) -> Any:
        try:
            converted = msgspec.convert(understood(value), kind)
            return check(converted) if check else converted
        except ValueError as error:  # msgspec.ValidationError is a ValueError
            said = reason(str(error), understood(value), choices)
            return _refuse(said.removesuffix("."), path, faults)

    return read


def _choices(kind: Any) -> tuple[Any, ...]:
    """The values of a Literal."""
    bare = _bare(kind)
    return typing.get_args(bare) if typing.get_origin(bare) is typing.Literal else ()


def _check(kind: Any) -> Callable[[Any], Any] | None:
    if typing.get_origin(kind) is not Annotated:
        return None
    for meta in kind.__metadata__:
        if isinstance(meta, Meta) and meta.extra and "check" in meta.extra:
            return typing.cast("Callable[[Any], Any]", meta.extra["check"])
    return None


def _understood(kind: Any) -> Callable[[Any], Any]:
    """The function that turns a text into a number or boolean, if the type is one.

    Neutron accepts such texts, and `openstack network create --mtu 1400` sends one.
    """
    scalar = _bare(kind)
    if scalar is bool:
        return lambda value: BOOLEANS.get(str(value).lower(), value)
    if scalar is int or (
        typing.get_origin(scalar) is typing.Literal
        and all(isinstance(each, int) for each in typing.get_args(scalar))
    ):
        return _number_of
    return lambda value: value


def _number_of(value: Any) -> Any:
    said = isinstance(value, str) and _INTEGER.fullmatch(value)
    return int(value) if said else value


def _bare(kind: Any) -> Any:
    """The type without `None`, `UNSET` and annotations."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        members = [m for m in typing.get_args(kind) if m not in (types.NoneType, UnsetType)]
        return _bare(members[0]) if len(members) == 1 else None
    if typing.get_origin(kind) is Annotated:
        return _bare(kind.__origin__)
    return kind


def _refuse(reason: str, path: str, faults: list[str]) -> Any:
    if len(reason) > REASON_LENGTH_MAX:  # it has a value of the request in it
        reason = reason[:REASON_LENGTH_MAX] + "…"
    faults.append(f"Invalid input for {path}. Reason: {reason}.")
    return FAULTY


def _json_type(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
