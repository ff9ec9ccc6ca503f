"""The worker's thread that brings names to the zones elsewhere, and compares the zones."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ipam import clock
from ipam.chunks import chunks
from ipam.protocol.wake import DNS_WORKER_SOCKET, WakeSocket
from ipam.rules.dns_records import Differences, Records
from ipam.settings import Settings
from ipam.store import dns_changes, recovery
from ipam.store.dns_changes import WHOLE_ZONE, Claimed
from ipam.store.engine.database import Database, Transaction
from ipam.trouble import Trouble
from ipam.worker.sending import Sending
from ipam.zones import delivery
from ipam.zones.comparing import Server, drastic, look
from ipam.zones.delivery import Outcome, Pace
from ipam.zones.name_server import name_server
from ipam.zones.refusals import TransferRefused, ZoneRefused
from ipam.zones.wanted import Wanted

LOG = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 1.0
"""An API on the same host wakes the worker at once. Changes of others wait so long."""


class ZoneSender:
    """Sends what is due of one zone."""

    def __init__(
        self, database: Database, server: Server, wanted: Wanted, *, timeout: float
    ) -> None:
        self._database = database
        self._server = server
        self.zone = server.zone
        self._wanted = wanted
        self._hold_us = int(delivery.hold_seconds(timeout) * 1_000_000)
        self._pace = Pace()
        self._trouble = Trouble()
        self._comparing = Trouble()

    def send_batch(self) -> bool:
        """Send names that are due, as many as the pace allows; whether there were any."""
        if time.monotonic() < self._pace.not_before:
            return False
        claimed = self._claim()
        if not claimed:
            return False
        with self._server:
            self._send(claimed)
        return True

    def compare(self) -> None:
        """Note the names that are not as they should be."""
        try:
            with self._server:
                self._compare(is_asked=False)
        except ZoneRefused as error:
            self._cannot_compare(str(error))

    def _claim(self) -> list[Claimed]:
        now_us, zone = clock.now_microseconds(), self.zone.name
        if not self._database.read(lambda tx: dns_changes.is_due(tx, zone, now_us=now_us)):
            return []
        return self._database.write(
            lambda tx: dns_changes.claim(
                tx, zone, now_us=now_us, hold_us=self._hold_us, limit=self._pace.limit
            )
        )

    def _send(self, claimed: Sequence[Claimed]) -> None:
        names = [each.name for each in claimed if each.name != WHOLE_ZONE]
        wanted = self._database.read(lambda tx: self._wanted.of_names(tx, self.zone, names))
        outcome = self._sent(claimed, wanted)
        self._database.write(lambda tx: self._record(tx, outcome))
        self._tell(outcome)

    def _sent(self, claimed: Sequence[Claimed], wanted: Mapping[str, Records]) -> Outcome:
        """Send names until one is refused, or the time for a batch is over."""
        outcome = Outcome()
        deadline = time.monotonic() + delivery.BATCH_SECONDS
        tried = 0
        for some in chunks(claimed, delivery.TOGETHER):
            if len(some) > 1 and self._sent_together(some, wanted):
                outcome.done += some
                tried += len(some)
                continue
            for each in some:
                if time.monotonic() > deadline:
                    outcome.left = claimed[tried:]
                    return outcome
                tried += 1
                try:
                    is_taken = self._sent_alone(each, wanted)
                except ZoneRefused as error:
                    outcome.refused, outcome.why = each, str(error)
                    outcome.left = claimed[tried:]
                    return outcome
                (outcome.done if is_taken else outcome.foreign).append(each)
        return outcome

    def _sent_together(self, some: Sequence[Claimed], wanted: Mapping[str, Records]) -> bool:
        """Whether names were taken in one message. If not, each has to be tried alone."""
        names = {each.name: wanted[each.name] for each in some if each.name != WHOLE_ZONE}
        try:
            return len(names) == len(some) and self._server.publish(names)
        except ZoneRefused:
            return False

    def _sent_alone(self, claimed: Claimed, wanted: Mapping[str, Records]) -> bool:
        """False if the name is somebody else's. Raises ZoneRefused."""
        if claimed.name == WHOLE_ZONE:
            self._compare(is_asked=True)
            return True
        return self._server.publish({claimed.name: wanted[claimed.name]})

    def _record(self, tx: Transaction, outcome: Outcome) -> None:
        now_us = clock.now_microseconds()
        dns_changes.done(tx, outcome.done)
        for each, seconds, why in delivery.waits(outcome, self.zone.name):
            send_at_us = now_us + int(seconds * 1_000_000)
            dns_changes.postpone(tx, each, send_at_us=send_at_us, last_error=why)

    def _tell(self, outcome: Outcome) -> None:
        for each in outcome.foreign:
            why = delivery.kept(each.name, self.zone.name)
            if each.last_error != why:
                LOG.warning("%s", why)
        if outcome.done:
            LOG.info("Names of %s brought up to date: %d", self.zone.name, len(outcome.done))
        if outcome.why:
            self._pace = self._pace.failed(time.monotonic())
            if self._trouble.begins(outcome.why):
                LOG.warning("Names of %s wait; trying on: %s", self.zone.name, outcome.why)
            return
        self._pace = Pace()
        if self._trouble.ends():
            LOG.info("Works again: names of %s", self.zone.name)

    def _compare(self, *, is_asked: bool) -> None:
        """Note the names that are not as they should be. Raises ZoneRefused.

        After a change of many ports it is asked for; then many names may go.
        """
        try:
            found = look(self._database, self._server, self._wanted)
        except TransferRefused as error:
            self._cannot_compare(f"{error} Names that are left over stay until then.")
            # The others are put right all the same: each is sent.
            wanted = self._database.read(lambda tx: self._wanted.of_zone(tx, self.zone))
            self._put(wanted)
            return
        if found.is_drastic and not is_asked:
            self._cannot_compare(drastic(self.zone, found))
            found = replace(found, left=frozenset())
        elif self._comparing.ends():
            LOG.info("Works again: comparing %s", self.zone.name)
        self._repair(found)

    def _cannot_compare(self, why: str) -> None:
        if self._comparing.begins(why):
            LOG.warning("Cannot compare %s: %s", self.zone.name, why)

    def _repair(self, found: Differences) -> None:
        """Note the names that can be put right. Others' are tried, too: they may be gone soon."""
        self._put((*found.to_repair, *found.foreign))
        if found.to_repair:
            LOG.info(
                "Compared %s: %d missing, %d other, %d left over",
                self.zone.name,
                len(found.missing),
                len(found.changed),
                len(found.left),
            )

    def _put(self, names: Iterable[str]) -> None:
        places = {(self.zone.name, name) for name in names}
        if places:
            self._database.write(lambda tx: dns_changes.put(tx, places))


