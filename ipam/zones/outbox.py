"""Notes which names of the zones elsewhere a change touches. No other place does."""

import contextlib
from collections.abc import Iterator, Sequence

from ipam.protocol.wake import DNS_WORKER_SOCKET, Waker
from ipam.rules import dns_records
from ipam.rules.dns_zones import Place
from ipam.settings import Settings
from ipam.store import dns_changes
from ipam.store.dns_changes import WHOLE_ZONE
from ipam.store.engine.database import Transaction
from ipam.zones.wanted import Wanted


class ZoneOutbox:
    """Notes names in the transaction of the change, and wakes the worker after its commit.

    Without zones ([dns] zones) it does nothing.
    """

    def __init__(self, waker: Waker, wanted: Wanted) -> None:
        self._waker = waker
        self._wanted = wanted

    def added(self, tx: Transaction, port_pks: Sequence[int]) -> None:
        """Ports were made, and have their addresses."""
        if self._wanted.zones:
            self._put(tx, set(self._wanted.of_ports(tx, port_pks)))

    @contextlib.contextmanager
    def changing(self, tx: Transaction, port_pk: int) -> Iterator[None]:
        """A place to change a port or to delete it."""
        if not self._wanted.zones:
            yield
            return
        before = self._wanted.of_ports(tx, [port_pk])
        yield
        after = self._wanted.of_ports(tx, [port_pk])
        self._put(tx, dns_records.changed(before, after))

    def zones_changed(self, tx: Transaction) -> None:
        """Many ports may have other names, or none: those of a network, or of a subnet.

        The worker finds out which by comparing the zones.
        """
        self._put(tx, {(zone.name, WHOLE_ZONE) for zone in self._wanted.zones})

    def _put(self, tx: Transaction, places: set[Place]) -> None:
        if places:
            dns_changes.put(tx, places)
            tx.on_commit(self._waker.wake)


def zone_outbox(settings: Settings) -> ZoneOutbox:
    """The outbox of the zones that the settings name."""
    return ZoneOutbox(
        Waker(str(settings.run_path / DNS_WORKER_SOCKET)),
        Wanted(settings.dns.known, settings.network.dns_domain),
    )
