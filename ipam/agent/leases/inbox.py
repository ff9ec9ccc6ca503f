"""Takes the hook's records, syncs them to disk, and only then acknowledges them.

One thread and one socket serve every dnsmasq of the host. A network's spooled records are older
than those that its hook sends, so its spool is emptied before its next record is taken.

All hooks run as one user. So the kernel is asked in which network's namespace a record was sent,
and a spool speaks for the network that it is named after: a hook that was taken over cannot speak
for another network.
"""

import contextlib
import itertools
import logging
import os
import pwd
import selectors
import socket
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ipam import clock, files
from ipam.agent.host import file_lease
from ipam.agent.host.file_watch import InotifyWatch
from ipam.agent.host.peer_namespace import NamespaceId, network_namespace, peer_namespace
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.record import (
    MalformedRecordError,
    found_event,
    lease_of,
    parse_record,
)
from ipam.agent.leases.table import LeaseTable
from ipam.chunks import chunks
from ipam.model import LeaseAction
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

LONGEST_RECORD = 1 << 18
IDLE_CONNECTION_LIMIT = 512
NAMESPACE_CONNECTION_LIMIT = 64
"""dnsmasq runs one hook at a time, and waits for it."""
LONGEST_SPOOL_BYTES = 16 << 20
"""Some 50,000 records. dnsmasq, and so its hook, may write no longer file."""
TOGETHER: Final = 32
"""So many spools are taken at once, with one sync."""
Take = Callable[[Mapping[str, list[bytes]]], None]
"""Is given new lines by network id."""
SPOOL_SECONDS = 1.0
"""How often all spools are looked at while one has records. A hook spools only while the socket
does not answer, and until its spool is empty."""
QUIET_SECONDS = 10.0
"""How often they are looked at, and the socket's file is looked for, while none has: the net under
the watch, which tells at once."""
GATHER_SECONDS = 0.01
"""What hooks write into spools meanwhile is synced together. None of them waits for it."""
WRITTEN = b"written"
_CREDENTIALS = struct.Struct("3i")


class Spool:
    """The files to which hooks append while nobody listens: one per network, owned by their user.

    The directory belongs to root, so the hook's user can only append.
    """

    def __init__(self, directory: Path, hook_user: str) -> None:
        self.directory = directory
        account = pwd.getpwnam(hook_user)
        self.uid, self._gid = account.pw_uid, account.pw_gid
        self._taken: dict[str, int] = {}
        """How many bytes of spools that are not emptied yet were taken."""
        self._refusal = Trouble()
        try:
            files.directory(directory, files.WAY_DIRECTORY)
        except OSError as error:
            self._disk_refuses(error)

    def prepare(self, network_id: str) -> Path:
        """Make the network's spool, writable for the hook, unless the disk refuses; its path."""
        path = self.directory / network_id
        if path.exists():
            return path  # opening and closing it here would end the lock that drain() holds
        try:
            self._make(path)
        except OSError as error:
            self._disk_refuses(error)
        return path

    def _make(self, path: Path) -> None:
        descriptor = files.opened(path, os.O_WRONLY)
        try:
            if os.geteuid() == 0:
                os.fchown(descriptor, self.uid, self._gid)
        finally:
            os.close(descriptor)

    def _disk_refuses(self, error: OSError) -> None:
        if self._refusal.begins(str(error)):
            LOG.error("lease events have no spool while the agent is down: %s", error)

    def waiting(self) -> list[str]:
        """The networks whose spools have records."""
        if not self.directory.is_dir():
            return []
        return [entry.name for entry in os.scandir(self.directory) if entry.stat().st_size]

    def has_news(self, network_id: str) -> bool:
        """Whether the network's spool has more than was taken."""
        try:
            size = (self.directory / network_id).stat().st_size
        except OSError:
            return False
        return size > self._taken.get(network_id, 0)

    def drain(self, network_ids: Sequence[str], take: Take) -> None:
        """Give the networks' new records to `take`, and empty the files if that does not raise.

        The hook in Python uses the same lock, and that in Lua cannot open a file with a lease, so
        no record is written between reading and emptying. Most is read before, as hooks wait for
        it; if one of them has it, the file is emptied later.
        """
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.ExitStack() as opened:
            found = {}
            for network_id in network_ids:
                with contextlib.suppress(FileNotFoundError):
                    found[network_id] = os.open(self.directory / network_id, flags)
                    opened.callback(os.close, found[network_id])
            self._take(found, take)
            for network_id, descriptor in found.items():
                self._empty(network_id, descriptor, take)

    def _empty(self, network_id: str, descriptor: int, take: Take) -> None:
        """Empty the file, unless somebody has it or it has more than is taken at once."""
        with contextlib.suppress(BlockingIOError, PermissionError):
            os.lockf(descriptor, os.F_TLOCK, 0)
            with file_lease.alone(descriptor):
                self._take({network_id: descriptor}, take, to_the_end=True)
                taken = self._taken.get(network_id, 0)
                if taken >= min(os.fstat(descriptor).st_size, LONGEST_SPOOL_BYTES):
                    os.ftruncate(descriptor, 0)
                    self._taken.pop(network_id, None)

    def _take(self, found: Mapping[str, int], take: Take, *, to_the_end: bool = False) -> None:
        """Take what is new, without an unfinished line, which is being written, or to the end."""
        lines, taken, room = {}, {}, LONGEST_SPOOL_BYTES
        for network_id, descriptor in found.items():
            start, size = self._taken.get(network_id, 0), os.fstat(descriptor).st_size
            if size < start:
                start = 0
            new = _read(descriptor, start, min(size, start + room))
            room -= len(new)
            if not to_the_end:
                new = new[: new.rfind(b"\n") + 1]
            if new:
                lines[network_id] = [line for line in new.split(b"\n") if line]
                taken[network_id] = start + len(new)
        if lines:
            take(lines)
            self._taken.update(taken)

    def remove(self, network_id: str) -> None:
        """Delete the spool of a network that is gone for good."""
        self._taken.pop(network_id, None)
        (self.directory / network_id).unlink(missing_ok=True)


