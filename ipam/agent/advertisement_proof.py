"""Decides whether a network's dnsmasq advertises its IPv6 subnets as promised. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ipam.agent.dnsmasq.probe_answers import Advertisement
from ipam.agent.dnsmasq.probe_words import named, told
from ipam.agent.promised import PromisedAdvertisement
from ipam.rules.dhcp_option_wire import comparable


@dataclass(frozen=True, slots=True)
class Heard:
    """What is not as promised in an advertisement."""

    lacks: str = ""
    gives_prefixes: bool = True
    """Whether machines can make their addresses in spite of it."""


def shortcomings(wanted: PromisedAdvertisement, found: Advertisement | None) -> Iterator[str]:
    """Sentences on what the advertisement is not as promised."""
    if found is None:
        yield "dnsmasq sends no router advertisement"
        return
    prefixes = {one.prefix: one for one in found.prefixes}
    for cidr, autonomous in wanted.prefixes.items():
        if cidr not in prefixes:
            yield f"dnsmasq does not advertise the prefix {cidr}"
        elif prefixes[cidr].autonomous != autonomous:
            have = "must not" if autonomous else "may"
            yield f"dnsmasq advertises that machines {have} make addresses in {cidr}"
        elif not prefixes[cidr].on_link or not prefixes[cidr].valid_seconds:
            yield f"dnsmasq advertises the prefix {cidr} as not on the link, or as over"
    said = {
        "managed": (wanted.managed, found.managed),
        "other-config": (wanted.other, found.other),
        "router-lifetime": (0, found.router_seconds),
        "mtu": (wanted.mtu, found.mtu),
        "domain-search": (_lower(wanted.search), _lower(found.search)),
    }
    if wanted.name_servers is not None:
        said["dns-server"] = (wanted.name_servers, found.name_servers)
    for name, (promised, got) in said.items():
        if promised != got:
            yield f"dnsmasq advertises {name} {_words(got)} and not {_words(promised)}"


def information_shortcomings(
    wanted: Mapping[int, bytes], found: Mapping[int, bytes] | None
) -> Iterator[str]:
    """Sentences on the answer to a machine that asks by DHCPv6 for no address."""
    if found is None:
        yield "dnsmasq does not answer DHCPv6 requests for information"
        return
    for code, octets in sorted(wanted.items()):
        got = found.get(code, b"")
        if comparable(code, 6, got) != comparable(code, 6, octets):
            have = f"option {named(code, 6)} as {told(code, 6, got)}"
            have = have if got else f"no option {named(code, 6)}"
            other = f" and not {told(code, 6, octets)}" if got and octets else ""
            yield f"dnsmasq's answer to DHCPv6 requests for information has {have}{other}"


def gives_prefixes(wanted: PromisedAdvertisement, found: Advertisement | None) -> bool:
    """Whether machines can make all addresses that they are to make."""
    if found is None:
        return False
    autonomous = {one.prefix for one in found.prefixes if one.autonomous and one.valid_seconds}
    return all(cidr in autonomous for cidr, makes in wanted.prefixes.items() if makes)


def _lower(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
