"""The leases of this host's dnsmasqs that are recorded, by network, on disk.

dnsmasq's own lease file lies in memory. After a reboot it is made from these.
"""

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ipam import files
from ipam.agent.leases.differences import is_same_client
from ipam.agent.leases.passing import READ_SECONDS
from ipam.agent.leases.record import is_echo, lease_of
from ipam.agent.leases.unrecorded import UnrecordedLeases
from ipam.agent.state import Lease
from ipam.errors import Malformed
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.protocol.wire import read, write
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

ENDS_KEPT = 100_000
"""Of the ends that were recorded last it is known when."""
ENDED_KEPT = 1_000
"""So many leases that ended wait until they are taken."""


class LeaseTable:
    """The leases by network and address. Threads may share it."""

    def __init__(
        self,
        directory: Path,
        monotonic: Callable[[], float] = time.monotonic,
        unrecorded: UnrecordedLeases | None = None,
    ) -> None:
        """`unrecorded` keeps what was given and is not in the table yet."""
        self._directory = directory
        self._monotonic = monotonic
        self._unrecorded = unrecorded
        self._lock = threading.Lock()
        self._leases: dict[str, dict[str, Lease]] = {}
        self._changed: set[str] = set()
        self._refusal = Trouble()
        try:
            files.directory(directory)
        except OSError as error:
            self._disk_refuses(error)
        self._changes: Counter[str] = Counter()
        self._found_ended: dict[tuple[str, str], Lease] = {}
        self._ended_at: dict[tuple[str, str], tuple[str | None, float]] = {}
        self._ended: deque[tuple[str, Lease]] = deque(maxlen=ENDED_KEPT)
        for path in directory.glob("*.json"):
            self._leases[path.stem] = _read(path)

    def apply(self, event: LeaseEventCreate) -> None:
        """Apply an event. Applying it again changes nothing.

        The end of another client's lease ends nothing. What was seen on the wire is no lease.
        """
        if event.source == "slaac":
            return
        key, lease = (event.network_id, event.ip_address), lease_of(event)
        with self._lock:
            network = self._leases.setdefault(event.network_id, {})
            if event.action in ("add", "old"):
                network[event.ip_address] = lease
                self._found_ended.pop(key, None)
            elif is_same_client(network.get(event.ip_address, lease), lease):
                if known := network.pop(event.ip_address, None):
                    self._ended.append((event.network_id, known))
                if event.source == "reconciled":
                    self._found_ended[key] = lease
            if event.action not in ("add", "old"):
                self._note_end(key, lease)
            self._changed.add(event.network_id)
            self._changes[event.network_id] += 1
            if self._unrecorded is not None:
                self._unrecorded.discard(event.network_id, event.ip_address, event.mac_address)

    def knows(self, event: LeaseEventCreate) -> bool:
        """True if the event says nothing new: it is an echo of what is known.

        The hook may report late what was found before.
        """
        if event.source == "slaac":
            return False
        with self._lock:
            ended = self._found_ended.get((event.network_id, event.ip_address))
            if event.action == "del" and ended is not None:
                return is_same_client(ended, lease_of(event))
            known = self._leases.get(event.network_id, {}).get(event.ip_address)
            return is_echo(event, known)

    def note_given(self, network_id: str, address: str, mac_address: str) -> None:
        """A dnsmasq was heard to give the lease, or to renew it. Its event may be here already."""
        with self._lock:
            known = self._leases.get(network_id, {}).get(address)
            mac, at = self._ended_at.get((network_id, address), (None, -math.inf))
            has_ended = mac == mac_address and at >= self._monotonic() - READ_SECONDS
            is_known = known is not None and known.mac_address == mac_address
            if self._unrecorded is not None and not is_known and not has_ended:
                self._unrecorded.add(network_id, address, mac_address)

    def is_unrecorded(self, network_id: str, address: str, mac_address: str | None) -> bool:
        """Whether a dnsmasq was heard to give the lease, of which no event is recorded yet."""
        with self._lock:
            if self._unrecorded is None or mac_address is None:
                return False
            return (network_id, address, mac_address) in self._unrecorded

    def given_before(self, network_id: str) -> Sequence[tuple[str, str]]:
        """IP and MAC addresses of leases that an earlier life heard of, and nobody recorded."""
        with self._lock:
            return self._unrecorded.of_earlier_lives(network_id) if self._unrecorded else ()

    def by_address(self, network_id: str) -> Mapping[str, Lease]:
        """The network's leases by address."""
        with self._lock:
            return dict(self._leases.get(network_id, {}))

    def changes(self, network_id: str) -> int:
        """How many events of the network were applied in this life."""
        return self._changes[network_id]

    def last_end(self, network_id: str, address: str) -> tuple[str | None, float]:
        """The MAC address of the lease whose end was recorded last, and when by time.monotonic."""
        with self._lock:
            return self._ended_at.get((network_id, address), (None, -math.inf))

    def take_ended(self) -> list[tuple[str, Lease]]:
        """The leases that have ended since this was asked last, each with its network's id."""
        with self._lock:
            found = list(self._ended)
            self._ended.clear()
            return found

    def leases(self, network_id: str) -> list[Lease]:
        """The network's leases, unordered."""
        with self._lock:
            return list(self._leases.get(network_id, {}).values())

    def network_ids(self) -> set[str]:
        """The networks that have leases."""
        with self._lock:
            return {network_id for network_id, leases in self._leases.items() if leases}

    def count(self) -> int:
        """How many leases there are on this host."""
        with self._lock:
            return sum(len(network) for network in self._leases.values())

    def save_all(self) -> bool:
        """Write everything to disk, whatever is there; whether the disk took it."""
        with self._lock:
            self._changed.update(self._leases)
        return self.save()

    def save(self) -> bool:
        """Write to disk what changed since it last took everything; whether it takes this."""
        with self._lock:
            try:
                for network_id in sorted(self._changed):
                    self._save(network_id, list(self._leases[network_id].values()))
                    self._changed.discard(network_id)  # a full disk leaves it for the next call
            except OSError as error:
                self._disk_refuses(error)
                return False
        if self._refusal.ends():
            LOG.warning("the records of leases are on disk again")
        return True

    def _note_end(self, key: tuple[str, str], lease: Lease) -> None:
        self._ended_at.pop(key, None)
        self._ended_at[key] = lease.mac_address, self._monotonic()
        if len(self._ended_at) > ENDS_KEPT:
            del self._ended_at[next(iter(self._ended_at))]

    def _disk_refuses(self, error: OSError) -> None:
        if self._refusal.begins(str(error)):
            LOG.error("the records of leases cannot be saved, and are tried again: %s", error)

    def _save(self, network_id: str, leases: list[Lease]) -> None:
        path = self._directory / f"{network_id}.json"
        if not leases:
            path.unlink(missing_ok=True)
            del self._leases[network_id]
            return
        files.put(path, write(leases), durable=True)


def _read(path: Path) -> dict[str, Lease]:
    try:
        leases = read(list[Lease], path.read_bytes(), str(path))
    except Malformed as error:
        LOG.error("%s; its leases are forgotten", error)  # noqa: TRY400  # the message says it
        return {}
    return {lease.ip_address: lease for lease in leases}
