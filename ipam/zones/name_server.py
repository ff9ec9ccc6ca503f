"""Sends updates of one zone to its primary server, and reads the zone from it: RFC 2136 with TSIG.

Every message goes over TCP and is signed. An answer counts only if it is signed, too.
"""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update
import dns.xfr

from ipam.rules.dns_records import GUARDED, MARKER, Record, Records, types_of
from ipam.rules.tsig_key_text import TsigKey
from ipam.settings.dns import DnsSettings, PrimaryServer
from ipam.zones import refusals
from ipam.zones.keys import key_of
from ipam.zones.ownership import marker
from ipam.zones.refusals import TRANSFER, UPDATE, TransferRefused, ZoneRefused

MOST_RECORDS: Final = 500_000
"""A zone with more records that count is not compared: they would take some 200 MB of memory."""

TRANSFER_SECONDS: Final = 300.0
CONDITIONS: Final = ("NXRRSET", "YXRRSET")
"""Answers to updates whose conditions do not hold."""

PEER_ERRORS: Final = {
    dns.tsig.PeerBadKey: "BADKEY",
    dns.tsig.PeerBadSignature: "BADSIG",
    dns.tsig.PeerBadTime: "BADTIME",
    dns.tsig.PeerBadTruncation: "BADTRUNC",
}


class NameServer:
    """The primary server of a zone. Use it in a `with`: that keeps one connection for all."""

    def __init__(self, server: PrimaryServer, key: TsigKey, settings: DnsSettings) -> None:
        self.zone = server.zone
        self._server = server
        self._key_name = key.name
        self._key = dns.tsig.Key(key.name, key.secret, key.algorithm)
        self._owner = settings.owner
        self._ttl = settings.ttl
        self._timeout = settings.timeout
        self._connection: socket.socket | None = None

    def __enter__(self) -> Self:
        """Connects with the first message."""
        return self

    def __exit__(self, *_: object) -> None:
        self._disconnect()

    def publish(self, wanted: Mapping[str, Records]) -> bool:
        """Let each of these names have exactly its records, of the zone's types.

        It is one change: all of them or none. A single name is refused (False) if it is somebody
        else's. Several are, too, unless all are this service's, or all nobody's. Safe to repeat.
        Raises ZoneRefused.
        """
        if self._send(self._of_own(wanted)):
            return True
        if not all(wanted.values()):
            return len(wanted) == 1  # a name that is to go, and is not this service's
        return self._send(self._of_nobody(wanted))

    def transfer(self) -> tuple[dict[str, Records], set[str]]:
        """The records by name of the types that count, and the names that this service made.

        Raises ZoneRefused.
        """
        found: dict[str, set[Record]] = {}
        owned: set[str] = set()
        for count, (name, kind, value) in enumerate(self._transferred()):
            if count == MOST_RECORDS:
                raise TransferRefused(
                    f"{self.zone.name} has more than {MOST_RECORDS} records: it is not compared."
                )
            found.setdefault(name, set()).add((kind, value))
            if kind == MARKER and value == marker(self._owner, name):
                owned.add(name)
        return {name: frozenset(records) for name, records in found.items()}, owned

    def _of_own(self, wanted: Mapping[str, Records]) -> dns.update.UpdateMessage:
        """An update that is carried out if the names have this service's marker."""
        message = self._message()
        for name, records in wanted.items():
            message.present(_absolute(name), MARKER, marker(self._owner, name))
            for kind in sorted(types_of(self.zone)):
                message.delete(_absolute(name), kind)
            if records:
                self._add(message, name, records)
            else:
                message.delete(_absolute(name), MARKER)
        return message

    def _of_nobody(self, wanted: Mapping[str, Records]) -> dns.update.UpdateMessage:
        """An update that is carried out if the names have no records that count."""
        message = self._message()
        for name, records in wanted.items():
            for kind in GUARDED:
                message.absent(_absolute(name), kind)
            message.add(_absolute(name), self._ttl, MARKER, marker(self._owner, name))
            self._add(message, name, records)
        return message

    def _message(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(_absolute(self.zone.name), keyring=self._key)

    def _add(self, message: dns.update.UpdateMessage, name: str, records: Records) -> None:
        for kind, value in sorted(records):
            message.add(_absolute(name), self._ttl, kind, value)

    def _send(self, message: dns.update.UpdateMessage) -> bool:
        """Whether the update was carried out; False if its conditions do not hold."""
        with self._faults(UPDATE):
            answer = dns.query.tcp(
                message, self._server.address, self._timeout, sock=self._connected()
            )
            code = dns.rcode.to_text(answer.rcode())
            if code not in ("NOERROR", *CONDITIONS):
                raise self._refusal(code, UPDATE)
            if not answer.had_tsig:
                raise self._unsigned()
            return code == "NOERROR"

    def _transferred(self) -> Iterator[tuple[str, str, str]]:
        """Each record of the zone of a type that counts: its name, its type and its value."""
        with self._faults(TRANSFER):
            is_first = True
            for message in dns.query.xfr(
                self._server.address,
                _absolute(self.zone.name),
                port=self._server.port,
                timeout=self._timeout,
                lifetime=TRANSFER_SECONDS,
                keyring={self._key.name: self._key},
                keyname=self._key.name,
                keyalgorithm=self._key.algorithm,
                relativize=False,
            ):
                if is_first and not message.had_tsig:
                    raise self._unsigned()
                is_first = False
                for rrset in message.answer:
                    kind = dns.rdatatype.to_text(rrset.rdtype)
                    if kind in GUARDED:
                        name = rrset.name.to_text(omit_final_dot=True).lower()
                        for rdata in rrset:
                            yield name, kind, _value(kind, rdata)

    def _connected(self) -> socket.socket:
        if self._connection is None:
            endpoint = (self._server.address, self._server.port)
            self._connection = socket.create_connection(endpoint, self._timeout)
            self._connection.setblocking(False)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Whatever goes wrong as a ZoneRefused, after which the next message connects anew."""
        try:
            yield
        except ZoneRefused:
            self._disconnect()
            raise
        except dns.tsig.PeerError as error:
            self._disconnect()
            raise self._refusal(PEER_ERRORS.get(type(error), "TSIG"), what) from error
        except dns.xfr.TransferError as error:
            self._disconnect()
            raise self._refusal(dns.rcode.to_text(error.rcode), what) from error
        except dns.exception.FormError as error:
            self._disconnect()
            raise self._unsigned() from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            self._disconnect()
            why = str(error) or type(error).__name__
            raise refusals.silence(why, zone=self.zone.name, server=self._server.called) from error

    def _refusal(self, code: str, what: str) -> ZoneRefused:
        return refusals.refusal(
            code,
            zone=self.zone.name,
            server=self._server.called,
            key_name=self._key_name,
            what=what,
        )

    def _unsigned(self) -> ZoneRefused:
        return ZoneRefused(
            f"{self._server.called} does not sign its answers for {self.zone.name}: it has no such"
            " zone, or what answers is another server. Compare [dns] zones with its settings."
        )


def name_server(server: PrimaryServer, settings: DnsSettings) -> NameServer:
    """The server of a zone. Raises SettingsUnfit for a key file that is not fit."""
    return NameServer(server, key_of(server, settings), settings)


def _absolute(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


def _value(kind: str, rdata: Any) -> str:
    text = str(rdata.to_text())
    if kind == MARKER:
        return text.replace(" ", "")  # it is written in blocks
    return text.lower() if kind == "PTR" else text
