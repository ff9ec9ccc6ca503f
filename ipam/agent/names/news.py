"""Asks the API for names: all of a network's when it comes, and then what changes.

Changes come with the poll. All are asked for again from time to time, in case one was lost.
"""

import math
import random
import time
from collections.abc import Callable, Collection

from ipam.agent.names.names import Names
from ipam.chunks import chunks
from ipam.client import Client
from ipam.protocol.dns_names import ChangedNames, read_all, read_changes

NETWORKS_PER_REQUEST = 50
AGAIN_SECONDS = 3600.0
AFTER_FAILURE_SECONDS = 60.0
"""A disk that refuses is not written to with each poll."""


class NameNews:
    """What is known of the names of the networks to serve. Not thread-safe."""

    def __init__(
        self, client: Client, names: Names, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.cursor = 0
        """What the API is to be asked with for changes; 0 before all that it says counts."""
        self._client = client
        self._names = names
        self._monotonic = monotonic
        self._missing: set[str] = set()
        self._known: set[str] = set()
        self._may_ask_at = -math.inf
        self._again_at = math.inf

    def take(self, changes: ChangedNames | None, network_ids: Collection[str]) -> None:
        """Take in an answer of the API, which describes these networks. An older API says None."""
        self._known.intersection_update(network_ids)
        self._missing = set(network_ids) - self._known
        if changes is None:
            self._missing.clear()
            return
        self.cursor = changes.cursor
        if not changes.is_complete or not self._names.change(changes.ports):
            self._begin_again()

    def ask_early(self, path: str, network_ids: Collection[str]) -> None:
        """Ask at this path what changed in these networks. The next `take` has it all the same.

        Raises IpamError if the API does not answer.
        """
        if not self.cursor:
            return
        query = {"names_of": sorted(network_ids), "names_since": self.cursor}
        changes = read_changes(self._client.get(path, query))
        if changes is not None and changes.is_complete and changes.ports:
            self._names.change(changes.ports)

    def advance(self, cursor: str | None) -> None:
        """All up to this cursor has been told. An older API gives none."""
        if cursor and cursor.isascii() and cursor.isdecimal():
            self.cursor = max(self.cursor, int(cursor))

    def complete(self, path: str) -> None:
        """Ask at this path for all names of the networks of which they are not known.

        Raises IpamError if the API does not answer; then they are asked for with the next poll.
        """
        now = self._monotonic()
        if now >= self._again_at:
            self._begin_again()
        if not self._missing or now < self._may_ask_at:
            return
        for some in chunks(sorted(self._missing), NETWORKS_PER_REQUEST):
            if not self._ask_all(path, some):
                self._may_ask_at = now + AFTER_FAILURE_SECONDS
                return
            self._known.update(some)
            self._missing.difference_update(some)
        self._again_at = now + AGAIN_SECONDS * random.uniform(0.75, 1.25)  # noqa: S311  # no secret

    def _begin_again(self) -> None:
        self._missing |= self._known
        self._known.clear()
        self._again_at = math.inf

    def _ask_all(self, path: str, network_ids: Collection[str]) -> bool:
        """Take in all names of these networks. False if the disk refuses them."""
        ids = list(network_ids)
        taken = self._names.begin_all(ids)
        after: str | None = ""
        while taken and after is not None:
            query = {"names_of": ids} | ({"after": after} if after else {})
            part = read_all(self._client.get(path, query))
            taken = self._names.change(part.names)
            after = part.following
        return taken and self._names.end_all(ids)
