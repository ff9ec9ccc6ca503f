"""Relays the questions of one network's resolver, which come by two sockets in its namespace."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from ipam.agent.forwarder import messages

PORT: Final = 53
MOST_QUESTIONS: Final = 150
"""At once, as many as dnsmasq has by default. More are dropped, and asked again."""
MOST_CONNECTIONS: Final = 20
AT_A_TIME: Final = 32
"""So many questions of one network are taken before another network's turn."""
LONGEST_MESSAGE: Final = 65_535
ATTEMPT_SECONDS: Final = 1.5
CONNECT_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 10.0


class Relay:
    """One network's. It is made and closed in the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        servers: Callable[[], Sequence[str]],
        datagrams: socket.socket,
        connections: socket.socket,
        port: int = PORT,
    ) -> None:
        """`servers` says which servers to ask, at this port, one after the other."""
        self._loop = loop
        self._servers = servers
        self._port = port
        self._datagrams = datagrams
        self._connections = connections
        self._asking: set[asyncio.Task[None]] = set()
        self._connected: set[asyncio.Task[None]] = set()
        for one in (datagrams, connections):
            one.setblocking(False)
        loop.add_reader(datagrams, self._read)
        loop.add_reader(connections, self._accept)

    def close(self) -> None:
        """Close the sockets, which keep their namespace alive, and answer nothing more."""
        for one in (self._datagrams, self._connections):
            self._loop.remove_reader(one)
            one.close()
        for task in (*self._asking, *self._connected):
            task.cancel()

    def _read(self) -> None:
        for _ in range(AT_A_TIME):
            try:
                question, asker = self._datagrams.recvfrom(LONGEST_MESSAGE)
            except OSError:
                return
            if messages.is_question(question) and len(self._asking) < MOST_QUESTIONS:
                self._begin(self._asking, self._answer(question, asker))

    def _accept(self) -> None:
        try:
            accepted, _asker = self._connections.accept()
        except OSError:
            return
        if len(self._connected) < MOST_CONNECTIONS:
            accepted.setblocking(False)
            self._begin(self._connected, self._connect(accepted))
        else:
            accepted.close()

    def _begin(self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _answer(self, question: bytes, asker: object) -> None:
        answer = None
        for server in self._servers():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    answer = await self._ask(server, question)
                    break
        said = messages.with_id(answer, question[:2]) if answer else messages.failure(question)
        with contextlib.suppress(OSError):
            self._datagrams.sendto(said, asker)  # type: ignore[call-overload]

    async def _ask(self, server: str, question: bytes) -> bytes:
        """The server's answer. Who does not see the question guesses port and id in vain."""
        sent = messages.with_id(question, secrets.token_bytes(2))
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect((server, self._port))
            await self._loop.sock_sendall(asking, sent)
            while True:
                answer = await self._loop.sock_recv(asking, LONGEST_MESSAGE)
                if messages.answers(answer, sent):
                    return answer

    async def _connect(self, accepted: socket.socket) -> None:
        """Join a connection with one to the first server that takes it."""
        inner = await asyncio.open_connection(sock=accepted)
        try:
            for server in self._servers():
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(CONNECT_SECONDS):
                        outer = await asyncio.open_connection(server, self._port)
                    try:
                        await asyncio.gather(_copy(inner[0], outer[1]), _copy(outer[0], inner[1]))
                    finally:
                        outer[1].close()
                    return
        finally:
            inner[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on all that comes, until the end or until nothing comes."""
    while True:
        async with asyncio.timeout(IDLE_SECONDS):
            octets = await reader.read(LONGEST_MESSAGE)
        if not octets:
            writer.close()
            return
        writer.write(octets)
        async with asyncio.timeout(IDLE_SECONDS):
            await writer.drain()
