"""Reads Neutron's mappings of physical networks to a host's interfaces or bridges. Pure.

A physical network `node-7:eth1` needs no mapping: it is what eth1 of host node-7 leads to. Mapped
names have no colon.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Mappings: TypeAlias = Mapping[str, str]
"""The name of an interface or bridge by physical network."""

INTERFACE: Final = r"[^:/\s]{1,15}"
_OF_THE_AGENT = ("tap", "brq", "vxlan-")


def mappings(texts: Sequence[str]) -> Mappings:
    """`["physnet1:eth1"]` as a mapping. Raises ValueError."""
    found: dict[str, str] = {}
    for text in texts:
        physical, _, name = text.rpartition(":")
        if physical in found:
            raise ValueError(f"{physical} is mapped twice, to {found[physical]} and to {name}")
        if name in found.values():
            raise ValueError(f"{name} is mapped twice: it carries one physical network")
        if not leads_out(name):
            raise ValueError(f"{name} leads to no other host")
        found[physical] = name
    return found


def leads_out(interface: str) -> bool:
    """Whether an interface of this name may lead to other hosts; the agent's own do not."""
    return interface != "lo" and not interface.startswith(_OF_THE_AGENT)


def of_host(host: str, interface: str) -> str:
    """The physical network to which the host's interface leads."""
    return f"{host}:{interface}"


def host_and_interface(physical_network: str | None) -> tuple[str, str] | None:
    """The two that `of_host` has put together; None for a physical network that is mapped."""
    host, colon, interface = (physical_network or "").rpartition(":")
    if not colon or not re.fullmatch(INTERFACE, interface) or not leads_out(interface):
        return None
    return host, interface
