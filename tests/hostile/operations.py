"""The operations of the API, from its own OpenAPI document, and bodies that it would take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final

METHODS: Final = ("get", "head", "post", "put", "delete")
PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
MOST_ITEMS: Final = 3
OPTIONAL_SHARE: Final = 0.3

SENSIBLE: Final[Mapping[str, Sequence[Any]]] = {
    "cidr": ("10.0.1.0/24", "10.65.0.0/16", "192.0.2.0/30", "2001:db8:1::/64", "10.9.0.0/28"),
    "ip_address": ("10.0.0.7", "10.0.0.200", "192.0.2.1", "2001:db8:1::7"),
    "gateway_ip": ("10.0.1.1", "10.65.255.254", "2001:db8:1::1"),
    "mac_address": ("fa:16:3e:00:00:01", "fa:16:3e:aa:bb:cc"),
    "ip_version": (4, 4, 6),
    "prefixes": (["10.64.0.0/10"], ["2001:db8::/32"], ["192.0.2.0/24"]),
    "host": ("host-1", "host-2"),
    "binding:host_id": ("host-1", "host-2", ""),
    "device_owner": ("compute:nova", "", "network:dhcp"),
    "action": ("access_as_shared", "access_as_external"),
    "object_type": ("network", "subnetpool", "address_scope"),
    "target_tenant": ("project-a", "project-b", "*"),
    "target_project": ("project-a", "project-b", "*"),
    "tenant_id": ("project-a",),
    "project_id": ("project-a",),
    "network": (0, 5, -1),
    "dns_nameservers": (["10.0.0.2"], ["2001:db8::53"], []),
    "opt_name": ("ntp-server", "bootfile-name", "42", "tag:x,option:y"),
    "start": ("10.0.1.10", "2001:db8:1::10"),
    "end": ("10.0.1.20", "2001:db8:1::20"),
}
"""Values that fit together now and then, by the attribute's name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path with places for ids."""

    method: str
    path: str
    query: tuple[str, ...]
    body: Mapping[str, Any] | None
    """The schema of the body."""

    @property
    def collection(self) -> str:
        """`ports` of `/v2.0/ports/{resource_id}/tags`."""
        return self.path.removeprefix("/v2.0").strip("/").partition("/")[0]


class Document:
    """An OpenAPI document, and the ids of things that are there, by collection."""

    def __init__(self, document: Mapping[str, Any], ids: Mapping[str, Sequence[str]]) -> None:
        self._document = document
        self.ids = ids

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(
            _operation(method, path, item)
            for path, item in self._document["paths"].items()
            for method in METHODS
            if method in item
        )

    def path(self, operation: Operation, chance: Random) -> str:
        """The path with something in each place."""

        def known(found: re.Match[str]) -> str:
            name = found.group(1)
            if name == "resource_id":
                return self.an_id(operation.collection, chance)
            if name.endswith("_id") and name != "project_id":
                return self.an_id(name.removesuffix("_id") + "s", chance)
            places = {"project_id": "project-a", "host": "host-1", "tag": "red", "alias": "quotas"}
            return places.get(name, "x")

        return PLACEHOLDER.sub(known, operation.path)

    def an_id(self, collection: str, chance: Random) -> str:
        # One draw whatever is there: a request's other parts depend on its number alone.
        place = chance.random()
        ids = self.ids.get(collection) or ["00000000-0000-4000-8000-000000000000"]
        return ids[int(place * len(ids))]

    def body(self, operation: Operation, chance: Random) -> Any:
        """A body of the form that the document wants; None if it wants none."""
        return None if operation.body is None else self._sample("", operation.body, chance)

    def _sample(self, name: str, schema: Mapping[str, Any], chance: Random) -> Any:
        if "$ref" in schema:
            named = schema["$ref"].rpartition("/")[2]
            return self._sample(name, self._document["components"]["schemas"][named], chance)
        for several in ("oneOf", "anyOf"):
            if several in schema:
                return self._sample(name, chance.choice(schema[several]), chance)
        if (name.endswith("_id") and schema.get("format") == "uuid") or name == "object_id":
            return self.an_id(name.removesuffix("_id").replace("object", "network") + "s", chance)
        if name in SENSIBLE:
            return chance.choice(SENSIBLE[name])
        if "enum" in schema or "const" in schema:
            return chance.choice(schema.get("enum") or [schema["const"]])
        return self._of_type(name, schema, chance)

    def _of_type(self, name: str, schema: Mapping[str, Any], chance: Random) -> Any:
        match schema.get("type"):
            case "object":
                needed = schema.get("required", ())
                return {
                    inner: self._sample(inner, of, chance)
                    for inner, of in schema.get("properties", {}).items()
                    if inner in needed or chance.random() < OPTIONAL_SHARE
                }
            case "array":
                count = chance.randint(0, MOST_ITEMS)
                return [self._sample(name, schema["items"], chance) for _ in range(count)]
            case "integer" | "number":
                low = schema.get("minimum", 0)
                return chance.randint(low, min(schema.get("maximum", low + 2_000), low + 10**6))
            case "boolean":
                return chance.random() < 0.5
            case "string":
                return f"x{chance.randrange(1_000)}"
        return None


def _operation(method: str, path: str, item: Mapping[str, Any]) -> Operation:
    described = item[method]
    asked = described.get("parameters", ())
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        method.upper(),
        path,
        tuple(one["name"] for one in asked if one["in"] == "query"),
        body.get("schema"),
    )
