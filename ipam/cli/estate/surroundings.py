"""Decides how the text says what is around networks: pools, scopes, sharing and quotas. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ipam.cli.estate.text_form import ALWAYS, Form, Record, told

ADDRESS_SCOPE: Final = Form(
    "address_scope",
    "name",
    {
        "name": ALWAYS,
        "ip_version": ALWAYS,
        "description": "",
        "project_id": ALWAYS,
        "shared": False,
    },
    frozenset({"ip_version", "project_id"}),
)
SUBNET_POOL: Final = Form(
    "subnet_pool",
    "name",
    {
        "name": ALWAYS,
        "description": "",
        "project_id": ALWAYS,
        "prefixes": ALWAYS,
        "min_prefixlen": ALWAYS,
        "default_prefixlen": ALWAYS,
        "max_prefixlen": ALWAYS,
        "default_quota": None,
        "shared": False,
        "is_default": False,
        "address_scope": None,
        "tags": [],
    },
    frozenset({"project_id", "shared"}),
)
POLICY_KEY: Final = ("object_type", "object", "action", "target_project")
POLICY_FIELDS: Final = (*POLICY_KEY, "project_id")
FLAGS: Final = {"access_as_shared": "shared", "access_as_external": "router:external"}
"""What says of an object that there is a policy for everybody."""
LIMITS: Final = ("network", "subnet", "port", "subnetpool", "rbac_policy", "fixed_ip")
EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service has around its networks, as the API shows it."""

    scopes: Sequence[Record] = ()
    pools: Sequence[Record] = ()
    policies: Sequence[Record] = ()
    quotas: Sequence[Record] = ()
    """Those of projects that have their own."""
    default_quota: Record = field(default_factory=dict)

    def names(self, networks: Iterable[Record]) -> dict[tuple[str, str], Record]:
        """Every object that can be shared, by its type and its id."""
        kinds = {"network": networks, "subnetpool": self.pools, "address_scope": self.scopes}
        return {(kind, one["id"]): one for kind, found in kinds.items() for one in found}


def sections(around: Surroundings, networks: Sequence[Record]) -> dict[str, list[Any]]:
    """The parts of the text; those that are empty are not there."""
    named = around.names(networks)
    parts = {
        "quotas": [of_quota(one, around.default_quota) for one in around.quotas],
        "address_scopes": [told(ADDRESS_SCOPE, one) for one in around.scopes],
        "subnet_pools": [of_pool(one, around.scopes) for one in around.pools],
        "rbac_policies": list(_policies(around.policies, named)),
    }
    return {name: sorted(part, key=_order) for name, part in parts.items() if part}


def of_pool(pool: Record, scopes: Iterable[Record]) -> dict[str, Any]:
    """A subnet pool."""
    names = {one["id"]: one["name"] for one in scopes}
    lengths = {name: int(pool[name]) for name in pool if name.endswith("_prefixlen")}
    scope = {"address_scope": names.get(pool["address_scope_id"])}
    return told(SUBNET_POOL, {**pool, **lengths, **scope})


def of_quota(quota: Record, default: Record) -> dict[str, Any]:
    """A project's limits that are not as by default."""
    own = {name: quota[name] for name in LIMITS if quota[name] != default.get(name)}
    return {"project_id": quota["project_id"], **own}


def policy_faults(entries: Any) -> Iterator[str]:
    """What is wrong with the list of policies."""
    if not isinstance(entries, list):
        yield "rbac_policies is no list."
        return
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping) or not all(entry.get(name) for name in POLICY_KEY):
            yield f"rbac_policy {number} has not all of {', '.join(POLICY_KEY)}."
        elif strange := sorted(map(str, set(entry) - set(POLICY_FIELDS))):
            yield (
                f"rbac_policy {number} has no {', '.join(strange)}. It may have:"
                f" {', '.join(POLICY_FIELDS)}."
            )
        elif no_texts := [name for name in POLICY_KEY if not isinstance(entry[name], str)]:
            yield f"rbac_policy {number}: {', '.join(no_texts)} is no text."


def quota_faults(entries: Any) -> Iterator[str]:
    """What is wrong with the list of quotas."""
    if not isinstance(entries, list):
        yield "quotas is no list."
        return
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("project_id"), str):
            yield f"quota {number} has no project_id."
            continue
        if strange := sorted(map(str, set(entry) - {"project_id", *LIMITS})):
            yield (
                f"quota {entry['project_id']} has no {', '.join(strange)}. It may have:"
                f" project_id, {', '.join(LIMITS)}."
            )


def new_policies(
    entries: Iterable[Record], around: Surroundings, networks: Iterable[Record]
) -> list[Record]:
    """The policies that are not there."""
    present = {_key(one) for one in _policies(around.policies, around.names(networks), every=True)}
    return [one for one in entries if _key(one) not in present]


def changed_quotas(
    entries: Iterable[Record], around: Surroundings
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Project and limits that are others than the entries say."""
    by_project = {one["project_id"]: one for one in around.quotas}
    for entry in entries:
        present = by_project.get(entry["project_id"], around.default_quota)
        limits = {
            name: entry[name]
            for name in LIMITS
            if name in entry and entry[name] != present.get(name)
        }
        if limits:
            yield entry["project_id"], limits


def body_of_pool(entry: Record, id_of: Callable[[str, str], str | None]) -> dict[str, Any]:
    """A pool's entry in the API's form. `id_of` gives ids by kind and name."""
    body = dict(entry)
    if "address_scope" in body:
        name = body.pop("address_scope")
        scope = id_of("address_scope", name) if name else None
        if scope or not name:
            body["address_scope_id"] = scope
    return body


def _policies(
    policies: Iterable[Record], named: Mapping[tuple[str, str], Record], *, every: bool = False
) -> Iterator[dict[str, Any]]:
    """Those whose object is known. What an attribute of the object says is left out."""
    for one in policies:
        found = named.get((one["object_type"], one["object_id"]))
        if found is None:
            continue
        is_said = one["target_tenant"] == EVERYBODY and found.get(FLAGS[one["action"]])
        if every or not is_said:
            yield {
                "object_type": one["object_type"],
                "object": found["name"],
                "action": one["action"],
                "target_project": one["target_tenant"],
                "project_id": one["project_id"],
            }


def _key(policy: Record) -> tuple[str, ...]:
    return tuple(policy[name] for name in POLICY_KEY)


def _order(entry: Record) -> list[str]:
    return [str(entry.get(name, "")) for name in ("name", *POLICY_FIELDS)]
