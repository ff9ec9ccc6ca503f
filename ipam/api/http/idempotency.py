"""Idempotency-Key: a POST that is sent again gets the same answer, and is not carried out again.

A key belongs to the caller who sent it and to one request: method, path, query and body. The first
statement of the transaction takes the key and the last one keeps the answer, so that a crash
leaves both or neither. Of several requests at once the unique key lets one continue, and the
others wait for its answer. A refused request changed nothing and is not kept. Sent again, it is
tried again.

A route that does not call `keep` has its key taken in its transaction, and its answer kept in a
later one. If the process dies in between, the key is refused with 409 for a day.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import falcon
import msgspec

from ipam.api.http.bodies import parsing, read_bytes
from ipam.api.http.service import FrameworkService
from ipam.errors import HTTPBadRequest, IdempotencyKeyInUse, IdempotencyKeyReused
from ipam.identity.caller import Caller
from ipam.store import idempotency
from ipam.store.engine.database import Transaction, enclose
from ipam.store.idempotency import KeptAnswer, KeyTaken

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
"""The header that marks an answer as repeated."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Attempt:
    """One request with a key, while it is handled."""

    def __init__(self, key_id: str, request: str) -> None:
        self.key_id = key_id
        self.request = request
        self.is_over = False
        self.claimed = False
        self.settled = False
        self.answer: Callable[[Any], tuple[int, bytes]] | None = None

    def envelope(self, tx: Transaction, work: Callable[[Transaction], Any]) -> Any:
        """Run the request's first transaction, and take the key and keep the answer in it."""
        if self.claimed:
            return work(tx)
        idempotency.claim(tx, self.key_id, self.request, is_over=self.is_over)
        result = work(tx)
        settled = self.answer is not None
        if self.answer is not None:
            idempotency.settle(tx, self.key_id, *self.answer(result))
        tx.on_commit(lambda: self._committed(settled=settled))
        return result

    def _committed(self, *, settled: bool) -> None:
        self.claimed = True
        self.settled = settled


class Idempotency:
    """Falcon middleware after `Authorization`: the caller is known and authorized."""

    def __init__(self, service: FrameworkService) -> None:
        self._service = service

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, _resource: Any, _params: dict[str, Any]
    ) -> None:
        key = req.get_header(HEADER)
        if req.method != "POST" or key is None or req.context.caller is None:
            return
        if not _KEY.fullmatch(key):
            raise HTTPBadRequest(
                f"Invalid input for {HEADER}. Reason: it is not 1 to 255 printable ASCII"
                " characters without spaces."
            )
        body = read_bytes(req, self._service.settings.api.max_body_bytes)
        attempt = Attempt(_key_id(req.context.caller, key), _request_id(req, body))
        kept = self._service.database.read(lambda tx: idempotency.find(tx, attempt.key_id))
        if kept is not None and not kept.is_over:
            _answer_again(resp, attempt, kept)
            resp.complete = True
            return
        attempt.is_over = kept is not None
        req.context.idempotency = attempt
        enclose(attempt.envelope)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, succeeded: bool
    ) -> None:
        enclose(None)
        attempt: Attempt | None = getattr(req.context, "idempotency", None)
        if attempt is None or not attempt.claimed or attempt.settled or not succeeded:
            return
        status = falcon.http_status_to_code(resp.status)
        self._service.database.write(
            lambda tx: idempotency.settle(tx, attempt.key_id, status, resp.data or b"")
        )

    def answer_taken(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer like the first request with the key."""
        enclose(None)
        attempt: Attempt = req.context.idempotency
        kept = self._service.database.read(lambda tx: idempotency.find(tx, attempt.key_id))
        if kept is None:
            raise IdempotencyKeyInUse(f"The {HEADER} was just used; send the request again.")
        _answer_again(resp, attempt, kept)


def keep(req: falcon.Request, status: int, answer: Callable[[Any], Any]) -> None:
    """Say how the result of the next transaction is answered: with this status and JSON."""
    attempt: Attempt | None = getattr(req.context, "idempotency", None)
    if attempt is not None:
        attempt.answer = lambda result: (status, msgspec.json.encode(answer(result)))


def install(app: falcon.App[Any, Any], middleware: Idempotency, faults: Any) -> None:
    """Make the application answer requests whose key another request took first.

    `faults` handles the errors of that, because an error handler must not raise.
    """

    def handle(
        req: falcon.Request, resp: falcon.Response, _error: Exception, params: dict[str, Any]
    ) -> None:
        try:
            middleware.answer_taken(req, resp)
        except Exception as error:  # noqa: BLE001  # `faults` answers it
            faults(req, resp, error, params)

    app.add_error_handler(KeyTaken, handle)


def _answer_again(resp: falcon.Response, attempt: Attempt, kept: KeptAnswer) -> None:
    if kept.request != attempt.request:
        raise IdempotencyKeyReused(
            f"The {HEADER} was used for another request: take a new key for each."
        )
    if kept.status is None:
        raise IdempotencyKeyInUse(
            f"The first request with this {HEADER} is under way, or was cut off: look whether the"
            " change was made before you try again with another key."
        )
    resp.status = falcon.code_to_http_status(kept.status)
    resp.content_type = falcon.MEDIA_JSON
    resp.data = kept.answer
    resp.set_header(REPLAYED, "true")


def _key_id(caller: Caller, key: str) -> str:
    return _digest([caller.user_id, caller.project_id, key])


def _request_id(req: falcon.Request, body: bytes) -> str:
    """A hash that is equal for equal requests. The order of an object's members does not count."""
    try:
        canonical = parsing(body, _ordered)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        canonical = body  # refused later
    return _digest([req.method, req.path, req.query_string, canonical.hex()])


def _ordered(body: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body), order="deterministic")


def _digest(parts: list[str]) -> str:
    text = msgspec.json.encode(parts)  # unambiguous, which joined texts are not
    return hashlib.sha256(text).hexdigest()
