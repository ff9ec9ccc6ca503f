"""Who sees what, and who may change it: `ipam.identity.default_rules`, applied to rows.

For reading, the rule becomes a part of the statement (`viewer`), and attributes that the caller
may not see are removed (`hide`). Before a change, one statement reads the relations of the row to
the caller. It is not needed if the rules let the caller change any row, as for admins and, with
ports, for Nova. A row that the caller may not see is refused as if it did not exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NoReturn

from msgspec import NODEFAULT, UNSET, Struct
from msgspec.structs import fields

from ipam.api.http.attributes import python_names, read_one
from ipam.api.http.kind import Kind, Parent
from ipam.api.http.refusal_log import log_hidden
from ipam.api.http.service import FrameworkService
from ipam.errors import HTTPBadRequest, PolicyNotAuthorized
from ipam.identity.caller import Caller
from ipam.identity.policy import Grant
from ipam.store.engine import reading
from ipam.store.engine.listing import Collection, Viewer
from ipam.values import is_uuid

PROJECT: Final = ("project_id", "tenant_id")
OTHER_PROJECT: Final = "create_for_other_project"


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may see and do."""

    service: FrameworkService
    caller: Caller
    applied: set[str] = field(default_factory=set)
    """The rules that were applied so far, by `viewer` and by the `require_…` methods."""

    def viewer(self, kind: Kind) -> Viewer | None:
        """Which rows of this kind the caller sees; None means every row."""
        rule = f"get_{kind.name}"
        self.applied.add(rule)
        grant = self._grant(rule)
        return None if grant.everything else Viewer(self.caller.project_id, grant.relations)

    def hide(self, kind: Kind, views: Sequence[Any]) -> None:
        """Remove the attributes that the caller may not see from the views."""
        for name in self._hidden(kind).values():
            for view in views:
                setattr(view, name, UNSET)
        if kind.redact is not None:
            kind.redact(views, self)

    def allows(self, rule: str) -> bool:
        """Whether the rule gives everything to the caller."""
        return self._grant(rule).everything

    def hidden(self, name: str) -> list[str]:
        """The attributes of the kind of this name that are hidden from the caller."""
        rule = f"get_{name}"
        attributes = self.service.policy.attributes(rule)
        return [one for one in attributes if not self.allows(f"{rule}:{one}")]

    def require_visible(self, kind: Kind, names: Iterable[str]) -> None:
        """Raise PolicyNotAuthorized if a filter or sort key would reveal a hidden attribute."""
        hidden = self._hidden(kind)
        for name in names:
            if name in hidden:
                refuse(f"get_{kind.name}:{name}")

    def require_change(self, kind: Kind, resource_id: str, rule: str, body: Any = None) -> None:
        """Refuse unless the rule, and the rules of the body's attributes, allow it for this row.

        Raises the kind's `not_found` if the caller may not see the row.
        """
        self.applied.add(rule)
        if not is_uuid(resource_id):
            raise kind.missing(resource_id)
        grants = self._grants([rule, *self._attribute_rules(kind, rule, body)])
        if all(grant.everything for grant in grants.values()):
            return
        found = self._relations(kind.rows, [resource_id])
        if resource_id not in found:
            raise kind.missing(resource_id)
        if not self._grant(f"get_{kind.name}").covers(found[resource_id]):
            self._log_hidden(kind.name, resource_id)
            raise kind.missing(resource_id)
        _require(grants, found[resource_id])

    def require_new(self, kind: Kind, struct: type[Struct], bodies: Sequence[Any]) -> None:
        """Refuse unless the rules allow the caller to create these bodies.

        Raises the parent's `not_found` for a parent that the caller may not see, and
        HTTPBadRequest for another project as the owner. Other faults of a body are found where it
        is read.
        """
        self.applied.add(f"create_{kind.name}")
        asked = [self._grants(self._rules_of_new(kind, struct, body)) for body in bodies]
        if all(grant.everything for grants in asked for grant in grants.values()):
            return
        parents = _parent_ids(kind.parent, bodies)
        relations = self._parent_relations(kind.parent, parents)
        for parent_id, grants in zip(parents, asked, strict=True):
            _require(grants, {"owner", *relations.get(parent_id, ())})

    def allows_host(self, rule: str, host: str) -> bool:
        """Whether the rule allows it for this host: for every host, or for the caller's own."""
        self.applied.add(rule)
        grant = self._grant(rule)
        return grant.covers({"own_host"} if host and host == self.caller.host else ())

    def require_host(self, rule: str, host: str) -> None:
        """Refuse unless the rule allows the caller what it says of this host."""
        if not self.allows_host(rule, host):
            own = (
                f": the caller is the agent of {self.caller.host!r}." if self.caller.host else "."
            )
            message = f"rule:{rule} is disallowed by policy for host {host!r}{own}"
            raise PolicyNotAuthorized(message)

    def explain_missing(self, kind: Kind, resource_id: str) -> None:
        """Log it if the row that the caller did not find exists and is only hidden."""
        if self._grant(f"get_{kind.name}").everything or not is_uuid(resource_id):
            return
        if self._relations(kind.rows, [resource_id]):
            self._log_hidden(kind.name, resource_id)

    def _grant(self, rule: str) -> Grant:
        return self.service.policy.grant(self.caller, rule)

    def _grants(self, rules: Iterable[str]) -> dict[str, Grant]:
        return {rule: self._grant(rule) for rule in rules}

    def _hidden(self, kind: Kind) -> Mapping[str, str]:
        """The attributes of this kind that the caller may not see: wire name to Python name."""
        names = python_names(kind.view)
        return {name: names[name] for name in self.hidden(kind.name) if name in names}

    def _attribute_rules(
        self, kind: Kind, rule: str, body: Any, new: type[Struct] | None = None
    ) -> list[str]:
        """The rules of the attributes that the body gives, whatever their values are.

        In a new item a value that equals the default needs no rule, as in Neutron.
        """
        if not isinstance(body, dict):
            return []
        return [
            f"{rule}:{attribute}"
            for attribute in self.service.policy.attributes(rule)
            if any(map(kind.guards.get(attribute, _any), _values(body, attribute)))
            and not (new is not None and _is_default(new, attribute, body.get(attribute)))
        ]

    def _rules_of_new(self, kind: Kind, struct: type[Struct], body: Any) -> list[str]:
        """The rules that creating this body has to pass."""
        rule = f"create_{kind.name}"
        if not isinstance(body, dict):
            return [rule]
        rules = [rule, *self._attribute_rules(kind, rule, body, struct)]
        own = self.caller.project_id
        is_for_other = any(body.get(name, own) != own for name in PROJECT)
        return [OTHER_PROJECT, *rules] if is_for_other else rules

    def _relations(
        self, collection: Collection, ids: Sequence[str]
    ) -> Mapping[str, frozenset[str]]:
        project = self.caller.project_id
        return self.service.database.read(
            lambda tx: reading.relations(tx, collection, ids, project)
        )

    def _parent_relations(
        self, parent: Parent | None, ids: Sequence[str]
    ) -> Mapping[str, set[str]]:
        """The relations of each parent of new items to the caller, by its id; "" is no parent."""
        named = sorted(set(ids) - {""})
        if parent is None or not named:
            return {}
        found = self._relations(parent.kind.rows, named)
        visible = self._grant(f"get_{parent.kind.name}")
        for parent_id in named:
            if parent_id not in found or not visible.covers(found[parent_id]):
                if parent_id in found:
                    self._log_hidden(parent.kind.name, parent_id)
                raise parent.kind.missing(parent_id)
        return {
            parent_id: {parent.relation if way == "owner" else way for way in ways}
            for parent_id, ways in found.items()
        }

    def _log_hidden(self, name: str, resource_id: str) -> None:
        what = f"{name} {resource_id}"
        log_hidden(self.service.hidden_lines, self.caller, what, f"get_{name}")


