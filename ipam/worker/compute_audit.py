"""The worker's audit: reclaims the orphans that two looks in a row have found."""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter

from ipam import keystone_session
from ipam.client import Client
from ipam.compute import audit
from ipam.compute.auditor import Auditor
from ipam.compute.findings import Finding, Kind
from ipam.compute.reclaiming import drastic
from ipam.compute.servers import Servers, sign_in_error
from ipam.errors import CallerError, IpamError
from ipam.settings import Settings
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)


def start(settings: Settings) -> None:
    """Audit in a thread of its own, which ends with the process. It may be cut off at any point.

    Raises CallerError if [nova] does not say how to sign in.
    """
    try:
        nova = keystone_session.nova_adapter(settings)
    except exceptions.ClientException as error:
        raise sign_in_error(error) from error
    rounds = AuditRounds(
        lambda: auditor(settings, nova), grace_seconds=settings.compute.orphan_grace_seconds
    )
    LOG.info("Comparing ports with servers every %g s", settings.compute.audit_interval)
    threading.Thread(
        target=_for_ever,
        args=(rounds, settings.compute.audit_interval),
        name="compute-audit",
        daemon=True,
    ).start()


@contextlib.contextmanager
def auditor(settings: Settings, nova: Adapter) -> Iterator[Auditor]:
    """An auditor that uses the API's socket if there is one, else the API of the catalog."""
    with _client(settings, nova) as client:
        yield Auditor(client, Servers(nova))


class AuditRounds:
    """Looks, and reclaims what both this look and the one before it have found."""

    def __init__(
        self, connect: Callable[[], AbstractContextManager[Auditor]], *, grace_seconds: float
    ) -> None:
        self._connect = connect
        self._grace_seconds = grace_seconds
        self._last: Sequence[Finding] = ()
        self._told: set[tuple[Any, ...]] = set()
        self._trouble = Trouble()

    def round(self) -> None:
        """Look once and act on the result. Raises only for bugs."""
        try:
            with self._connect() as auditor:
                trouble = self._audit(auditor)
        except IpamError as error:
            trouble = f"cannot compare ports with servers, nothing is reclaimed: {error}"
        if trouble:
            if self._trouble.begins(trouble):
                LOG.warning("Audit: %s", trouble)
        elif self._trouble.ends():
            LOG.info("Audit: works again")

    def _audit(self, auditor: Auditor) -> str:
        """Why nothing may be reclaimed; empty if all was done."""
        listing = auditor.look()
        seen = audit.find(listing, grace_seconds=self._grace_seconds)
        findings = audit.confirmed(self._last, seen)
        self._last = seen
        self._tell(findings)
        if why := drastic(listing):
            return f"{why} Nothing is reclaimed; `ipam compute audit` shows it."
        for orphan in (each for each in findings if each.kind is Kind.ORPHAN):
            _reclaim(auditor, orphan)
        return ""

    def _tell(self, findings: Sequence[Finding]) -> None:
        identities = {finding.identity for finding in findings}
        if identities != self._told:
            kinds = Counter(str(finding.kind) for finding in findings)
            counts = ", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items()))
            LOG.info("Audit: %s", counts or "ports and servers agree")
        self._told = identities


def _reclaim(auditor: Auditor, orphan: Finding) -> None:
    """Reclaim one port. A failure is logged and does not affect the other ports."""
    assert orphan.port is not None, orphan
    try:
        (decided,) = auditor.decided([orphan])
        result = auditor.reclaim(decided)
    except IpamError as error:
        LOG.warning("Port %s of server %s: %s", orphan.port.id, orphan.server_id, error)
        return
    LOG.info("Port %s: %s. %s %s", orphan.port.id, result, decided.evidence, decided.proposal)


def _client(settings: Settings, nova: Adapter) -> Client:
    if settings.api.socket.exists():
        return Client(socket_path=settings.api.socket)
    try:
        endpoint = nova.session.get_endpoint(
            service_type="network", interface=nova.interface, region_name=nova.region_name
        )
    except exceptions.ClientException as error:
        raise sign_in_error(error) from error
    if not endpoint:
        raise CallerError("Keystone's catalog has no endpoint of the service `network` that fits.")
    auth = keystone_session.SessionAuth(nova.session)
    return Client(url=endpoint, auth=auth, verify=keystone_session.verify(nova.session))


def _for_ever(rounds: AuditRounds, interval_seconds: float) -> None:
    while True:
        try:
            rounds.round()
        except Exception:
            LOG.exception("Audit: failed")
        time.sleep(interval_seconds)
