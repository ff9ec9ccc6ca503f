"""Whether an answer to a hostile request is one that a service may give."""

import json
from typing import Final

from tests.hostile.requests import Request
from tests.hostile.wire import Answer

HUNG: Final = "hang"
SERVER_ERROR: Final = "server error"
SILENT: Final = "no answer"
SMUGGLED: Final = "smuggled"
MISSHAPEN: Final = "misshapen error"
SPLIT: Final = "split answer"

ALIEN_CODING: Final = 501
"""RFC 9112, 6.1: what a server says to a transfer coding that it does not know."""


def verdict(request: Request, answer: Answer, next_answer: Answer | None = None) -> str:
    """What is wrong with the answer; empty if nothing is.

    `next_answer` is that to a GET of / on the same connection, sent after an ambiguous request.
    """
    if answer.is_hung:
        return HUNG if request.is_whole else ""
    if answer.status == 0:
        return SILENT if request.is_whole and request.is_legible else ""
    if next_answer is not None and next_answer.status:
        return SMUGGLED
    if answer.status >= 500 and not _is_allowed(request, answer):
        return SERVER_ERROR
    if b"\r\nforged" in answer.head.lower() or b"\x1b" in answer.head:
        return SPLIT
    if answer.status >= 400 and not request.has_no_body_in_answer and not _is_error(answer.body):
        return MISSHAPEN
    return ""


def _is_allowed(request: Request, answer: Answer) -> bool:
    is_alien = answer.status == ALIEN_CODING and b"\r\ntransfer-encoding" in request.raw.lower()
    return is_alien or answer.asks_to_come_back


def _is_error(body: bytes) -> bool:
    try:
        return set(json.loads(body)["NeutronError"]) == {"type", "message", "detail"}
    except (ValueError, KeyError, TypeError):
        return False
