"""Questions about what a network's resolver on one host answers, and the agent's answers."""

from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta, Struct

from ipam.protocol.wire import read_parsed
from ipam.values import Uuid, printable

MOST_QUESTIONS: Final = 100
MOST_RECORDS: Final = 100
"""So many addresses or names of one answer are told."""

Question = Annotated[str, Meta(min_length=1, max_length=255, extra={"check": printable})]


class AskedLookup(Struct, frozen=True):
    """A question that an agent has not answered yet."""

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    network_id: Annotated[Uuid, Meta(description="The network whose resolver is asked.")]
    questions: Annotated[list[str], Meta(description="Names, and addresses for their names.")]


class ResolverAnswer(Struct, frozen=True):
    """What the resolver said to one question."""

    ignores_unknown: ClassVar = True

    question: Annotated[str, Meta(max_length=255, description="The name or address.")]
    code: Annotated[
        str, Meta(max_length=32, description="NOERROR, NXDOMAIN, REFUSED or another code.")
    ]
    records: Annotated[
        list[str],
        Meta(max_length=MOST_RECORDS, description="A name's addresses, or an address's names."),
    ] = []


class LookupAnswer(Struct, frozen=True, kw_only=True):
    """An agent's answer to a whole question."""

    ignores_unknown: ClassVar = True

    id: Annotated[Uuid, Meta(description="The id of the question.")]
    answers: Annotated[
        list[ResolverAnswer],
        Meta(max_length=MOST_QUESTIONS, description="What the resolver said, in order."),
    ] = []
    trouble: Annotated[
        str, Meta(max_length=2000, description="Why it could not be asked; empty if it was.")
    ] = ""


class _Asked(Struct):
    dns_lookups: list[AskedLookup] = []


def read_lookups(answer: Any) -> list[AskedLookup]:
    """The questions in a `dhcp-state` answer (parsed JSON). Raises Malformed."""
    return read_parsed(_Asked, answer, "dhcp-state").dns_lookups