def _unknown_reason(_action: LeaseAction, _network_id: str, _address: str) -> str:
    return ""


class LeaseInbox:
    """The socket server. It calls `on_event` after each batch that is on disk."""

    def __init__(
        self,
        path: Path,
        *,
        host: str,
        file: InboxFile,
        table: LeaseTable,
        spool: Spool,
        on_event: Callable[[], None],
        reason_of: Callable[[LeaseAction, str, str], str] = _unknown_reason,
        peer_namespace: Callable[[socket.socket], NamespaceId] = peer_namespace,
        network_namespace: Callable[[str], NamespaceId | None] = network_namespace,
    ) -> None:
        """`reason_of` says why the lease of a network's address begins or ends; "" if unknown."""
        self.path = path
        self._peer_namespace = peer_namespace
        self._network_namespace = network_namespace
        self._connected: Counter[NamespaceId] = Counter()
        self._refused: Counter[str] = Counter()
        self._look_at = 0.0
        self._host = host
        self._file = file
        self._table = table
        self._spool = spool
        self._on_event = on_event
        self._reason_of = reason_of
        self._lock = threading.Lock()
        self._spool_refusal = Trouble()
        self._lost = 0
        self.troubles: Mapping[str, str] = {}
        """What is not as it should be, by what."""
        self._heard: Counter[str] = Counter()
        self.epoch = uuid.uuid4().hex
        """A name of this life. Within it the events that are recorded are numbered."""
        self._sequence = itertools.count(1)
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._listener = _listen(path)
        self._inode = path.lstat().st_ino
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stop_reader, selectors.EVENT_READ)
        self._watch = InotifyWatch()
        """Wakes when a hook in Lua has written, and for all else that is done to a spool or to the
        socket's file."""
        self._watch_again()
        self._selector.register(self._watch, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="lease-inbox", daemon=True)

    def start(self) -> None:
        """Bring the lease table up to the file, take the records in the spools, then listen."""
        for event in self._file.waiting():
            self._table.apply(event)  # a killed agent had not saved it yet
        self._drain_all()
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, so that hooks spool. Does nothing if it was not started."""
        self._stop_writer.send(b"x")
        if self._thread.is_alive():
            self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # only sockets and a watch
        self._selector.close()
        self._stop_writer.close()
        self.path.unlink(missing_ok=True)

    def heard(self, network_id: str) -> int:
        """How many events the network's hooks have told in this life, echoes among them."""
        return self._heard[network_id]

    def record(self, events: list[LeaseEventCreate]) -> None:
        """Write events to disk and to the lease table. Raises OSError if there is no room."""
        with self._lock:
            events = self._with_begins([e for e in events if not self._table.knows(e)])
            if not events:
                return
            for event in events:
                event.epoch, event.sequence = self.epoch, next(self._sequence)
            self._file.append(events)
            for event in events:
                self._table.apply(event)
                # An old is told at each renewal.
                LOG.log(logging.DEBUG if event.action == "old" else logging.INFO, *_told(event))
        self._on_event()

    def _with_begins(self, events: Sequence[LeaseEventCreate]) -> list[LeaseEventCreate]:
        """The events, and before an end the begin that dnsmasq was heard to give, if no hook told.

        The hook of the begin may have been killed.
        """
        told: set[tuple[str, str, str | None]] = set()
        found = []
        for event in events:
            of = event.network_id, event.ip_address, event.mac_address
            if event.action in ("add", "old"):
                told.add(of)
            elif of not in told and self._table.is_unrecorded(*of):
                told.add(of)
                begun = lease_of(event)
                at = event.occurred_at_us
                found.append(found_event(event.network_id, event.host, "add", begun, at))
            found.append(event)
        return found

    def _serve(self) -> None:
        while True:
            seconds = max(0.0, self._look_at - time.monotonic())
            ready = [key.fileobj for key, _mask in self._selector.select(seconds)]
            if self._stop_reader in ready:
                return
            try:
                if self._watch in ready:
                    time.sleep(GATHER_SECONDS)
                    self._take_changes()
                self._turn([one for one in ready if isinstance(one, socket.socket)])
            except Exception:
                LOG.exception("lease inbox")

    def _turn(self, ready: list[socket.socket]) -> None:
        if time.monotonic() >= self._look_at:  # also while somebody keeps the socket busy
            is_watched = self._watch_again()
            self._look_at = time.monotonic() + (QUIET_SECONDS if is_watched else SPOOL_SECONDS)
            if not ready:
                self._listen_again()
            self._drain_all()
        asked: list[socket.socket] = []
        for one in ready:
            if one is self._listener:
                self._accept()
            else:
                asked.append(one)
        if asked:
            self._answer(asked)

    def _answer(self, asked: list[socket.socket]) -> None:
        """Answer hooks. One fdatasync serves all that ask at the same time."""
        events: list[LeaseEventCreate] = []
        heard = [one for one in asked if self._hear(one, events)]
        self._drain(sorted({event.network_id for event in events}))
        try:
            self.record(events)
        except OSError as error:
            self._lose(len(events), error)
            heard = []
        for connection in asked:
            if connection in heard:
                _send_written(connection)
            self._connected -= Counter([self._selector.unregister(connection).data])
            connection.close()

    def _hear(self, connection: socket.socket, events: list[LeaseEventCreate]) -> bool:
        """Add the event that the hook tells; whether it is told that this was done.

        A malformed line is dropped, or its hook would repeat it for ever. One from another
        network's namespace is not acknowledged: a hook of a namespace that is gone then spools it.
        """
        line = _receive(connection)
        parsed = self._parse([line]) if line else []
        sender: NamespaceId = self._selector.get_key(connection).data
        for event in parsed:
            if self._network_namespace(event.network_id) != sender:
                self._refuse(event, sender)
                return False
        events += parsed
        return bool(line)

    def _refuse(self, event: LeaseEventCreate, sender: NamespaceId) -> None:
        """Log each doubling, so that a forger cannot fill the log."""
        claimed = event.network_id if self._network_namespace(event.network_id) else ""
        self._refused[claimed] += 1
        count = self._refused[claimed]
        if count & (count - 1) == 0:
            LOG.warning(
                "lease inbox: refused an event for network %s from namespace %d, which is not its"
                " own (%d such)",
                event.network_id,
                sender.inode,
                count,
            )

    def _listen_again(self) -> None:
        """Have the socket's file again, if somebody has removed it: without it, hooks spool."""
        with contextlib.suppress(OSError):
            if self.path.lstat().st_ino == self._inode:
                return
        try:
            listener = _listen(self.path)
        except OSError as error:  # its directory is about to be made again
            LOG.debug("lease inbox: %s", error)
            return
        self._selector.unregister(self._listener)
        self._listener.close()
        self._listener, self._inode = listener, self.path.lstat().st_ino
        self._selector.register(listener, selectors.EVENT_READ)
        LOG.warning("%s was removed by hand and is there again", self.path)

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        credentials = connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        _pid, uid, _gid = _CREDENTIALS.unpack(credentials)
        if uid not in (0, os.geteuid(), self._spool.uid) or not self._register(connection):
            connection.close()

    def _register(self, connection: socket.socket) -> bool:
        """Listen to the connection, unless there are too many; whether that is so."""
        if len(self._selector.get_map()) > IDLE_CONNECTION_LIMIT:
            return False
        sender = self._peer_namespace(connection)
        if self._connected[sender] >= NAMESPACE_CONNECTION_LIMIT:
            return False
        self._connected[sender] += 1
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, sender)
        return True

    def _lose(self, count: int, error: OSError) -> None:
        """Say so, and each doubling. What no spool takes is found by what dnsmasq holds."""
        before, self._lost = self._lost, self._lost + count
        said = f"{self._lost} lease events found no room, in memory neither"
        self.troubles = {"inbox of leases": said}
        if self._lost.bit_length() != before.bit_length():
            LOG.error("%s: %s", said, error)

    def _watch_again(self) -> bool:
        """Watch the spools and the socket's file; whether that can be."""
        found = True
        for directory in (self._spool.directory, self.path.parent):
            if not self._watch.watches(directory):
                self._watch.watch(directory)
            found &= self._watch.watches(directory)
        return found

    def _take_changes(self) -> None:
        changed = {*self._watch.changed()}
        if not changed.isdisjoint((self.path, self.path.parent, self._spool.directory)):
            self._look_at = 0.0
        names = sorted(path.name for path in changed if path.parent == self._spool.directory)
        self._drain([name for name in names if self._spool.has_news(name)])

    def _drain_all(self) -> None:
        self._drain(self._spool.waiting())

    def _drain(self, network_ids: Sequence[str]) -> None:
        """Take what the networks' spools have, if the disk lets them be emptied."""
        if network_ids:  # what cannot be emptied now is to be soon
            self._look_at = min(self._look_at, time.monotonic() + SPOOL_SECONDS)
        for some in chunks(network_ids, TOGETHER):
            try:
                self._spool.drain(some, self._take_spooled)
            except OSError as error:
                if len(some) > 1:  # one of them alone may be at fault
                    for network_id in some:
                        self._drain([network_id])
                elif self._spool_refusal.begins(str(error)):
                    LOG.error("spools of leases cannot be emptied, and are tried again: %s", error)  # noqa: TRY400  # the message says it
            else:
                if self._spool_refusal.ends():
                    LOG.warning("spools of leases are emptied again")

    def _take_spooled(self, lines: Mapping[str, list[bytes]]) -> None:
        """Record what the networks' spools tell, all with one sync."""
        events = []
        for network_id, of_network in lines.items():
            for event in self._parse(of_network):
                if event.network_id == network_id:
                    events.append(event)
                else:
                    self._file.set_aside(event, f"it is in the spool of network {network_id}")
        self.record(events)

    def _parse(self, lines: list[bytes]) -> list[LeaseEventCreate]:
        """The events.

        A malformed line is logged and dropped, or its hook would repeat it for ever.
        """
        events = []
        for line in lines:
            try:
                event = parse_record(line, self._host, clock.now_microseconds())
            except MalformedRecordError as error:
                self._file.set_aside({"line": repr(line)}, str(error))
                continue
            if reason := self._reason_of(event.action, event.network_id, event.ip_address):
                event.details["reason"] = reason
            events.append(event)
        self._heard.update(event.network_id for event in events)
        return events


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    listener.bind(str(path))
    files.open_socket_file(path, 0o666)  # peer credentials decide who may write
    listener.listen(IDLE_CONNECTION_LIMIT)
    return listener


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(LONGEST_RECORD)
    except OSError:
        return b""


def _send_written(connection: socket.socket) -> None:
    try:
        connection.send(WRITTEN)
    except OSError as error:  # the hook has spooled the record; its id shows the repetition
        LOG.debug("lease inbox: %s", error)


def _read(descriptor: int, start: int, end: int) -> bytes:
    """What the file has between these places, up to a bound."""
    parts = []
    while (left := min(end, LONGEST_SPOOL_BYTES) - start) > 0:
        part = os.pread(descriptor, min(left, 1 << 20), start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _told(event: LeaseEventCreate) -> tuple[str, str, str, str, str]:
    """The arguments of a log line. Texts of clients are printable here."""
    name, mac = event.hostname or "no name", event.mac_address or event.duid or "?"
    return "lease %s: %s, %s, %s", event.action, event.ip_address, mac, name