class NameSender(Sending):
    """Brings the names of all zones up to date, and compares the zones now and then."""

    what = "names elsewhere"

    def __init__(
        self,
        database: Database,
        senders: Sequence[ZoneSender],
        wakes: WakeSocket,
        *,
        compare_interval: float,
    ) -> None:
        super().__init__(wakes, interval=INTERVAL_SECONDS)
        self._database = database
        self._senders = senders
        self._compare_interval = compare_interval
        self._compare_at = 0.0

    def send_batch(self) -> bool:
        """Send a batch of each zone, and compare the zones if it is time for that.

        A restored service does neither before it knows what its hosts hold.
        """
        if self._database.read(recovery.goes_on):
            self._compare_at = 0.0
            return False
        sent = [sender.send_batch() for sender in self._senders]
        if time.monotonic() < self._compare_at:
            return any(sent)
        self._compare_at = time.monotonic() + self._compare_interval
        self._forget_others()
        for sender in self._senders:
            sender.compare()
        return True

    def _forget_others(self) -> None:
        """Delete what waits for zones that are not set any more."""
        zones = [sender.zone.name for sender in self._senders]
        if count := self._database.write(lambda tx: dns_changes.forget_others(tx, zones)):
            LOG.warning("Names forgotten of zones that [dns] zones does not have: %d.", count)


def name_sender(settings: Settings, database: Database) -> NameSender:
    """The thread for these settings. Raises SettingsUnfit for a key file that is not fit."""
    of_dns = settings.dns
    wanted = Wanted(of_dns.known, settings.network.dns_domain)
    senders = [
        ZoneSender(database, name_server(one, of_dns), wanted, timeout=of_dns.timeout)
        for one in of_dns.zones
    ]
    wakes = WakeSocket(settings.run_path / DNS_WORKER_SOCKET)
    return NameSender(database, senders, wakes, compare_interval=of_dns.compare_interval)
