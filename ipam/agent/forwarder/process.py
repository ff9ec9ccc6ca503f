"""The forwarder's process, without rights: the agent hands it the sockets in the namespaces.

It outlives the agent, as the dnsmasqs do, and ends when an agent says so.
"""

import asyncio
import contextlib
import json
import logging
import os
import pwd
import resource
import socket
import sys
from pathlib import Path
from typing import Any, Final

from ipam.agent.forwarder.messages import name_servers
from ipam.agent.forwarder.relay import Relay

LOG = logging.getLogger(__name__)

USER: Final = "nobody"
LONGEST_REQUEST: Final = 4096
SOCKETS: Final = 2
RESOLV_SECONDS: Final = 5.0


class Upstream:
    """The servers to ask: given ones, or those of a resolv.conf, which may change."""

    def __init__(self, given: list[str], resolv_conf: str) -> None:
        self._given = given
        self._resolv_conf = Path(resolv_conf) if resolv_conf else None
        self._read_at = float("-inf")

    def servers(self) -> list[str]:
        """They in order."""
        loop_time = asyncio.get_running_loop().time()
        if self._resolv_conf is not None and loop_time >= self._read_at + RESOLV_SECONDS:
            self._read_at = loop_time
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._given = name_servers(self._resolv_conf.read_text())
        return self._given


class Forwarder:
    """The relays by network, and the agent that says which."""

    def __init__(self, listener: socket.socket, signature: str, upstream: Upstream) -> None:
        self._listener = listener
        self._signature = signature
        self._upstream = upstream
        self._relays: dict[str, Relay] = {}
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Forward until an agent ends it."""
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        loop.add_reader(self._listener, self._accept)
        await self._ended.wait()
        for relay in self._relays.values():
            relay.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            agent, _ = self._listener.accept()
            agent.setblocking(False)
            greeting = {"signature": self._signature, "pid": os.getpid()}
            agent.send(json.dumps(greeting).encode())
            asyncio.get_running_loop().add_reader(agent, self._hear, agent)

    def _hear(self, agent: socket.socket) -> None:
        try:
            said, descriptors, _flags, _ = socket.recv_fds(agent, LONGEST_REQUEST, SOCKETS)
        except OSError:
            said, descriptors = b"", []
        sockets = [socket.socket(fileno=one) for one in descriptors]
        if not said:
            asyncio.get_running_loop().remove_reader(agent)
            agent.close()
            return
        self._obey(json.loads(said), sockets)

    def _obey(self, request: dict[str, Any], sockets: list[socket.socket]) -> None:
        match request:
            case {"serve": str(network_id), "servers": given} if len(sockets) == SOCKETS:
                self._leave(network_id)
                servers = self._upstream if given is None else Upstream(given, "")
                self._relays[network_id] = Relay(
                    asyncio.get_running_loop(), servers.servers, sockets[0], sockets[1]
                )
            case {"leave": str(network_id)}:
                self._leave(network_id)
            case {"end": True}:
                asyncio.get_running_loop().remove_reader(self._listener)
                self._listener.close()  # nobody joins one that ends
                self._ended.set()
            case _:
                LOG.error("a request that is none: %s", str(request)[:200])
                for one in sockets:
                    one.close()

    def _leave(self, network_id: str) -> None:
        relay = self._relays.pop(network_id, None)
        if relay is not None:
            relay.close()


def main() -> None:
    """Run with a listening socket as descriptor 0 and the settings as the only argument."""
    given = json.loads(sys.argv[1])
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.socket(fileno=0) as listener:
        _drop_rights()
        upstream = Upstream(given["servers"], given["resolv_conf"])
        asyncio.run(Forwarder(listener, given["signature"], upstream).run())


def _drop_rights() -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)


if __name__ == "__main__":
    main()
