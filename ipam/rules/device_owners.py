"""What the device_owner of a port claims that its machine is. Pure.

A claim is judged as a person or a lenient program would read it: in any case and width, with
spaces around it, and with letters of another script that look the same.
"""

import unicodedata
from typing import Final

NETWORK: Final = "network:"
"""What the owner of a port of the cloud's own begins with: a DHCP server, a router."""
ROUTER_INTERFACES: Final = frozenset(
    {
        "network:router_interface",
        "network:router_interface_distributed",
        "network:ha_router_replicated_interface",
    }
)

_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def is_networks(device_owner: str) -> bool:
    """Whether it reads like an owner of the cloud's own, which other machines trust."""
    kind, colon, _ = _read(device_owner).partition(":")
    return (kind == "network" and bool(colon)) or not kind.isascii()


def is_servers(device_owner: str) -> bool:
    """Whether it reads like an owner of Nova's servers: `compute:` and a zone."""
    kind, colon, _ = _read(device_owner).partition(":")
    return kind == "compute" and bool(colon)


def is_router_interface(device_owner: str) -> bool:
    """Whether it reads like the owner of a router's port, whose device_id names the router."""
    return _read(device_owner) in ROUTER_INTERFACES


def is_guarded(device_owner: str, *, port_security_enabled: bool) -> bool:
    """Whether a host that keeps ports from sending from others' addresses keeps this one.

    A port without security, and one of the network's own, such as a router's, may send anything.
    """
    return port_security_enabled and not device_owner.startswith(NETWORK)


def _read(device_owner: str) -> str:
    if device_owner.isascii() and device_owner.isprintable() and " " not in device_owner:
        return device_owner.lower()
    folded = unicodedata.normalize("NFKC", device_owner).casefold()
    return "".join(each for each in folded if unicodedata.category(each) not in _INVISIBLE)
