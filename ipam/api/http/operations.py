"""What a route offers, as values: the access check and the OpenAPI document are made of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec import Struct

from ipam.store.engine.listing import Collection


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. Bodies are mappings of wire name to type, `{"port": PortView}`."""

    summary: str
    status: int = 200
    request: tuple[Mapping[str, Any], ...] = ()
    """The bodies it takes, any one of them; empty for none."""
    response: Mapping[str, Any] | None = None
    response_forms: tuple[Mapping[str, Any], ...] = ()
    """Further forms of its answer."""
    text: str = ""
    """The media type of an answer that is not JSON."""
    also: tuple[int, ...] = ()
    """Statuses that it answers beside those that follow from what it takes."""
    listed: tuple[Collection, type[Struct]] | None = None
    """For a list: where its query parameters come from."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Further query parameters, with what each does."""
    rule: str = ""
    """The rule of `ipam.identity.default_rules` that allows it; without one it is for admins."""
    row: Any = None
    """The Kind of what `{resource_id}` names, where the rule is to hold for that row."""
    project: str = ""
    """The path's parameter that names a project, where the rule is to hold for that project."""
    checked_inside: bool = False
    """The route itself applies the rule, with `req.context.access`, to what it reads.

    An answer that it gives before becomes an internal error.
    """
    service: bool = False
    """Whether the role `service` may call it, where no rule is named."""
    public: bool = False
    """Whether it needs no authentication."""


class Route(Protocol):
    """A Falcon resource that says what its methods are."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """By method, `GET` and so on."""
