"""What the forwarder has to know of DNS messages (RFC 1035, 4.1). Pure."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

HEADER: Final = 12
LONGEST_NAME: Final = 255
IS_ANSWER: Final = 0x80
SERVER_FAILURE: Final = 2
RECURSION_AVAILABLE: Final = 0x80
MOST_SERVERS: Final = 3


def question_of(message: bytes) -> bytes | None:
    """The octets of the only question of a message; None if it has none, or several."""
    if len(message) < HEADER or message[4:6] != b"\0\1":
        return None
    at = HEADER
    while at < len(message) and message[at]:
        at += 1 + message[at]
        if at - HEADER > LONGEST_NAME:
            return None
    end = at + 5
    return message[HEADER:end] if end <= len(message) else None


def is_question(message: bytes) -> bool:
    """Whether the message asks one question."""
    return question_of(message) is not None and not message[2] & IS_ANSWER


def with_id(message: bytes, number: bytes) -> bytes:
    """The message with these two octets as its id."""
    return number + message[2:]


def answers(message: bytes, question: bytes) -> bool:
    """Whether a message is an answer to another, by id and question."""
    return (
        len(message) >= HEADER
        and message[:2] == question[:2]
        and bool(message[2] & IS_ANSWER)
        and question_of(message) == question_of(question)
    )


def failure(question: bytes) -> bytes:
    """The answer that says that no server could be asked."""
    flags = bytes((question[2] | IS_ANSWER, RECURSION_AVAILABLE | SERVER_FAILURE))
    return question[:2] + flags + b"\0\1" + bytes(6) + (question_of(question) or b"")


def name_servers(resolv_conf: str) -> list[str]:
    """The servers that a resolv.conf(5) names, as many as the resolver of a host asks."""
    return list(_name_servers(resolv_conf))[:MOST_SERVERS]


def _name_servers(resolv_conf: str) -> Iterator[str]:
    for line in resolv_conf.splitlines():
        keyword, *values = line.split() or [""]
        if keyword == "nameserver" and values:
            try:
                yield str(ip_address(values[0]))
            except ValueError:
                continue