def refuse(rule: str) -> NoReturn:
    """Raise PolicyNotAuthorized: the caller may see the resource, but not do this."""
    raise PolicyNotAuthorized(f"rule:{rule} is disallowed by policy.")


def _require(grants: Mapping[str, Grant], ways: Iterable[str]) -> None:
    for rule, grant in grants.items():
        if grant.covers(ways):
            continue
        if rule == OTHER_PROJECT:  # Neutron answers 400 here, not 403
            raise HTTPBadRequest(
                "Specifying 'project_id' or 'tenant_id' other than authenticated project in"
                " request requires admin privileges."
            )
        refuse(rule)


def _any(_value: Any) -> bool:
    return True


def _values(body: Mapping[str, Any], attribute: str) -> list[Any]:
    """The values of an attribute in a body. `fixed_ips:ip_address` has one in each entry."""
    if attribute in body:
        return [body[attribute]]
    outer, _, inner = attribute.rpartition(":")
    entries = body.get(outer)
    if not isinstance(entries, list):
        return []
    return [each[inner] for each in entries if isinstance(each, dict) and inner in each]


def _parent_ids(parent: Parent | None, bodies: Sequence[Any]) -> list[str]:
    """The id of the parent in each body; "" if there is none or it is no id."""
    if parent is None:
        return [""] * len(bodies)
    named = [body.get(parent.attribute) if isinstance(body, dict) else None for body in bodies]
    return [each if isinstance(each, str) and is_uuid(each) else "" for each in named]


def _is_default(struct: type[Struct], name: str, value: Any) -> bool:
    """Whether the value means what leaving the attribute out means, however it is written."""
    default = _defaults(struct).get(name)
    if default is None:
        return False
    try:
        return bool(read_one(struct, name, value) == default)
    except ValueError:  # its faults are told where the body is read
        return False


@cache
def _defaults(struct: type[Struct]) -> Mapping[str, Any]:
    """The defaults that are values. Null and UNSET stand for what was not given."""
    return {
        info.encode_name: info.default
        for info in fields(struct)
        if info.default not in (NODEFAULT, UNSET, None)
    }
