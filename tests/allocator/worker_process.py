"""Run as a process of its own by `crowd`: takes and releases addresses until it is told to stop.

Arguments: database URL, port, acknowledgement file, file that says stop, cooldown in seconds,
seed, and for each subnet its number and the ends of its pool ("7=10.0.0.2-10.0.0.30"). What it
writes is said in `acknowledgements`.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ipam.allocator import ranges
from ipam.allocator.allocator import Allocator
from ipam.api.http.idempotency import Attempt
from ipam.errors import (
    DatabaseUnavailable,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
)
from ipam.model import pack, unpack
from ipam.store import idempotency
from ipam.store.engine.database import Database, Transaction, enclose
from ipam.store.idempotency import KeyTaken

T = TypeVar("T")

ACTIONS = {"one": 10, "batch": 3, "name": 2, "key": 1, "give": 6}
"""How often each is done."""
MOST_IN_A_BATCH = 6
ROLLED_BACK = 0.05
KEYS_PER_SECOND = 4
PAUSE_SECONDS = 0.05
"""After a refusal for want of the database."""


class Undo(Exception):  # noqa: N818  # not an error
    """Ends a transaction without a trace."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """Where addresses come from."""

    pk: int
    first: bytes
    last: bytes

    @classmethod
    def parse(cls, text: str) -> "Subnet":
        pk, _, pool = text.partition("=")
        first, _, last = pool.partition("-")
        return cls(int(pk), pack(first), pack(last))


class Worker:
    """One process's port, and what it owns."""

    def __init__(self, url: str, port: int, file: Path, cooldown: int, seed: int) -> None:
        self._chance = random.Random(seed)
        self._database = Database(url)
        self._allocator = Allocator(
            self._database, cooldown_seconds=cooldown, worker=f"worker-{seed}"
        )
        self._port = port
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND)
        self._mine: list[tuple[Subnet, bytes]] = []

    def run(self, subnets: list[Subnet], stop: Path) -> None:
        """Act until the file that says stop exists."""
        while not stop.exists():
            subnet = self._chance.choice(subnets)
            match self._chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]:
                case "one":
                    self._take(subnet, 1)
                case "batch":
                    self._take(subnet, self._chance.randint(2, MOST_IN_A_BATCH))
                case "name":
                    self._name(subnet)
                case "key":
                    self._key(subnet)
                case "give":
                    self._give()
        self._database.dispose()

    def _one(self, tx: Transaction, subnet: Subnet) -> bytes:
        return self._allocator.allocate(tx, subnet.pk, self._port)

    def _many(self, tx: Transaction, subnet: Subnet, count: int) -> list[bytes]:
        return self._allocator.allocate_many(tx, subnet.pk, [self._port] * count)

    def _take(self, subnet: Subnet, count: int) -> None:
        """Take addresses of the allocator's choice; give one back when there are none."""
        self._say("begin", count)
        given = self._write(
            lambda tx: [self._one(tx, subnet)] if count == 1 else self._many(tx, subnet, count)
        )
        if isinstance(given, str):
            self._say(given)
            self._give()
            return
        self._say("own", *map(unpack, given))
        self._mine += [(subnet, ip) for ip in given]

    def _name(self, subnet: Subnet) -> None:
        """Take an address of the worker's choice."""
        size = ranges.size((subnet.first, subnet.last))
        ip = ranges.after(subnet.first, self._chance.randrange(size))
        self._say("begin", 1)
        if end := self._write(lambda tx: self._allocator.claim(tx, subnet.pk, ip, self._port)):
            self._say(end)
            return
        self._say("name", unpack(ip))
        self._mine.append((subnet, ip))

    def _key(self, subnet: Subnet) -> None:
        """Take an address for a key that the others use at this moment, too."""
        key = f"key-{int(time.monotonic() * KEYS_PER_SECOND)}"
        attempt = Attempt(key, "allocate")
        attempt.answer = lambda ip: (201, ip)
        enclose(attempt.envelope)
        self._say("begin", 1)
        try:
            end, word = self._write(lambda tx: self._one(tx, subnet)), "made"
        except KeyTaken:
            enclose(None)
            end, word = self._kept(key), "key"
        finally:
            enclose(None)
        if isinstance(end, str):
            self._say(end)
            return
        self._say(word, key, unpack(end))
        if word == "made":
            self._mine.append((subnet, end))

    def _kept(self, key: str) -> bytes | str:
        """What was answered to the key."""
        try:
            kept = self._database.read(lambda tx: idempotency.find(tx, key))
        except DatabaseUnavailable:
            return "refused"
        return kept.answer if kept else "refused"

    def _give(self) -> None:
        if not self._mine:
            return
        place = self._chance.randrange(len(self._mine))
        subnet, ip = self._mine[place]
        self._say("give", unpack(ip))
        end = self._write(lambda tx: self._allocator.release(tx, subnet.pk, ip, self._port))
        match end:
            case "undone":
                self._say("kept", unpack(ip))
                return
            case "unknown":
                self._say("unknown")
            case _:
                self._say("given" if end else "lost", unpack(ip))
        del self._mine[place]

    def _write(self, work: Callable[[Transaction], T]) -> T | str:
        """What the transaction gives, or the word for how it ended instead."""

        def or_not(tx: Transaction) -> T:
            result = work(tx)
            if self._chance.random() < ROLLED_BACK:
                raise Undo
            return result

        try:
            return self._database.write(or_not)
        except Undo:
            return "undone"
        except (IpAddressAlreadyAllocated, IpAddressGenerationFailure):
            return "refused"
        except DatabaseUnavailable:
            time.sleep(PAUSE_SECONDS)
            return "unknown"

    def _say(self, *words: object) -> None:
        line = " ".join(map(str, (f"{time.monotonic():.6f}", *words)))
        os.write(self._file, f"{line}\n".encode())


def main() -> None:
    url, port, file, stop, cooldown, seed, *subnets = sys.argv[1:]
    worker = Worker(url, int(port), Path(file), int(cooldown), int(seed))
    worker.run([Subnet.parse(each) for each in subnets], Path(stop))


if __name__ == "__main__":
    main()
