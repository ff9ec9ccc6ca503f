"""What becomes of an event after an attempt to send it, and of the next attempt. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ipam.backoff import Backoff
from ipam.errors import ServiceUnavailable
from ipam.rules.nova_events import DELETED, UNPLUGGED, ComputeEvent
from ipam.store.compute_events import Claimed

BATCH_EVENTS: Final = 100
"""Some 20 KB. Nova reads the servers of a batch from its databases before it answers."""

FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_WAIT_FOR_HOST_SECONDS: Final = 10.0
ATTEMPTS_WHILE_NOVA_WAITS: Final = 30
"""Some 270 s, about Nova's default vif_plugging_timeout. A server that has no host for longer
than that is shelved, most likely, and reads all of its ports when it comes back."""
LONGEST_WAIT_WHILE_SHELVED_SECONDS: Final = 600.0
LONGEST_RETRY_SECONDS: Final = 30.0
GIVE_UP_SECONDS: Final = 86_400
"""An event older than a day is given up when it fails again: nothing waits for it any more."""

REFUSALS_OF_ONE: Final = 2
"""So many single events in a row may be at fault themselves; after one more it is Nova."""


class RequestRefused(ServiceUnavailable):
    """Nova is there and refuses a request as a whole, perhaps for one event in it."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nova has heard it, or nothing is lost when it does not."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Nova will never take it."""

    why: str


@dataclass(frozen=True, slots=True)
class Again:
    """Send it again."""

    in_seconds: float
    why: str


Outcome: TypeAlias = Done | Drop | Again


def grouped(claimed: Sequence[Claimed]) -> dict[ComputeEvent, list[Claimed]]:
    """The events to send, each once, with the rows that ask for it."""
    groups: dict[ComputeEvent, list[Claimed]] = {}
    for each in claimed:
        groups.setdefault(each.event, []).append(each)
    return groups


def after_answer(claimed: Claimed, code: int, *, now_us: int) -> Outcome:
    """What the code that Nova gave to this event means."""
    event = claimed.event
    match code:
        case 200:
            return Done()
        case 404 if event.name in (UNPLUGGED, DELETED):
            return Done()  # the server is gone, and its interfaces with it
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
    """What a failure of the whole request, after which this is the pace, means for one event."""
    if not isinstance(error, RequestRefused):
        return _again(claimed, now_us, pace.wait_seconds, str(error))
    if pace.split:  # one of them may be at fault: which, the next attempts find out
        return Again(0, claimed.last_error)
    return _again(claimed, now_us, _delay(claimed.attempts, LONGEST_RETRY_SECONDS), str(error))


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is sent at once, and how long is waited before."""

    failures: int = 0
    """Requests in a row that failed as a whole."""
    one_by_one: int = 0
    """How many events are yet to be sent singly, because one among them may be at fault."""
    wait_seconds: float = 0.0
    split: bool = False
    """Whether the events of the request that just failed go again at once, singly."""

    @property
    def limit(self) -> int:
        """The size of the next batch: a Nova in trouble gets a single event to try it with."""
        return 1 if self.failures or self.one_by_one else BATCH_EVENTS

    def heard(self) -> "Pace":
        """The pace after Nova answered for each event."""
        return Pace(one_by_one=max(self.one_by_one - 1, 0))

    def failed(self, error: ServiceUnavailable, events: int) -> "Pace":
        """The pace after a request with so many events failed as a whole."""
        failures = self.failures + 1
        if not isinstance(error, RequestRefused):
            return Pace(failures, self.one_by_one, _delay(failures, LONGEST_RETRY_SECONDS))
        if events > 1:
            return replace(self, failures=failures, one_by_one=events, wait_seconds=0, split=True)
        in_earnest = failures - REFUSALS_OF_ONE
        wait = _delay(in_earnest, LONGEST_RETRY_SECONDS) if in_earnest > 0 else 0.0
        return Pace(failures, max(self.one_by_one - 1, 0), wait)


def failure(status: int, url: str) -> ServiceUnavailable:
    """The error for an answer to the whole request, with what to do about it."""
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
    return Again(in_seconds, why)


def _delay(attempts: int, longest: float) -> float:
    return Backoff(FIRST_RETRY_SECONDS, longest).seconds(attempts)
