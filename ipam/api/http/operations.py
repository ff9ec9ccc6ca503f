"""Descriptions of what routes offer, for the access check and the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from msgspec import Struct

from ipam.store.engine.listing import Collection

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""
REHEARSED: Final = "ipam.rehearsed"
"""In the environment of a request of a dry run, of which nothing stays."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. Bodies are mappings of wire name to type, `{"port": PortView}`."""

    summary: str
    status: int = 200
    request: tuple[Mapping[str, Any], ...] = ()
    """The bodies it takes, of which a request has one; empty for no body."""
    optional: tuple[str, ...] = ()
    """The names in these bodies that may be left out."""
    response: Mapping[str, Any] | None = None
    response_forms: tuple[Mapping[str, Any], ...] = ()
    """Further forms of its answer."""
    text: str = ""
    """The media type of an answer that is not JSON."""
    also: tuple[int, ...] = ()
    """Further statuses of its answers. Others follow from its other fields."""
    listed: tuple[Collection, type[Struct]] | None = None
    """For a list: where its query parameters come from."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Further query parameters, and what each does."""
    rule: str = ""
    """The rule of `ipam.identity.default_rules` that allows it. Without one it is for admins."""
    row: Any = None
    """The Kind of the `{resource_id}` in the path, if the rule applies to that row."""
    project: str = ""
    """The path's parameter that names a project, if the rule applies to that project."""
    checked_inside: bool = False
    """The route itself applies the rule, with `req.context.access`, to the rows it reads.

    If it answers without that, the answer becomes an internal error.
    """
    of_host: bool = False
    """The route itself applies the rule to the host that the request is about.

    Callers to whom the rule gives nothing are refused before. As with `checked_inside`, an answer
    without it becomes an internal error.
    """
    service: bool = False
    """Whether the role `service` may call it, if it has no rule."""
    in_recovery: bool = False
    """Whether it may change something while a restored service hears from its agents."""
    changes_nothing: bool = False
    """Whether it is none of the changes that the audit log is about, though it is no GET."""
    public: bool = False
    """Whether it needs no authentication."""


class Route(Protocol):
    """A Falcon resource that describes its methods."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations by method, such as `GET`."""
