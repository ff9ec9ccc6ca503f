"""Has the names of every network in the files that its dnsmasq reads, without any signal.

dnsmasq takes in a file that is renamed into the directory, and forgets what it read of it before.
A file is never deleted: dnsmasq may look for it only after that, and then complains.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ipam import files
from ipam.agent.dnsmasq import config
from ipam.agent.dnsmasq.safe_words import UnfitError
from ipam.agent.names.book import Moves, NameBook, bucket_of
from ipam.agent.names.parts import Part, in_order, part_named, part_of, parts_for
from ipam.protocol.dns_names import NamedPort
from ipam.rules.dns_answers import answers
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Network:
    domain: str = ""
    directory: Path | None = None
    """Where its dnsmasq reads names; None if none is meant to run."""
    parts: int = 1
    """In how many files its names are."""
    names: int = 0
    is_behind: bool = False
    """Whether the disk has refused names that are in the book."""


class Names:
    """The names by network. Any thread may use it. What the disk refuses is said once."""

    def __init__(
        self, book: NameBook, *, forgets: bool = True, on_kept: Callable[[], None] = lambda: None
    ) -> None:
        """`forgets` says whether dnsmasq forgets by itself what a file said before its change.

        If it does not, `on_kept` is called when there are networks for `take_kept`.
        """
        self._book = book
        self._forgets = forgets
        self._on_kept = on_kept
        self._kept: set[str] = set()
        self._lock = threading.Lock()
        self._networks: dict[str, _Network] = {}
        self._refusal = Trouble()

    def close(self) -> None:
        """Close the book."""
        with self._lock:
            self._book.close()

    def know_domain(self, network_id: str, domain: str) -> None:
        """The network's names are in this domain."""
        with self._lock:
            network = self._networks.setdefault(network_id, _Network())
            if network.domain != domain:
                network.domain = domain
                self._try(lambda: self._write_all(network_id))

    def open(self, network_id: str, directory: Path) -> None:
        """Have every name in this directory, from now on."""
        with self._lock:
            self._networks.setdefault(network_id, _Network()).directory = directory
            self._try(lambda: self._write_all(network_id))

    def shut(self, network_id: str) -> None:
        """The network's directory goes."""
        with self._lock:
            if network_id in self._networks:
                self._networks[network_id].directory = None

    def forget(self, network_id: str) -> None:
        """The network is not served any more."""
        with self._lock:
            self._networks.pop(network_id, None)
            self._try(lambda: self._book.forget(network_id))

    def take_kept(self) -> set[str]:
        """The networks whose dnsmasq goes on with names that are gone, until it reads all anew."""
        with self._lock:
            kept, self._kept = self._kept, set()
        return kept

    def change(self, ports: Sequence[NamedPort]) -> bool:
        """What some ports are called now. False if the disk refuses: all is to be told again."""
        with self._lock:
            return self._try(lambda: self._carry(self._book.change(ports)))

    def begin_all(self, network_ids: Sequence[str]) -> bool:
        """What `change` tells until `end_all` is all that these networks have."""
        with self._lock:
            return self._try(lambda: self._book.begin_all(network_ids))

    def end_all(self, network_ids: Sequence[str]) -> bool:
        """See `begin_all`."""
        with self._lock:
            return self._try(lambda: self._carry(self._book.end_all(network_ids)))

    def _try(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except (sqlite3.Error, OSError) as error:
            for network in self._networks.values():
                network.is_behind = True
            if self._refusal.begins(getattr(error, "strerror", None) or str(error)):
                LOG.error("names cannot be written, and are tried again: %s", error)  # noqa: TRY400
            return False
        if self._refusal.ends():
            LOG.warning("names are written again")
        return True

    def _carry(self, moves: dict[str, Moves]) -> None:
        for network_id, of_network in moves.items():
            network = self._networks.get(network_id)
            if network is None or network.directory is None:
                continue
            network.names += of_network.growth
            if network.is_behind or parts_for(network.names, network.parts) != network.parts:
                self._write_all(network_id)
            else:
                self._write_moved(network_id, of_network)

    def _write_moved(self, network_id: str, moves: Moves) -> None:
        """An address is in one file at a time: with two, dnsmasq forgets its reverse look-up."""
        of = self._networks[network_id].parts
        lost, gained = _by_part(moves.lost, of), _by_part(moves.gained, of)
        beside = self._book.beside(network_id, moves.lost.keys() | moves.gained.keys())
        everywhere = set[str]().union(*lost.values())
        for part in sorted(lost):
            arriving = gained.get(part, set()) & everywhere
            self._write(network_id, part, without=arriving - lost[part])
        for part in sorted(
            {part_of(bucket, of) for bucket in beside} - lost.keys() - gained.keys()
        ):
            self._write(network_id, part)
        for part in sorted(gained):
            self._write(network_id, part)

    def _write_all(self, network_id: str) -> None:
        network = self._networks[network_id]
        if network.directory is None:
            return
        buckets = self._book.buckets(network_id)
        there = {path.name for path in network.directory.iterdir()}
        has = max((part.of for part in map(part_named, there) if part), default=0)
        network.names = sum(buckets.values())
        network.parts = parts_for(network.names, has)
        wanted = {part_of(bucket, network.parts) for bucket in buckets}
        for name, part in in_order(there, wanted):
            if part is None:
                self._put(network_id, network.directory / name, "")
            else:
                self._write(network_id, part)
        network.is_behind = False

    def _write(self, network_id: str, part: Part, without: Iterable[str] = ()) -> None:
        network = self._networks[network_id]
        assert network.directory is not None, network_id  # the callers have looked
        of_part = self._book.claims(network_id, *part.buckets)
        claimed = [one for one in of_part if one.address not in without]
        own = {bucket_of(one.own_name) for one in claimed if one.own_name}
        rivals = [one for each in own for one in self._book.claims(network_id, each, each)]
        try:
            text = config.names_file(answers(claimed, network.domain, rivals))
        except UnfitError as error:  # the API gives no such names
            LOG.error("network %s: left out of its names: %s", network_id, error)  # noqa: TRY400
            text = ""
        self._put(network_id, network.directory / part.name, text)

    def _put(self, network_id: str, path: Path, text: str) -> None:
        before = path.read_text() if path.is_file() else ""
        if before == text:
            return
        files.put(path, text.encode(), mode=files.PUBLIC)
        if not self._forgets and set(before.splitlines()) - set(text.splitlines()):
            self._kept.add(network_id)
            self._on_kept()


def _by_part(addresses: Mapping[int, set[str]], of: int) -> dict[Part, set[str]]:
    """The addresses by part, of those by bucket."""
    found: dict[Part, set[str]] = {}
    for bucket, some in addresses.items():
        found.setdefault(part_of(bucket, of), set()).update(some)
    return found
