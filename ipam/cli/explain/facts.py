"""What is known of a machine's way to its address, and what each link of the chain says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the service says. None where the caller may not ask, or was not asked."""

    subject: str
    """What the user typed."""
    now: datetime
    matches: Sequence[Record] = ()
    """The ports that the subject means."""
    network: Record | None = None
    subnets: Sequence[Record] = ()
    """Those in which the port has addresses."""
    agents: Sequence[Record] | None = None
    serving_hosts: Sequence[str] | None = None
    """Hosts whose agents serve the network's unbound ports."""
    leases: Sequence[Record] = ()
    """Those of the port's addresses, of its MAC address, or of the subject."""
    events: Sequence[Record] = ()
    """What happened to leases of the MAC address, the newest first."""
    refusals: Sequence[Record] = ()
    """Where the MAC address asks in vain, on any network."""
    probe: Record | None = None
    """The answered question what the machine would get."""
    network_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """What mends it; the command is empty where none does."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One link's word. `code` and `step` are for programs and stay; `text` is for people.

    `ok` None: it was not or cannot be looked at. A note is told, and breaks nothing.
    """

    step: str
    code: str
    ok: bool | None
    text: str
    source: str = "API"
    at: str | None = None
    """When it was so, as an instant of the API."""
    fix: Fix | None = None
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain up to its first broken link, or all of it."""

    subject: str
    verdict: str
    """`fine`, `broken` or `unknown`."""
    facts: Sequence[Fact]

    @property
    def cause(self) -> Fact | None:
        """The first broken link."""
        return next((one for one in self.facts if one.ok is False), None)

    def as_record(self) -> dict[str, Any]:
        """The tree for programs."""
        cause = self.cause
        fixes = [one.fix for one in self.facts if one.ok is False and one.fix]
        return {
            "subject": self.subject,
            "verdict": self.verdict,
            "cause": {"code": cause.code, "step": cause.step} if cause else None,
            "facts": [
                {
                    "step": one.step,
                    "code": one.code,
                    "ok": one.ok,
                    "at": one.at,
                    "source": one.source,
                    "text": one.text,
                }
                for one in self.facts
            ],
            "fixes": [{"text": fix.text, "command": fix.command} for fix in fixes],
        }
