"""Reads a TSIG key as `tsig-keygen` writes it, which is the form of `nsupdate -k`. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

ALGORITHMS: Final = (
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
    "hmac-sha224",
    "hmac-sha1",
)
FEWEST_SECRET_BYTES: Final = 16

_KEY = re.compile(r'key\s+"?([^\s";{]+)"?\s*\{([^}]*)\}\s*;?')
_STATEMENT = re.compile(r'(algorithm|secret)\s+"?([^\s";]+)"?\s*;')
_COMMENT = re.compile(r"(?:^|\s)(?:#|//).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TsigKey:
    """A key that two parties sign messages with."""

    name: str
    algorithm: str
    secret: str = field(repr=False)
    """In base64."""


def read_key(text: str) -> TsigKey:
    """The key of a text. Raises ValueError with what is wrong, never with a part of the secret."""
    bare = _COMMENT.sub("", text)
    found = _KEY.findall(bare)
    if len(found) != 1:
        raise ValueError(
            f"it has {len(found)} keys, not one: `tsig-keygen NAME` prints the form,"
            ' key "NAME" { algorithm hmac-sha256; secret "…"; };'
        )
    name, body = found[0]
    statements = dict(_STATEMENT.findall(body))
    algorithm = statements.get("algorithm", "").lower().rstrip(".")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"its algorithm {algorithm!r} is none of {', '.join(ALGORITHMS)}")
    secret = statements.get("secret", "")
    try:
        raw = base64.b64decode(secret, validate=True)
    except binascii.Error:
        raise ValueError("its secret is not base64") from None
    if len(raw) < FEWEST_SECRET_BYTES:
        raise ValueError(f"its secret has {len(raw)} bytes, fewer than {FEWEST_SECRET_BYTES}")
    return TsigKey(name.rstrip("."), algorithm, secret)
