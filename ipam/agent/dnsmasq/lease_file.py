"""dnsmasq's own lease file (lease.c): which leases it says, and how one is written. Pure.

dnsmasq empties the file and writes all of it at each change. So a reader may see a part, and a
kill may leave one.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

from ipam import model
from ipam.agent.leases.record import is_hardware_address
from ipam.agent.state import Lease

NAME: Final = "dnsmasq.leases"

PIECE_BYTES: Final = 4096
"""dnsmasq's C library writes in pieces of this size."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
_OCTETS = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})*")
_IAID = re.compile(r"T?[0-9]{1,10}")


def parsed(text: str) -> list[Lease] | None:
    """The leases, or None for what is a part of a file, or may be one."""
    # The server's own DUID stands between the leases of DHCPv4 and DHCPv6, also without either.
    has_middle = text.startswith("duid ") or "\nduid " in text
    is_whole = has_middle and text.endswith("\n") and len(text) % PIECE_BYTES != 0
    return leases_in(text) if is_whole else None


def leases_in(text: str) -> list[Lease]:
    """The leases of its whole lines. Lines of other kinds are left out."""
    *lines, _begun = text.split("\n")
    leases = (_lease(line.split(" ")) for line in lines)
    return [lease for lease in leases if lease is not None]


def text_of(leases: Iterable[Lease], server_duid: str) -> str:
    """The file from which a dnsmasq starts with these leases.

    Only values in exactly dnsmasq's own form are written. A lease with another form is left out,
    and its client asks again.
    """
    lines4, lines6 = [], []
    for lease in leases:
        name = lease.hostname if lease.hostname and _NAME.fullmatch(lease.hostname) else "*"
        if model.ip_version(lease.ip_address) == 6:
            if _OCTETS.fullmatch(lease.duid or "") and _IAID.fullmatch(lease.iaid or ""):
                words = (lease.expires_at, lease.iaid, lease.ip_address, name, lease.duid)
                lines6.append(" ".join(map(str, words)))
        elif is_hardware_address(lease.mac_address or ""):
            told = lease.client_id or ""
            client_id = told if _OCTETS.fullmatch(told) else "*"
            words = (lease.expires_at, lease.mac_address, lease.ip_address, name, client_id)
            lines4.append(" ".join(map(str, words)))
    return "\n".join([*lines4, f"duid {server_duid}", *lines6]) + "\n"


def _lease(words: Sequence[str]) -> Lease | None:
    if len(words) != 5 or not words[0].isdecimal():
        return None  # the server's DUID, or what later versions add
    expires, owner, address, name, client = (None if word == "*" else word for word in words)
    try:
        version = ip_address(address or "").version
    except ValueError:
        return None
    is_six = version == 6
    return Lease(
        ip_address=str(address),
        mac_address=None if is_six else owner,
        expires_at=int(expires or 0),
        hostname=name,
        client_id=None if is_six else client,
        duid=client if is_six else None,
        iaid=owner if is_six else None,
    )
