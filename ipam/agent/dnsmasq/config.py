"""The text of every file that dnsmasq reads, out of parsed values. Pure.

Two classes of text: the startup configuration, where a change means a restart, and the files below
`hosts/` and `options/`, which dnsmasq reads when they are new (inotify) and again on SIGHUP.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from ipam.agent.dnsmasq import safe_words
from ipam.templating import Word, render_config, render_lines

DEFAULT_ROUTE = Word("0.0.0.0/0")
ON_LINK = Word(IPv4Address(0))
"""The nexthop of a route without a router."""
RANGE_MODES = {mode: Word(mode) for mode in ("static", "ra-only", "ra-stateless")}


@dataclass(frozen=True, slots=True)
class Site:
    """What is the same for every dnsmasq of this host."""

    run_path: Word
    mac_tags: Word
    """The file that holds `mac_tags_file`."""
    hook: Word
    hook_user: Word

    def directory(self, network_id: str) -> Word:
        """Where a network's files are."""
        return safe_words.path(f"{self.run_path}/{safe_words.uuid(network_id)}")


@dataclass(frozen=True, slots=True)
class DhcpRange:
    """A subnet that dnsmasq answers for: only reserved hosts, or IPv6 configuration."""

    subnet_id: Word
    network: IPv4Network | IPv6Network
    mode: str
    """`static`, or for IPv6 also `ra-only` and `ra-stateless`."""
    lease_seconds: int
    is_advertised: bool = False
    """Whether dnsmasq sends router advertisements of it."""


@dataclass(frozen=True, slots=True)
class Host:
    """What one MAC address gets: at most one IPv4 address, any number of IPv6 ones."""

    mac: Word
    name: Word
    addresses: Sequence[Word]
    client_id: Word | None = None
    """By which it is known as well as by its MAC address."""
    lease_time: Word | None = None
    """Instead of the subnet's."""


@dataclass(frozen=True, slots=True)
class Option:
    """A DHCP option for the requests that carry all the tags; without values it is suppressed."""

    tags: Sequence[Word]
    option: Word
    values: Sequence[Word] = ()


def startup(
    site: Site,
    network_id: str,
    *,
    interface: Word,
    addresses: Iterable[str],
    mtu: int,
    ranges: Sequence[DhcpRange],
    options: Sequence[Option],
) -> str:
    """The configuration of one dnsmasq, which advertises prefixes, but itself as no router.

    `enable-ra` would advertise every `static` range; other modes need no word for it. Where it
    does no DHCP, dnsmasq reads no directories: a network that is only advertised has its options
    here, and they change with a restart.
    """
    directory = site.directory(network_id)
    advertised = [one for one in ranges if one.is_advertised]
    only_advertised = all(one.mode == "ra-only" for one in ranges)
    return render_config(
        "dnsmasq.conf.j2",
        addresses=[safe_words.interface_address(one) for one in sorted(addresses)],
        interface=interface,
        directory=directory,
        mac_tags=site.mac_tags,
        hook=site.hook,
        hook_user=site.hook_user,
        mtu=safe_words.number(mtu),
        ranges=[_range_fields(one) for one in ranges],
        options=_option_lines(options) if only_advertised else [],
        enable_ra=any(one.mode == "static" for one in advertised),
        router_advertisements=[interface] if advertised else [],
    )


def mac_tags_file() -> str:
    """What gives each request a tag for each octet of its MAC address: 1536 lines.

    Options of one port name its six tags. A `set:` on the port's dhcp-host would be shorter, but
    dnsmasq before 2.91 frees foreign memory when it reloads such a line after it has served it.
    """
    patterns = [
        [safe_words.set_tag(tag), safe_words.mac_pattern(place, octet)]
        for octet in range(256)
        for place, tag in enumerate(safe_words.mac_tags(":".join([f"{octet:02x}"] * 6)))
    ]
    return render_lines("mac_tags.conf.j2", patterns)


def hosts_file(interface: Word, hosts: Iterable[Host]) -> str:
    """The dhcp-host lines of one port.

    Each has a tag that always matches, the interface's: dnsmasq finds such entries in its first
    pass over the list, several times faster than those without.
    """
    return render_lines("lines.j2", [_host_fields(interface, host) for host in hosts])


def options_file(options: Iterable[Option]) -> str:
    """The dhcp-option lines of a network or of one port."""
    return render_lines("lines.j2", _option_lines(options))


def subnet_options(
    subnet_id: Word,
    *,
    gateway: Word | None,
    name_servers: Sequence[Word],
    routes: Sequence[tuple[Word, Word]],
    domain: Word | None,
) -> tuple[Option, ...]:
    """What every machine of an IPv4 subnet is told.

    Clients that understand classless routes ignore the router option (RFC 3442), so the routes
    repeat the gateway; others know no route but the router, so a default route is both. 249 is
    the number that old Windows asks for. dnsmasq puts the last line into an answer first, so the
    largest are last, and what is said twice is first.
    """
    router = gateway or next((hop for to, hop in routes if to == DEFAULT_ROUTE), None)
    default = [(DEFAULT_ROUTE, gateway)] if routes and gateway else []
    named = [route for route in routes if not (gateway and route[0] == DEFAULT_ROUTE)]
    classless = [field for route in [*named, *default] for field in route]
    told: list[tuple[Word, Sequence[Word]]] = [
        (safe_words.option_number(249, 4), classless),
        (safe_words.option("domain-name", 4), [domain] if domain else []),
        (safe_words.option("domain-search", 4), [domain] if domain else []),
        (safe_words.option("dns-server", 4), name_servers),
        (safe_words.option_number(121, 4), classless),
    ]
    tags = (safe_words.subnet_tag(subnet_id),)
    routers = [] if router is None or router == ON_LINK else [router]
    first = Option(tags, safe_words.option("router", 4), routers)
    return (first, *(Option(tags, option, values) for option, values in told if values))


def subnet_options6(
    subnet_id: Word, *, name_servers: Sequence[Word], domain: Word | None
) -> tuple[Option, ...]:
    """What every machine of an IPv6 subnet is told."""
    tags = (safe_words.subnet_tag(subnet_id),)
    options = []
    if name_servers:
        options.append(Option(tags, safe_words.option("dns-server", 6), name_servers))
    if domain:
        options.append(Option(tags, safe_words.option("domain-search", 6), (domain,)))
    return tuple(options)


def server_duid(network_id: str) -> str:
    """The DHCPv6 identity of a network's server, alike on every host: a DUID-UUID (RFC 6355)."""
    return (b"\x00\x04" + uuid.UUID(network_id).bytes).hex(":")


def _option_lines(options: Iterable[Option]) -> list[list[Word]]:
    return [[*map(safe_words.tag, one.tags), one.option, *one.values] for one in options]


def _range_fields(one: DhcpRange) -> list[Word]:
    first = safe_words.bare_address(one.network.network_address)
    fields = [safe_words.set_tag(safe_words.subnet_tag(one.subnet_id)), first]
    if isinstance(one.network, IPv4Network):
        fields += [Word("static"), safe_words.bare_address(one.network.netmask)]
    else:
        fields += [RANGE_MODES[one.mode], safe_words.number(one.network.prefixlen)]
    return [*fields, safe_words.number(one.lease_seconds)]


def _host_fields(interface: Word, host: Host) -> list[Word]:
    mine = [host.client_id] if host.client_id else []
    time = [host.lease_time] if host.lease_time else []
    return [host.mac, *mine, safe_words.tag(interface), host.name, *host.addresses, *time]
