"""What an attacker knows of the service, and how it writes a request to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.hostile.operations import Document, Operation
from tests.hostile.requests import JSON, Header, written

PERSONAS: Final = (*["member"] * 6, *["admin"] * 4, "other", "reader", "agent", "nova", "nobody")


@dataclass(frozen=True, slots=True)
class Target:
    """What the attacker knows of the service."""

    document: Document
    authorizations: Mapping[str, str]
    """The Authorization header of each persona."""

    def signed(self, persona: str) -> list[Header]:
        known = self.authorizations.get(persona)
        return [("Authorization", known)] if known else []

    def an_operation(self, chance: Random, *, with_body: bool = False) -> Operation:
        """Any operation, or any that takes a body."""
        operations = self.document.operations
        if with_body:
            operations = tuple(one for one in operations if one.body is not None)
        return chance.choice(operations)

    def written(
        self,
        operation: Operation,
        content: bytes,
        chance: Random,
        more: Sequence[Header] = (),
    ) -> bytes:
        """A request for this operation with that body, signed by somebody."""
        headers = [*self.signed(chance.choice(PERSONAS)), *more]
        if content:
            headers.append(JSON)
        return written(operation.method, self.document.path(operation, chance), headers, content)
