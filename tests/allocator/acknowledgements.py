"""What workers say they own, and whether the database agrees. Pure: lines and rows in, faults out.

Each worker owns by a port of its own and writes a line before and after each transaction: seconds
on the machine's monotonic clock, a word, and more words.

- `begin COUNT`: it is about to take so many addresses. Next is one of these, unless it is killed:
  `own ADDRESS...` (the allocator chose them), `name ADDRESS` (the worker chose it), `made KEY
  ADDRESS` (the same as own, and the answer to an idempotency key), `key KEY ADDRESS` (the answer
  that another's transaction gave to it), `undone` (it rolled back), `refused`, `unknown`.
- `give ADDRESS`: it is about to give it back. Next is `given ADDRESS`, `kept ADDRESS` (it rolled
  back), or `unknown`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final

CLOCK_STEP_SECONDS: Final = 1
"""The allocator's clock counts whole seconds."""


@dataclass(slots=True)
class Holding:
    """The time during which a worker certainly owned an address."""

    address: str
    since: float
    """After the commit."""
    chosen: bool
    """Whether the allocator chose it, which must wait for cooldowns."""
    until: float | None = None
    """Before the release."""
    is_open: bool = False
    """Whether the release was tried and not confirmed."""


@dataclass(slots=True)
class Record:
    """What one worker said."""

    port: int
    holdings: list[Holding] = field(default_factory=list)
    made: list[tuple[str, str]] = field(default_factory=list)
    """Keys and the addresses that it took with them. It may give these back."""
    keys: list[tuple[str, Holding]] = field(default_factory=list)
    """What it was answered to keys."""
    unsettled: list[int] = field(default_factory=list)
    """How many addresses each transaction took whose end it does not know."""
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How often it said each word."""
    faults: list[str] = field(default_factory=list)

    def now(self) -> dict[str, Holding]:
        """What it owned at its end."""
        return {each.address: each for each in self.holdings if each.until is None}


def read(port: int, lines: Sequence[str]) -> Record:
    """The record of the worker with this port."""
    record = Record(port)
    held: dict[str, Holding] = {}
    begun = 0
    for line in lines:
        seconds, word, *rest = line.split()
        at = float(seconds)
        record.counts[word] += 1
        match word:
            case "begin":
                begun = int(rest[0])
                continue
            case "own" | "name" | "made":
                if word == "made":
                    record.made.append((rest.pop(0), rest[0]))
                for address in rest:
                    if address in held:
                        record.faults.append(f"{address} was given to its owner again")
                    held[address] = Holding(address, at, chosen=word != "name")
                    record.holdings.append(held[address])
            case "key":
                record.keys.append((rest[0], Holding(rest[1], at, chosen=True)))
            case "give":
                held[rest[0]].until, held[rest[0]].is_open = at, True
                continue
            case "kept":
                held[rest[0]].until, held[rest[0]].is_open = None, False
            case "given":
                held.pop(rest[0]).is_open = False
            case "unknown" if begun:
                record.unsettled.append(begun)
            case "lost":
                record.faults.append(f"{rest[0]} was not there to release")
        begun = 0
    if begun:
        record.unsettled.append(begun)
    return record


def faults(records: Sequence[Record], owners: Mapping[str, int], cooldown: int) -> list[str]:
    """Where the records contradict each other, the rows (address to port), or the cooldown."""
    keyed = {address for _, address in _keyed(records)}
    return list(
        chain(
            (fault for record in records for fault in record.faults),
            _shared(records, cooldown),
            _keys(records, owners),
            *(_lost(record, owners) for record in records),
            *(_unexplained(record, owners, keyed) for record in records),
        )
    )


def _shared(records: Sequence[Record], cooldown: int) -> Iterator[str]:
    """Addresses that two owned at once, or the second too early."""
    by_address: dict[str, list[Holding]] = defaultdict(list)
    for holding in chain(_keyed(records).values(), *(record.holdings for record in records)):
        by_address[holding.address].append(holding)
    for address, each in by_address.items():
        each.sort(key=lambda holding: holding.since)
        for first, then in pairwise(each):
            if first.until is None or first.until > then.since:
                yield f"{address} was given at {then.since} while it had an owner"
            elif then.chosen and then.since - first.until <= cooldown - CLOCK_STEP_SECONDS:
                yield f"{address} was given {then.since - first.until:.1f} s after its release"


def _keyed(records: Sequence[Record]) -> dict[tuple[str, str], Holding]:
    """What was answered first, by key and address, where nobody says that it took the address.

    Who took it was killed before it could, or does not know, so nobody gives it back.
    """
    made = {key for record in records for key, _ in record.made}
    answers = [answer for record in records for answer in record.keys if answer[0] not in made]
    first: dict[tuple[str, str], Holding] = {}
    for key, holding in sorted(answers, key=lambda answer: answer[1].since):
        first.setdefault((key, holding.address), holding)
    return first


def _keys(records: Sequence[Record], owners: Mapping[str, int]) -> Iterator[str]:
    """Keys with several addresses or owners, and addresses of keys that nobody owns."""
    by_key: dict[str, set[str]] = defaultdict(set)
    takers: dict[str, int] = defaultdict(int)
    for record in records:
        for key, address in record.made:
            by_key[key].add(address)
            takers[key] += 1
        for key, holding in record.keys:
            by_key[key].add(holding.address)
    for key, address in _keyed(records):
        if address not in owners:
            yield f"{address}, which {key} gave, is lost"
    for key, addresses in by_key.items():
        if len(addresses) > 1 or takers[key] > 1:
            yield f"{key} gave {', '.join(sorted(addresses))} {takers[key]} times"


def _lost(record: Record, owners: Mapping[str, int]) -> Iterator[str]:
    for address in sorted(record.now()):
        if owners.get(address) != record.port:
            yield f"{address} of port {record.port} is lost: {owners.get(address)} has it"


def _unexplained(record: Record, owners: Mapping[str, int], keyed: set[str]) -> Iterator[str]:
    """Addresses that no transaction with an unknown end explains, as a whole."""
    said = record.now().keys() | {each.address for each in record.holdings if each.is_open}
    mine = {address for address, port in owners.items() if port == record.port}
    sums = {0}
    for count in record.unsettled:
        sums |= {total + count for total in sums}
    more = sorted(mine - said - keyed)
    if len(more) not in sums:
        yield (
            f"port {record.port} owns {len(more)} addresses that it did not take, or not as a"
            f" whole (unsettled: {record.unsettled}): {', '.join(more[:9])}"
        )
