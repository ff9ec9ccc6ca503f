"""Decides what happens to an event after an attempt to send it, and when to try next. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ipam.backoff import Backoff
from ipam.errors import ServiceUnavailable
from ipam.rules.nova_events import DELETED, UNPLUGGED, ComputeEvent
from ipam.store.compute_events import Claimed

BATCH_EVENTS: Final = 100
"""About 20 KB. Nova reads the servers of a batch from its databases before it answers."""

FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_WAIT_FOR_HOST_SECONDS: Final = 10.0
ATTEMPTS_WHILE_NOVA_WAITS: Final = 30
"""About 270 s, near Nova's default vif_plugging_timeout. A server that has no host for longer is
probably shelved, and reads all of its ports when it is unshelved."""
LONGEST_WAIT_WHILE_SHELVED_SECONDS: Final = 600.0
LONGEST_RETRY_SECONDS: Final = 30.0
GIVE_UP_SECONDS: Final = 86_400
"""An event older than a day is given up when it fails again, because nothing waits for it."""

REFUSALS_OF_ONE: Final = 2
"""If so many single events in a row fail, they may be at fault. After one more, Nova is."""


class RequestRefused(ServiceUnavailable):
    """Nova answers, but refuses a whole request, perhaps because of one event in it."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nova has accepted the event, or does not need it."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Nova will never accept the event."""

    why: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the event again."""

    in_seconds: float
    why: str


Outcome: TypeAlias = Done | Drop | Retry


def grouped(claimed: Sequence[Claimed]) -> dict[ComputeEvent, list[Claimed]]:
    """The events to send, each once, with the outbox rows that ask for it."""
    groups: dict[ComputeEvent, list[Claimed]] = {}
    for each in claimed:
        groups.setdefault(each.event, []).append(each)
    return groups


def after_answer(claimed: Claimed, code: int, *, now_us: int) -> Outcome:
    """The outcome of an event, by the code that Nova gave it."""
    event = claimed.event
    match code:
        case 200:
            return Done()
        case 404 if event.name in (UNPLUGGED, DELETED):
            return Done()  # the server and its interfaces are gone
        case 404:
            return Drop(f"Nova knows no server {event.server_id}")
        case 400:
            return Drop("Nova finds the event malformed")
        case 422:
            why = "the server has no host yet"
            longest = (
                LONGEST_WAIT_FOR_HOST_SECONDS
                if claimed.attempts <= ATTEMPTS_WHILE_NOVA_WAITS
                else LONGEST_WAIT_WHILE_SHELVED_SECONDS
            )
        case _:
            why, longest = f"Nova gives it the code {code}", LONGEST_RETRY_SECONDS
    return _again(claimed, now_us, _delay(claimed.attempts, longest), why)


def after_failure(
    claimed: Claimed, error: ServiceUnavailable, pace: "Pace", *, now_us: int
) -> Outcome:
    """The outcome of an event whose whole request failed. `pace` is the pace after the failure."""
    if not isinstance(error, RequestRefused):
        return _again(claimed, now_us, pace.wait_seconds, str(error))
    if pace.split:  # one of them may be at fault; the next attempts find out which
        return Retry(0, claimed.last_error)
    return _again(claimed, now_us, _delay(claimed.attempts, LONGEST_RETRY_SECONDS), str(error))


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is sent at once, and after which wait."""

    failures: int = 0
    """Requests in a row that failed as a whole."""
    one_by_one: int = 0
    """How many events are still to be sent singly, because one of them may be at fault."""
    wait_seconds: float = 0.0
    split: bool = False
    """Whether the events of the failed request are sent again at once, singly."""

    @property
    def limit(self) -> int:
        """The size of the next batch. While Nova fails, it is a single event."""
        return 1 if self.failures or self.one_by_one else BATCH_EVENTS

    def heard(self) -> "Pace":
        """The pace after Nova answered for each event."""
        return Pace(one_by_one=max(self.one_by_one - 1, 0))

    def failed(self, error: ServiceUnavailable, events: int) -> "Pace":
        """The pace after a request with so many events has failed as a whole."""
        failures = self.failures + 1
        if not isinstance(error, RequestRefused):
            return Pace(failures, self.one_by_one, _delay(failures, LONGEST_RETRY_SECONDS))
        if events > 1:
            return replace(self, failures=failures, one_by_one=events, wait_seconds=0, split=True)
        in_earnest = failures - REFUSALS_OF_ONE
        wait = _delay(in_earnest, LONGEST_RETRY_SECONDS) if in_earnest > 0 else 0.0
        return Pace(failures, max(self.one_by_one - 1, 0), wait)


def failure(status: int, url: str) -> ServiceUnavailable:
    """The error for an answer to the whole request. Its message says what to do."""
    match status:
        case 401:
            return ServiceUnavailable(
                "Nova does not accept the token of the user in [nova] (HTTP 401): compare its"
                " auth_url with Nova's own [keystone_authtoken]."
            )
        case 403:
            return ServiceUnavailable(
                "Nova does not take events from the user in [nova] (HTTP 403): it needs the role"
                " service, and with Nova before 2026.1 the role admin, in its project."
            )
        case 404:
            return ServiceUnavailable(
                f"There is no Nova at {url} (HTTP 404): set the endpoint of `compute` in"
                " Keystone's catalog, or [nova] endpoint_override, to Nova's URL with /v2.1."
            )
        case 429 | 502 | 503 | 504:
            return ServiceUnavailable(
                f"Nova is not ready (HTTP {status}): see whether nova-api runs at {url}."
            )
        case _:
            return RequestRefused(
                f"Nova answers {url} with HTTP {status}: its log (nova-api) says why."
            )


def _again(claimed: Claimed, now_us: int, in_seconds: float, why: str) -> Outcome:
    if now_us - claimed.created_at_us > GIVE_UP_SECONDS * 1_000_000:
        return Drop(f"given up after a day: {why}")
    return Retry(in_seconds, why)


def _delay(attempts: int, longest: float) -> float:
    return Backoff(FIRST_RETRY_SECONDS, longest).seconds(attempts)
