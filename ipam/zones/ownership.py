"""The marker beside the records of a name that this service made: a DHCID record. Pure.

RFC 4701 and 4703: whoever updates a name of DHCP for a machine stores there what the machine is,
and changes no name with another marker or none. Here all names are of one machine, the service. So
its names and those of other DHCP servers with dynamic DNS are safe from each other.
"""

import base64
import hashlib
import uuid
from typing import Final

_BY_DUID: Final = b"\x00\x02"
"""RFC 4701 §3.3: the digest is of a DUID."""
_SHA_256: Final = b"\x01"
_DUID_UUID: Final = b"\x00\x04"
"""RFC 6355: a DUID that is made of a UUID."""
_NAMESPACE: Final = uuid.UUID("5c1f8f0e-9e3e-4f0f-8f5a-6f6a0a1c7d11")


def marker(owner: str, name: str) -> str:
    """The value of the DHCID record at a name, without a final dot, for this [dns] owner."""
    return dhcid(_DUID_UUID + uuid.uuid5(_NAMESPACE, owner).bytes, name)


def dhcid(duid: bytes, name: str) -> str:
    """The value of the DHCID record at a name for a machine with this DUID."""
    digest = hashlib.sha256(duid + _wire(name)).digest()
    return base64.b64encode(_BY_DUID + _SHA_256 + digest).decode()


def _wire(name: str) -> bytes:
    """The name as it is in messages: each label after its length."""
    labels = [label.encode() for label in name.lower().split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"
