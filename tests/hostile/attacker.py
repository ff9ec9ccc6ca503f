"""One attacking process: `python -m tests.hostile.attacker ORDER`. It prints a Tally each second.

ORDER is JSON. Its threads share the numbers of requests.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from tests.hostile.attacks import request
from tests.hostile.operations import Document
from tests.hostile.place import Place
from tests.hostile.requests import Request, written
from tests.hostile.tally import Fault, Tally
from tests.hostile.target import Target
from tests.hostile.verdict import verdict
from tests.hostile.wire import HANG_SECONDS, NO_ANSWER_SECONDS, Answer, Connection

RENEW_AFTER: Final = 500
"""So many requests of one thread, and it looks what is there and makes what is missing."""
PROBE: Final = written("GET", "/")
SHOWN_BYTES: Final = 600


class Order(msgspec.Struct):
    """Whom to attack with which requests: every `step`th number from `first` on."""

    place: Place
    seed: int
    first: int
    step: int
    count: int
    threads: int
    source: str
    kinds: list[str] = []
    """Only these kinds of requests; all if there is none."""


class Attack:
    """What the threads of one process share."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.tally = Tally()
        self._lock = threading.Lock()
        described = msgspec.json.decode(Path(order.place.document).read_bytes())
        self._document = Document(described, order.place.ids())
        self._target = Target(self._document, order.place.authorizations)

    def run(self) -> None:
        threads = [
            threading.Thread(target=self._attack, args=(number,), daemon=True)
            for number in range(self.order.threads)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(1)
            self._tell()
        self._tell()

    def _attack(self, thread: int) -> None:
        order = self.order
        connection = Connection(("127.0.0.1", order.place.port), order.source)
        for turn in range(thread, order.count, order.threads):
            if thread == 0 and turn and turn % (RENEW_AFTER * order.threads) == 0:
                order.place.furnish()
                self._document.ids = order.place.ids()
            self.one(order.first + turn * order.step, connection)
        connection.close()

    def one(self, number: int, connection: Connection) -> tuple[Request, Answer]:
        """Send the request of this number, and judge the answer."""
        asked = request(self.order.seed, number, self._target, self.order.kinds)
        if not asked.is_legible:
            connection.close()
        seconds = HANG_SECONDS if asked.is_whole else NO_ANSWER_SECONDS
        answer = connection.exchange(
            asked.raw, no_body=asked.has_no_body_in_answer, seconds=seconds
        )
        following = None
        if asked.is_ambiguous and connection.is_open:
            following = connection.exchange(PROBE, seconds=HANG_SECONDS, again=False)
        if not asked.is_legible:
            connection.close()
        self._count(number, asked, answer, verdict(asked, answer, following))
        return asked, answer

    def _count(self, number: int, asked: Request, answer: Answer, wrong: str) -> None:
        again = f"--seed {self.order.seed} --only {number}"
        with self._lock:
            seconds = answer.seconds if asked.is_whole else 0.0
            self.tally.count(asked.kind.partition(":")[0], answer.status, seconds, again)
            self.tally.asked_to_come_back += answer.asks_to_come_back
            if wrong:
                said = (answer.head.partition(b"\r\n")[0] + b" " + answer.body)[:SHOWN_BYTES]
                self.tally.accuse(
                    Fault(wrong, asked.kind, said.decode("utf-8", "backslashreplace"), again)
                )

    def _tell(self) -> None:
        with self._lock:
            told, self.tally = self.tally, Tally()
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Attack(msgspec.json.decode(sys.argv[1], type=Order)).run()
