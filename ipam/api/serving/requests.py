"""How waitress reads one request, and answers it."""

from typing import Any, Final

import msgspec
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error, RequestEntityTooLarge

from ipam.identity.authentication import PEER_UID

DRAIN_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""How much of a too long body is read and dropped, so that the client sees its 413."""

_ERROR_TYPES = {
    400: "HTTPBadRequest",
    408: "HTTPRequestTimeout",
    413: "HTTPRequestEntityTooLarge",
    431: "HTTPRequestHeaderFieldsTooLarge",
    501: "HTTPNotImplemented",
}


class RequestTimeoutError(Error):  # type: ignore[misc]  # waitress has no types
    """The request did not arrive in time. waitress knows no such error."""

    code = 408
    reason = "Request Timeout"


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Reads a body that is too long to its end, and keeps nothing of it.

    waitress would answer at once and close. A client that is still sending would see a reset
    connection instead of the answer. Requests of which a proxy may see another end are refused.
    """

    path = ""
    """waitress logs it when a client leaves, and sets it in heads alone that it can read."""
    _to_drain = 0

    def received(self, data: bytes) -> int:
        if self._to_drain:
            taken = min(len(data), self._to_drain)
            self._to_drain -= taken
            self.completed = self._to_drain == 0
            return taken
        consumed: int = super().received(data)
        if self._is_refused_unread():
            self._to_drain = self.content_length
            self.completed = False
        if self.completed:
            self.expect_continue = False  # waitress would ask for more, and wait for it
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head. Raises ParsingError if the end of the body is not clear (RFC 9112, 6)."""
        super().parse_header(header_plus)
        if self.chunked and (
            "CONTENT_LENGTH" in self.headers or _transfer_codings(header_plus) != b"chunked"
        ):
            raise ParsingError("Transfer-Encoding stands beside Content-Length, or twice")
        if "TRANSFER_ENCODING" in self.headers:  # waitress removes it of HTTP/1.1
            raise ParsingError("Transfer-Encoding is unknown to this version of HTTP")

    def _is_refused_unread(self) -> bool:
        return (
            isinstance(self.error, RequestEntityTooLarge)
            and self.body_bytes_received == 0
            and not self.expect_continue  # that client waits for the answer before it sends
            and 0 < self.content_length <= DRAIN_LIMIT_BYTES
        )


def _transfer_codings(head: bytes) -> bytes:
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    return b",".join(value.strip() for name, _, value in lines if name == b"transfer-encoding")


class ErrorAnswer(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Gives waitress's own errors the form of the API's errors."""

    def execute(self) -> None:
        error = self.request.error
        kind = _ERROR_TYPES.get(error.code, "HTTPBadRequest" if error.code < 500 else "Bug")
        body = msgspec.json.encode(
            {
                "NeutronError": {
                    "type": kind,
                    "message": f"{error.reason}: {error.body}",
                    "detail": "",
                }
            }
        )
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Answer(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Sends head and body together. While the server stops, it is the connection's last."""

    def write(self, data: bytes) -> None:
        if self.wrote_header or not data:
            super().write(data)
            return
        with self.channel.together():
            super().write(data)

    def build_response_header(self) -> bytes:
        if not self.channel.server.accepting:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class PeerAnswer(Answer):
    """Tells the application who is at the other end of a Unix socket."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[PEER_UID] = self.channel.peer_uid
        return environ
