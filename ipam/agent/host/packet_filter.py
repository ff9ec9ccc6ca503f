"""The guard's table in the kernel, changed and listed by the program nft."""

import contextlib
import logging
import os
import subprocess
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from ipam.agent.dnsmasq.process import find_program
from ipam.agent.guard import listing, table
from ipam.agent.guard.elements import NOTHING, Element, Guard
from ipam.agent.guard.packed import Packed
from ipam.agent.host.filter_events import FilterEvents
from ipam.agent.host.namespaces import call_in_new_namespace
from ipam.agent.outside import Drops
from ipam.agent.state import GuardState
from ipam.errors import HostUnfit

LOG = logging.getLogger(__name__)

SECONDS: Final = 30.0
"""A load of 2,000 ports takes 0.1."""
SWITCHED_OFF: Final = "[agent] port_filter is off."


class NftFilter:
    """The guard of this host, see outside.PacketFilter. Not thread-safe."""

    fault = ""

    def __init__(self, name: str) -> None:
        """Raises HostUnfit if nft is missing, or does not get the rules into this kernel."""
        self._table = name
        self._nft = find_program("nft", "nftables")
        try:
            self._rules = call_in_new_namespace(self._try_out)
        except (OSError, ValueError) as error:
            raise HostUnfit(
                f"the rules that guard ports do not get into this kernel: {error}"
            ) from error
        self._events = FilterEvents(self._table)
        self._seen: GuardState | None = None
        self._unshared: set[str] = set()
        """The taps that were changed since it was last said what is likely."""
        self._answering: tuple[Collection[str], float] = ((), 0.0)

    def sources(self) -> Sequence[int]:
        """Descriptors that are readable when somebody may have changed the table."""
        return (self._events.fileno(),)

    def close(self) -> None:
        """Stop listening. The rules stay."""
        self._events.close()

    def refresh(self) -> bool:
        """Take in what has changed."""
        changed = self._events.changed_by_others()
        if changed:
            self._seen = None
        return changed

    def look_again(self) -> None:
        """List the table at the next `state`, whatever was announced."""
        self._seen = None

    def state(self, likely: Guard = NOTHING) -> GuardState:
        """The guard as it is: of the last listing, with the agent's own changes since."""
        if self._seen is None:
            self._seen = self._list(likely)
        elif self._unshared and likely:
            self._seen = _shared(self._seen, likely, self._unshared)
            self._unshared.clear()
        return self._seen

    def load(self, taps: Guard) -> None:
        """Have the rules with these elements, whatever was there."""
        self._run(table.whole(self._table, taps) + self._answers())
        self._seen = GuardState(dict(taps))

    def answer(self, taps: Collection[str], until: float) -> None:
        """Let these DHCP ports answer until then, and no others; the kernel ends it."""
        self._answering = (taps, until)
        self._run(self._answers())

    def _answers(self) -> str:
        taps, until = self._answering
        left = until - time.monotonic()
        return table.answering(self._table, sorted(taps), int(left * 1000))

    def change(
        self, removed: Iterable[tuple[str, Element]], added: Iterable[tuple[str, Element]]
    ) -> None:
        """Remove and add elements."""
        before = self.state()
        removed, added = list(removed), list(added)
        self._run(table.change(self._table, removed, added))
        if self._seen is before:
            self._seen = GuardState(_changed(before.taps, removed, added), before.is_loaded)
            self._unshared |= {tap for tap, _element in (*removed, *added)}

    def remove(self) -> None:
        """Have no rules."""
        self._run(table.removal(self._table))
        self._seen = GuardState(is_loaded=False)

    def drops(self) -> Drops:
        """The frames that were dropped lately."""
        return Drops(
            spoofed=listing.drops(self._ask("set", "bridge", self._table, "spoofed")),
            storms=listing.drops(self._ask("set", "bridge", self._table, "storms")),
            fenced=listing.drops(self._ask("set", "bridge", self._table, "fenced")),
        )

    def _list(self, likely: Guard) -> GuardState:
        self._events.changed_by_others()
        try:
            found = listing.read(self._ask("table", "bridge", self._table), likely)
        except (FileNotFoundError, ValueError):
            return GuardState(is_loaded=False)
        return GuardState(found.guard, is_loaded=found.rules == self._rules)

    def _try_out(self) -> str:
        """The rules as this nft lists them, from a namespace where nobody is."""
        answering = table.answering(self._table, table.EXAMPLE, 1000)
        self._call(["-f", "-"], table.whole(self._table, table.EXAMPLE) + answering)
        return listing.read(self._ask("table", "bridge", self._table)).rules

    def _ask(self, *words: str) -> bytes:
        return self._call(["-j", "list", *words])[0]

    def _run(self, transaction: str) -> None:
        """Carry out a transaction. If it fails, or others were at it, all is listed anew."""
        try:
            _, pid = self._call(["-f", "-"], transaction)
        except OSError:
            self._seen = None
            raise
        if self._events.changed_by_others(pid):
            self._seen = None

    def _call(self, words: list[str], text: str = "") -> tuple[bytes, int]:
        """The output and the process id. Raises OSError; FileNotFoundError for what is not there.

        Whatever the language of the agent, nft speaks English.
        """
        environment = {**os.environ, "LC_ALL": "C"}
        with subprocess.Popen(
            [self._nft, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        ) as process:
            try:
                output, errors = process.communicate(text.encode(), SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise TimeoutError(f"{self._nft} took more than {SECONDS:.0f} s") from error
        if process.returncode == 0:
            return output, process.pid
        sentence = errors.decode(errors="replace").strip().partition("\n")[0][:200]
        kind = FileNotFoundError if "No such file or directory" in sentence else OSError
        raise kind(f"{self._nft}: {sentence or f'ended with {process.returncode}'}")


class NoFilter:
    """A host without a guard, see outside.PacketFilter."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def sources(self) -> Sequence[int]:
        """Nothing changes."""
        return ()

    def refresh(self) -> bool:
        """Nothing changes."""
        return False

    def load(self, taps: Guard) -> None:
        """It is never asked."""
        raise NotImplementedError

    def change(
        self, removed: Iterable[tuple[str, Element]], added: Iterable[tuple[str, Element]]
    ) -> None:
        """It is never asked."""
        raise NotImplementedError

    def answer(self, taps: Collection[str], until: float) -> None:
        """It is never asked."""
        raise NotImplementedError

    def remove(self) -> None:
        """It is never asked."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""

    def state(self, _likely: Guard = NOTHING) -> GuardState | None:
        """There is none."""
        return None

    def look_again(self) -> None:
        """There is nothing to look at."""

    def drops(self) -> Drops:
        """Nothing is dropped."""
        return Drops()


def _changed(
    before: Guard, removed: Iterable[tuple[str, Element]], added: Iterable[tuple[str, Element]]
) -> Guard:
    """The elements by tap after a change."""
    changed: dict[str, set[Element]] = {}
    for tap, element in removed:
        changed.setdefault(tap, {*before.get(tap, ())}).discard(element)
    for tap, element in added:
        changed.setdefault(tap, {*before.get(tap, ())}).add(element)
    after = {**before, **{tap: Packed(elements) for tap, elements in changed.items() if elements}}
    for tap, elements in changed.items():
        if not elements:
            after.pop(tap, None)
    return after


def _shared(seen: GuardState, likely: Guard, taps: Iterable[str]) -> GuardState:
    """The same, with the likely object where one is equal.

    It takes memory once, and thousands that are the same objects are compared in no time.
    """
    same = {
        tap: likely[tap] for tap in taps if tap in likely and likely[tap] == seen.taps.get(tap)
    }
    return GuardState({**seen.taps, **same}, seen.is_loaded)


def packet_filter(name: str, *, wanted: bool) -> NftFilter | NoFilter:
    """The guard of this host, in the table of this name. Where it is not wanted, it is removed.

    Where it cannot be, what there is of an earlier life stays: it is more than nothing.
    """
    try:
        found = NftFilter(name)
    except HostUnfit as error:
        if wanted:
            LOG.warning("ports may send from any address, and DHCP may pass wires: %s", error)
        return NoFilter(str(error) if wanted else SWITCHED_OFF)
    if wanted:
        return found
    with contextlib.closing(found):
        found.remove()
    return NoFilter(SWITCHED_OFF)
