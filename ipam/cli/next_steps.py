"""Decides what a user can do about an error of the service: a command, where one helps. Pure."""

import re
from collections.abc import Mapping
from typing import Final

BY_STATUS: Final[Mapping[int, str]] = {
    401: "Check --user and the password; `ipam user list` on the service's machine shows who is"
    " known.",
    403: "Sign in as a user with the role admin; `ipam user add NAME --role admin` makes one.",
    412: "Somebody changed it at the same time: look at it again and repeat the command.",
}
BY_TYPE: Final[Mapping[str, str]] = {
    "AddressScopeInUse": "`ipam subnet pool list --address-scope {id}` shows its pools.",
    "IpAddressAlreadyAllocated": "`ipam find {ip}` tells who has it.",
    "IpAddressGenerationFailure": "`ipam subnet usage {id}` shows how full it is.",
    "MacAddressInUse": "`ipam find {mac}` tells which port has it.",
    "NetworkInUse": "`ipam port list --network {id}` shows them.",
    "SubnetInUse": "`ipam subnet addresses {id}` shows them.",
    "SubnetPoolInUse": "`ipam subnet usage --subnet-pool {id}` shows its subnets.",
}
"""By the name of the error; what stands in braces is taken from its message."""
_VALUES: Final = {
    "id": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "mac": re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"),
    "ip": re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f]{0,4}"),
}


def next_step(error_type: str, status: int, message: str) -> str:
    """What to do, as a sentence; empty if that is not known."""
    template = BY_TYPE.get(error_type, "")
    found = {name: pattern.search(message) for name, pattern in _VALUES.items()}
    needed = [name for name in _VALUES if f"{{{name}}}" in template]
    if template and all(found[name] for name in needed):
        return template.format(**{name: match[0] for name, match in found.items() if match})
    return BY_STATUS.get(status, "")


def suggestion(word: str, commands: list[str]) -> str:
    """The command that was meant by a word that is none; empty if there is nothing like it."""
    import difflib  # noqa: PLC0415  # only for mistyped commands

    meant = MEANT.get(word.lower(), "")
    if meant:
        return meant
    near = difflib.get_close_matches(word.lower(), commands, n=1, cutoff=0.7)
    return near[0] if near else ""


MEANT: Final[Mapping[str, str]] = {
    "capacity": "subnet usage",
    "debug": "explain",
    "dhcp": "agent",
    "diagnose": "explain",
    "host": "agent",
    "lookup": "find",
    "mac": "find",
    "machine": "port",
    "pool": "subnet pool",
    "rbac": "network rbac",
    "search": "find",
    "server": "port",
    "upgrade": "db upgrade",
    "usage": "subnet usage",
    "vm": "port",
    "where": "find",
    "who": "who-had",
    "whois": "find",
    "why": "explain",
}
"""Words that people type for commands of another name."""
