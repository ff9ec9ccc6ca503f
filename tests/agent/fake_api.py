"""A double of the agent's client: what the API has, what was reported, and when it is away."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from ipam.client import Client, News
from ipam.protocol.dns_names import CURSOR_HEADER

PATIENCE_SECONDS = 60.0
AGENT = "a0000000-0000-4000-8000-000000000000"


class FakeApi:
    """Stands where a Client stands. Safe to use while the agent's threads do."""

    def __init__(self) -> None:
        self.networks: dict[str, Any] = {}
        """What `dhcp-state` says in full, by id; any JSON."""
        self.numbers: dict[int, str] = {}
        """The ids of networks by the number that a wake says."""
        self.digests: Any = None
        """What it says in short, where that does not follow from the networks."""
        self.requests: list[tuple[str, Any]] = []
        """Each path, without what all have in common, with the body or the ids asked for."""
        self.refuse: Callable[[str, Any], Exception | None] = lambda _path, _body: None
        """The error that answers a request."""
        self.names: Callable[[int], Any] | None = None
        """What changed of names since a cursor; None if this API knows no names."""
        self.names_cursor = ""
        """What each answer has in its header; nothing from an older API."""
        self.all_names: Callable[[Mapping[str, Any]], Any] = lambda _query: {
            "names": [],
            "following": None,
        }
        """All names of the networks of a query."""
        self._changed = threading.Condition()

    @property
    def client(self) -> Client:
        return cast("Client", self)

    def bodies(self, path: str) -> list[Any]:
        """What was said, or asked for, at this path."""
        with self._changed:
            return [body for asked, body in self.requests if asked == path]

    def await_bodies(self, path: str, count: int) -> list[Any]:
        """As `bodies`, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len([1 for asked, _body in self.requests if asked == path]) >= count,
                PATIENCE_SECONDS,
            ), f"no {count} requests to {path} in {self.requests}"
        return self.bodies(path)

    def get_if_changed(
        self, path: str, etag: str | None, params: Mapping[str, Any] | None = None
    ) -> News:
        self._take(path, None)
        short = self.digests
        if short is None:
            rows = self.networks.values()
            short = {"networks": [{"id": row["id"], "digest": row["digest"]} for row in rows]}
        if self.names is not None and params is not None:
            short = short | {"names": self.names(int(params["names_since"]))}
        new = hashlib.sha256(json.dumps(short).encode()).hexdigest()
        headers = {CURSOR_HEADER: self.names_cursor} if self.names_cursor else {}
        return News(new, None if new == etag else short, headers)

    def get_bytes(self, path: str, params: Mapping[str, Any]) -> bytes:
        name, asked = next(iter(params.items()))
        self._take(f"{path}?{name}", list(asked))
        wanted = asked
        if name == "changed":
            wanted = [self.numbers[one] for one in asked if self.numbers.get(one) in self.networks]
        answer: dict[str, Any] = {"networks": [self.networks[key] for key in wanted]}
        return json.dumps(answer).encode()

    def get(self, path: str, params: Mapping[str, Any]) -> Any:
        if self.names is not None and "names_since" in params:
            self._take(f"{path}?names_of&names_since", dict(params))
            return json.loads(
                msgspec.json.encode({"names": self.names(int(params["names_since"]))})
            )
        self._take(f"{path}?names_of", dict(params))
        return self.all_names(params)

    def post(self, path: str, json: Any) -> Any:
        self._take(path, json)
        if path == "/v2.0/lease-events":
            return _recorded(json["lease_events"])
        return {"agent": {"id": AGENT}} if path == "/v2.0/agents" else {}

    def _take(self, path: str, body: Any) -> None:
        with self._changed:
            short = path.removeprefix(f"/v2.0/agents/{AGENT}/").removeprefix("/v2.0/")
            self.requests.append((short, body))
            self._changed.notify_all()
            error = self.refuse(short, body)
        if error is not None:
            raise error


def _recorded(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer that names this batch."""
    last = events[-1]
    place = {name: last[name] for name in ("epoch", "sequence") if last[name] is not None}
    return {"applied": len(events), "duplicates": 0, **place}
