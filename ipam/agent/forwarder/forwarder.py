"""The agent's side of the forwarder: starts it, and hands it two sockets for each network."""

import contextlib
import hashlib
import json
import logging
import os
import select
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ipam import files, model
from ipam.agent.host.namespaces import call_in_namespace

LOG = logging.getLogger(__name__)

SOCKET: Final = "dns-forwarder.sock"
ADDRESS: Final = ("127.0.0.1", 5300)
"""Where a network's dnsmasq finds it in its namespace."""
PATIENCE_SECONDS: Final = 5.0
BACKLOG: Final = 16
PROGRAM: Final = "ipam.agent.forwarder.process"
LONGEST_GREETING: Final = 1024

Sockets = tuple[socket.socket, socket.socket]


class DnsForwarder:
    """Where no network has servers to ask it is off: one that runs ends. Not thread-safe.

    A network has servers of its own, or those of the settings: given ones or a resolv.conf's.
    """

    def __init__(
        self,
        path: Path,
        servers: Sequence[str] = (),
        resolv_conf: str = "",
        *,
        open_sockets: Callable[[str], Sockets] | None = None,
    ) -> None:
        self._path = path
        self._given: dict[str, Any] = {"servers": list(servers), "resolv_conf": resolv_conf}
        code = b"".join(one.read_bytes() for one in sorted(Path(__file__).parent.glob("*.py")))
        said = json.dumps(self._given).encode() + code
        self._given["signature"] = hashlib.sha256(said).hexdigest()
        self._open_sockets = open_sockets or _open_in_namespace
        self._link: socket.socket | None = None
        self._child = 0
        self.pid = 0
        """The process that was heard of last."""
        self.is_joined = False
        """Whether `start` found one that runs."""
        self._own: dict[str, tuple[str, ...]] = {}
        self._wanted: set[str] = set()
        self._served: set[str] = set()

    @property
    def is_on(self) -> bool:
        """Whether questions are forwarded at all."""
        return self._has_default() or any(self._own.values())

    def know(self, network_id: str, servers: Sequence[str] | None) -> None:
        """The network's questions go to these servers; None: to those of the settings."""
        now = None if servers is None else tuple(servers)
        if self._own.get(network_id) == now:
            return
        if now is None:
            del self._own[network_id]
        else:
            self._own[network_id] = now
        if network_id in self._wanted:
            self._bring(network_id)

    def start(self) -> None:
        """Join the one that runs, if it is of the same settings and code, or start another."""
        greeting = self._connect()
        if greeting is not None and (
            not self.is_on or greeting["signature"] != self._given["signature"]
        ):
            self._end_other()
        self.is_joined = self._link is not None
        if self.is_on and not self.is_joined:
            self._launch()

    def serve(self, network_id: str) -> None:
        """Forward the questions of this network's resolver, which runs from now on."""
        self._wanted.add(network_id)
        self._bring(network_id)

    def leave(self, network_id: str) -> None:
        """Forward them no longer. The sockets would keep the namespace."""
        self._wanted.discard(network_id)
        self._drop(network_id)

    def forget(self, network_id: str) -> None:
        """The network is not this host's any more."""
        self.leave(network_id)
        self._own.pop(network_id, None)

    def look(self) -> None:
        """From time to time: start it again if it has ended, and serve what could not be."""
        if not self.is_on:
            if self._link is not None:
                self.end()
            return
        if self._child and os.waitpid(self._child, os.WNOHANG)[0]:
            self._child = 0
        if self._link is None or _has_ended(self._link):
            LOG.warning("the DNS forwarder has ended; starting it again")
            self._hang_up()
            self.start()
        for network_id in self._wanted - self._served:
            if self._asks(network_id):
                self._serve(network_id)

    def end(self) -> None:
        """End the process: nothing is served any more."""
        self._send({"end": True})
        self.let_go()

    def let_go(self) -> None:
        """Close the link. The process runs on."""
        self._hang_up()

    def _has_default(self) -> bool:
        return bool(self._given["servers"] or self._given["resolv_conf"])

    def _asks(self, network_id: str) -> bool:
        own = self._own.get(network_id)
        return self._has_default() if own is None else bool(own)

    def _bring(self, network_id: str) -> None:
        """Forward the network's questions to the servers that it has now, if it has any."""
        if not self._asks(network_id):
            self._drop(network_id)
            return
        if self._link is None:
            self.start()
        self._served.discard(network_id)
        self._serve(network_id)

    def _drop(self, network_id: str) -> None:
        if network_id in self._served:
            self._served.discard(network_id)
            self._send({"leave": network_id})

    def _serve(self, network_id: str) -> None:
        try:
            sockets = self._open_sockets(network_id)
        except OSError as error:
            LOG.warning("network %s: its resolver cannot forward yet: %s", network_id, error)
            return
        with sockets[0], sockets[1]:
            said = {"serve": network_id, "servers": self._own.get(network_id)}
            if self._send(said, [one.fileno() for one in sockets]):
                self._served.add(network_id)

    def _send(self, request: Mapping[str, object], descriptors: Sequence[int] = ()) -> bool:
        if self._link is None:
            return False
        try:
            socket.send_fds(self._link, [json.dumps(request).encode()], list(descriptors))
        except OSError as error:
            LOG.warning("the DNS forwarder does not listen: %s", error)
            self._hang_up()
            return False
        return True

    def _connect(self) -> dict[str, Any] | None:
        """What the one that runs says of itself; None if none does."""
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.settimeout(PATIENCE_SECONDS)
        try:
            link.connect(str(self._path))
            greeting = json.loads(link.recv(LONGEST_GREETING) or b"null")
        except (OSError, ValueError):
            link.close()
            return None
        if not isinstance(greeting, dict):
            link.close()
            return None
        self._link, self.pid = link, int(greeting["pid"])
        return greeting

    def _end_other(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            watch = os.pidfd_open(self.pid)
            try:
                self._send({"end": True})
                ended = select.poll()
                ended.register(watch, select.POLLIN)
                if not ended.poll(PATIENCE_SECONDS * 1000):
                    LOG.warning("the earlier DNS forwarder does not end: process %d", self.pid)
            finally:
                os.close(watch)
        self._hang_up()

    def _launch(self) -> None:
        """Start the process. It has its listening socket from the beginning, so none waits."""
        self._path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(self._path))
            files.open_socket_file(self._path, files.PRIVATE)
            listener.listen(BACKLOG)
            command = [sys.executable, "-P", "-m", PROGRAM, json.dumps(self._given)]
            standard = [(os.POSIX_SPAWN_DUP2, listener.fileno(), 0)]
            self._child = os.posix_spawn(
                command[0], command, os.environ, file_actions=standard, setsid=True
            )
        self._connect()

    def _hang_up(self) -> None:
        self._served.clear()
        if self._link is not None:
            self._link.close()
            self._link = None


def _has_ended(link: socket.socket) -> bool:
    """Whether the process at the other end is gone: it says nothing after its greeting."""
    readable = select.poll()
    readable.register(link, select.POLLIN)
    return bool(readable.poll(0))


def _open_in_namespace(network_id: str) -> Sockets:
    """The pair of sockets in the network's namespace. Raises OSError if there is none."""
    return call_in_namespace(model.dhcp_namespace(network_id), _open_here)


def _open_here() -> Sockets:
    with contextlib.ExitStack() as opened:
        datagrams = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        connections = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        for one in (datagrams, connections):
            # Those of before may be about to be closed.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(ADDRESS)
        connections.listen(BACKLOG)
        opened.pop_all()
    return datagrams, connections
