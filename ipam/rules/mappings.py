"""Reads Neutron's mappings of physical networks to a host's interfaces or bridges. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Mappings: TypeAlias = Mapping[str, str]
"""The name of an interface or bridge by physical network."""

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
        if name == "lo" or name.startswith(_OF_THE_AGENT):
            raise ValueError(f"{name} leads to no other host")
        found[physical] = name
    return found
