"""Chains of requests by schemathesis: `python -m tests.hostile.stateful ORDER`.

They are made from the OpenAPI document. What one request made is named in those after it. Each
second it prints a Tally.
"""

import sys
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import requests

from tests.hostile.place import Place
from tests.hostile.requests import Request
from tests.hostile.tally import Fault, Tally
from tests.hostile.verdict import verdict
from tests.hostile.wire import HANG_SECONDS, Answer

STEPS: Final = 30
CHAINS_AT_ONCE: Final = 10
PERSONAS: Final = ("member", "admin")
TELL_SECONDS: Final = 1.0


class Order(msgspec.Struct):
    """Whom to attack with how many requests."""

    place: Place
    seed: int
    count: int


class Chains:
    """Chains of requests as one persona and then another, until there were enough."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._tally = Tally()
        self._told_at = 0.0
        self._sent = 0
        self._has_lost_one = False

    def run(self) -> None:
        from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415  # half a second
        from hypothesis import seed as seeded  # noqa: PLC0415
        from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

        how = settings(
            max_examples=CHAINS_AT_ONCE,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        machines = [self._machine(persona) for persona in PERSONAS]
        turn = 0
        while self._sent < self._order.count:
            machine = machines[turn % len(machines)]
            try:
                run_state_machine_as_test(seeded(self._order.seed + turn)(machine), settings=how)
            except Exception:  # whatever Hypothesis makes of an answer that did not come
                if not self._has_lost_one:
                    raise
                self._has_lost_one = False
            turn += 1
        self._tell()

    def _machine(self, persona: str) -> Any:
        """The class of schemathesis, with this persona's credentials and our verdict."""
        import schemathesis  # noqa: PLC0415  # as above

        chains = self
        place = self._order.place
        url = f"http://127.0.0.1:{place.port}"
        schema = schemathesis.openapi.from_path(place.document)
        machine: Any = schema.as_state_machine()

        class Machine(machine):  # type: ignore[misc]  # made at run time
            def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
                signed = {"Authorization": place.authorizations[persona]}
                return {"base_url": url, "headers": signed, "timeout": HANG_SECONDS}

            def call(self, case: Any, **how: Any) -> Any:
                try:
                    return super().call(case, **how)
                except requests.RequestException as error:
                    chains.lose(case, error)
                    raise

            def validate_response(self, response: Any, case: Any, **_how: Any) -> None:
                head = "".join(f"\r\n{name}: {each}" for name, each in _lines(response))
                answer = Answer(
                    response.status_code, head.encode(), response.content, response.elapsed
                )
                chains.judge(case, answer)

        return Machine

    def lose(self, case: Any, error: Exception) -> None:
        """Count a request without an answer. It ends its chain."""
        self._has_lost_one = True
        self.judge(
            case, Answer(0, body=str(error).encode(), is_hung=isinstance(error, requests.Timeout))
        )

    def judge(self, case: Any, answer: Answer) -> None:
        """Count the answer, and say how to get it again if it is a fault."""
        again = case.as_curl_command()
        asked = Request("chain", case.method.upper().encode() + b" ")
        self._sent += 1
        self._tally.count("chain", answer.status, answer.seconds, again)
        self._tally.asked_to_come_back += answer.asks_to_come_back
        if wrong := verdict(asked, answer):
            said = answer.body[:600].decode("utf-8", "backslashreplace")
            self._tally.accuse(Fault(wrong, "chain", f"{answer.status} {said}", again))
        if time.monotonic() > self._told_at + TELL_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        told, self._tally = self._tally, Tally()
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()


def _lines(response: Any) -> Iterable[tuple[str, str]]:
    return ((name, each) for name, values in response.headers.items() for each in values)


if __name__ == "__main__":
    Chains(msgspec.json.decode(sys.argv[1], type=Order)).run()
