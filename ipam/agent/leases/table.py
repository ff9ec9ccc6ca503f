"""The leases of this host's dnsmasqs by network, on disk, so that a reboot keeps them.

dnsmasq runs with `leasefile-ro`, so this replaces its lease file. The hook prints `initial_leases`
for `init`, with the real expiry times.
"""

import logging
import re
import threading
from collections.abc import Iterable
from pathlib import Path

from ipam import files, model
from ipam.agent.leases.record import is_echo, is_hardware_address, lease_of
from ipam.agent.state import Lease
from ipam.errors import Malformed
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.protocol.wire import read, write

LOG = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
_OCTETS = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})*")
_IAID = re.compile(r"T?[0-9]{1,10}")


class LeaseTable:
    """The leases by network and address. Threads may share it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._leases: dict[str, dict[str, Lease]] = {}
        self._changed: set[str] = set()
        files.directory(directory)
        for path in directory.glob("*.json"):
            self._leases[path.stem] = _read(path)

    def apply(self, event: LeaseEventCreate) -> None:
        """Apply an event. Applying it again changes nothing."""
        with self._lock:
            network = self._leases.setdefault(event.network_id, {})
            if event.action in ("add", "old"):
                network[event.ip_address] = lease_of(event)
            else:
                network.pop(event.ip_address, None)
            self._changed.add(event.network_id)

    def knows(self, event: LeaseEventCreate) -> bool:
        """True if the event says nothing new: it is an echo of what is known."""
        with self._lock:
            known = self._leases.get(event.network_id, {}).get(event.ip_address)
            return is_echo(event, known)

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

    def save(self) -> None:
        """Write to disk what has changed since the last call that did not raise OSError."""
        with self._lock:
            for network_id in sorted(self._changed):
                self._save(network_id, list(self._leases[network_id].values()))
                self._changed.discard(network_id)  # a full disk leaves it for the next call

    def _save(self, network_id: str, leases: list[Lease]) -> None:
        path = self._directory / f"{network_id}.json"
        if not leases:
            path.unlink(missing_ok=True)
            del self._leases[network_id]
            return
        files.put(path, write(leases), durable=True)


def initial_leases(leases: Iterable[Lease], server_duid: str) -> str:
    """The leases in the form of dnsmasq's lease file (lease.c).

    Only values in exactly dnsmasq's own form are written. A lease with another form is left out,
    and its client asks again.
    """
    lines = [f"duid {server_duid}"]
    for lease in leases:
        name = lease.hostname if lease.hostname and _NAME.fullmatch(lease.hostname) else "*"
        client_id = lease.client_id or "*"
        if model.ip_version(lease.ip_address) == 6:
            if _OCTETS.fullmatch(lease.duid or "") and _IAID.fullmatch(lease.iaid or ""):
                words = (lease.iaid, lease.ip_address, name, lease.duid)
                lines.append(" ".join([str(lease.expires_at), *map(str, words)]))
        elif is_hardware_address(lease.mac_address or ""):
            known = client_id if _OCTETS.fullmatch(client_id) else "*"
            lines.append(
                f"{lease.expires_at} {lease.mac_address} {lease.ip_address} {name} {known}"
            )
    return "\n".join(lines) + "\n"


def _read(path: Path) -> dict[str, Lease]:
    try:
        leases = read(list[Lease], path.read_bytes(), str(path))
    except Malformed as error:
        LOG.error("%s; its leases are forgotten", error)  # noqa: TRY400  # the message says it
        return {}
    return {lease.ip_address: lease for lease in leases}
