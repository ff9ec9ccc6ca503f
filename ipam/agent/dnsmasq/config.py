"""Makes the text of every file that dnsmasq reads, from parsed values. Pure.

There are two kinds: the startup configuration, whose change needs a restart, and the files below
`hosts/` and `options/`, which dnsmasq reads when they are new (inotify) and again on SIGHUP.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from ipam.agent.dnsmasq import lease_file, safe_words
from ipam.agent.dnsmasq.architectures import architecture_lines
from ipam.agent.dnsmasq.client_classes import ClientClass, match_lines, outsiders
from ipam.rules.dhcp_option_values import INFINITE_SECONDS
from ipam.rules.dns_answers import NEVER_SERVED, OF_ADDRESS, Answer
from ipam.templating import Word, render_config, render_lines

DEFAULT_ROUTE = Word("0.0.0.0/0")
ON_LINK = Word(IPv4Address(0))
"""The nexthop of a route to destinations on the link."""
DEPRECATED = Word("deprecated")
STRANGER = Word("tag:!known")
NOT_DHCPV6 = Word("tag:!dhcpv6")
RANGE_MODES = {mode: Word(mode) for mode in ("static", "ra-only", "ra-stateless")}


PYTHON_HOOK, LUA_HOOK = Word("dhcp-script"), Word("dhcp-luascript")


@dataclass(frozen=True, slots=True)
class Site:
    """The values that are the same for every dnsmasq of this host."""

    run_path: Word
    mac_tags: Word
    """The path of the file with the text of `mac_tags_file`."""
    hook: Word
    hook_user: Word
    hook_option: Word = PYTHON_HOOK
    """How dnsmasq is told of the hook."""

    forwarder: Word | None = None
    """The server that a dnsmasq asks for names of elsewhere, where it asks at all."""
    forwards: bool = False
    """Whether it asks for them in a network that says nothing of it."""
    rebind_domains: Sequence[Word] | None = None
    """Domains whose names may have private addresses; None: those of all may."""
    durable_path: Word | None = None
    """The directory of lease files that outlive the host's memory; None: none do."""

    def lease_file(self, network_id: str, *, durable: bool) -> Word:
        """Where a network's dnsmasq keeps its leases."""
        if durable and self.durable_path is not None:
            return safe_words.path(f"{self.durable_path}/{safe_words.uuid(network_id)}")
        return safe_words.path(f"{self.directory(network_id)}/{lease_file.NAME}")

    def directory(self, network_id: str) -> Word:
        """The directory of a network's files."""
        return safe_words.path(f"{self.run_path}/{safe_words.uuid(network_id)}")


@dataclass(frozen=True, slots=True)
class DhcpRange:
    """A subnet that dnsmasq serves: only reserved hosts, or IPv6 configuration."""

    subnet_id: Word
    network: IPv4Network | IPv6Network
    mode: str
    """`static`, or for IPv6 also `ra-only` and `ra-stateless`."""
    lease_seconds: int
    is_advertised: bool = False
    """Whether dnsmasq sends router advertisements for it."""
    dynamic: Sequence[tuple[IPv4Address, IPv4Address]] = ()
    """First and last addresses for machines that have no dhcp-host line."""
    classes: Sequence[ClientClass] = ()
    makes_own: bool = False
    """Whether machines make their addresses in it, so that no dhcp-host line has them."""
    is_deprecated: bool = False
    """Whether they are to start nothing new from these."""


@dataclass(frozen=True, slots=True)
class Host:
    """What a MAC address gets: at most one IPv4 address, any number of IPv6 addresses."""

    mac: Word
    name: Word
    addresses: Sequence[Word]
    client_id: Word | None = None
    """The machine is known by this identifier, besides its MAC address."""
    lease_time: Word | None = None
    """Its lease time instead of the subnet's."""


@dataclass(frozen=True, slots=True)
class Option:
    """A DHCP option for requests with all the tags. Without values it is not sent."""

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
    zones: Sequence[Word],
    forwards: bool,
    tells_architectures: bool = False,
) -> str:
    """The configuration of one dnsmasq. It advertises prefixes, but not itself as a router.

    `forwards` says whether it asks for names of elsewhere. `zones` are those of which it alone
    says what is in them. With `tells_architectures`, machines that boot from the network have the
    tags of what they are. It answers on its interface alone, in a namespace without a route to
    elsewhere, so no stranger is answered.

    `enable-ra` would advertise every `static` range, and other modes do not need it. Without DHCP,
    dnsmasq reads no directories. So a network that is only advertised has its options here, and
    their change needs a restart.

    With a dynamic range, dnsmasq alone knows for a moment who has an address, so its lease file
    outlives a reboot. Without one it is silent to strangers, whom another server may know.
    """
    directory = site.directory(network_id)
    advertised = [one for one in ranges if one.is_advertised]
    only_advertised = all(one.mode == "ra-only" for one in ranges)
    is_dynamic = any(_dynamic(one) for one in ranges)
    return render_config(
        "dnsmasq.conf.j2",
        addresses=[safe_words.interface_address(one) for one in sorted(addresses)],
        interface=interface,
        directory=directory,
        lease_file=site.lease_file(network_id, durable=is_dynamic),
        ignored=[] if is_dynamic else _strangers(ranges),
        mac_tags=site.mac_tags,
        hook=site.hook,
        hook_option=site.hook_option,
        hook_user=site.hook_user,
        mtu=safe_words.number(mtu),
        classes=[
            *(architecture_lines() if tells_architectures else ()),
            *(line for one in ranges for line in match_lines(one.classes)),
        ],
        ranges=[fields for one in ranges for fields in (_range_fields(one), *_dynamic(one))],
        options=_option_lines(options) if only_advertised else [],
        enable_ra=any(one.mode == "static" for one in advertised),
        router_advertisements=[interface] if advertised else [],
        forwarder=[site.forwarder] if forwards and site.forwarder is not None else [],
        stops_rebind=forwards and site.rebind_domains is not None,
        rebind_domains=[safe_words.zone(one) for one in (site.rebind_domains or ()) if forwards],
        untrusted_names=[safe_words.dns_name(one) for one in sorted(NEVER_SERVED)],
        of_address=Word(OF_ADDRESS),
        zones=[safe_words.zone(one) for one in zones],
    )


def mac_tags_file() -> str:
    """The lines that give each request a tag for each octet of its MAC address: 1536 lines.

    Options of one port name its six tags. A `set:` on the port's dhcp-host would be shorter, but
    dnsmasq before 2.91 frees memory that is still in use when it reloads such a line.
    """
    patterns = [
        [safe_words.set_tag(tag), safe_words.mac_pattern(place, octet)]
        for octet in range(256)
        for place, tag in enumerate(safe_words.mac_tags(":".join([f"{octet:02x}"] * 6)))
    ]
    return render_config("mac_tags.conf.j2", lines=patterns)


def hosts_file(interface: Word, hosts: Iterable[Host]) -> str:
    """The dhcp-host lines of one port.

    Each has the interface's tag, which always matches. dnsmasq finds entries with a matching tag
    in its first pass over the list, several times faster than entries without a tag.
    """
    return render_lines([_host_fields(interface, host) for host in hosts])


def names_file(answers: Iterable[Answer]) -> str:
    """Lines of a hosts file: an address, and its names with the one for reverse look-ups first."""
    return render_lines(
        [
            [
                safe_words.bare_address(ip_address(one.address)),
                *map(safe_words.dns_name, (*one.names, *one.own_names)),
            ]
            for one in answers
        ],
        between=" ",
    )


def withheld_file(addresses: Iterable[Word]) -> str:
    """A dhcp-host line for each address that nobody is to get here: it names no machine."""
    return render_lines([[one] for one in addresses])


def refused_file(macs: Iterable[Word]) -> str:
    """A dhcp-host line for each MAC address whose requests get no answer."""
    return render_lines([[one, Word("ignore")] for one in macs])


def options_file(options: Iterable[Option]) -> str:
    """The dhcp-option lines of a network or of one port."""
    return render_lines(_option_lines(options))


def subnet_options(
    subnet_id: Word,
    *,
    gateway: Word | None,
    name_servers: Sequence[Word],
    routes: Sequence[tuple[Word, Word]],
    domain: Word | None,
) -> tuple[Option, ...]:
    """The options for every machine of an IPv4 subnet.

    Clients that understand classless routes ignore the router option (RFC 3442), so the routes
    repeat the gateway. Other clients know only the router option, so a default route is in both.
    Old Windows asks for 249. dnsmasq puts the last line into an answer first, so the largest
    options are last, and repeated values are first. Without `name_servers` it has to be told that
    there are none, or it names itself.
    """
    router = gateway or next((hop for to, hop in routes if to == DEFAULT_ROUTE), None)
    name_server = safe_words.option("dns-server", 4)
    default = [(DEFAULT_ROUTE, gateway)] if routes and gateway else []
    named = [route for route in routes if not (gateway and route[0] == DEFAULT_ROUTE)]
    classless = [field for route in [*named, *default] for field in route]
    given: list[tuple[Word, Sequence[Word]]] = [
        (safe_words.option_number(249, 4), classless),
        (safe_words.option("domain-name", 4), [domain] if domain else []),
        (safe_words.option("domain-search", 4), [domain] if domain else []),
        (name_server, name_servers),
        (safe_words.option_number(121, 4), classless),
    ]
    tags = (safe_words.subnet_tag(subnet_id),)
    routers = [] if router is None or router == ON_LINK else [router]
    first = Option(tags, safe_words.option("router", 4), routers)
    written = ((option, values) for option, values in given if values or option is name_server)
    return (first, *(Option(tags, option, values) for option, values in written))


def subnet_options6(
    subnet_id: Word, *, name_servers: Sequence[Word], domain: Word | None
) -> tuple[Option, ...]:
    """The options for every machine of an IPv6 subnet."""
    tags = (safe_words.subnet_tag(subnet_id),)
    options = [Option(tags, safe_words.option("dns-server", 6), name_servers)]
    if domain:
        options.append(Option(tags, safe_words.option("domain-search", 6), (domain,)))
    return tuple(options)


def server_duid(network_id: str) -> str:
    """The DUID of a network's server, the same on every host: a DUID-UUID (RFC 6355)."""
    return (b"\x00\x04" + uuid.UUID(network_id).bytes).hex(":")


def lease_file_of(startup: str) -> str:
    """The path of the lease file of this configuration."""
    found = re.search(r"^dhcp-leasefile=(.+)$", startup, re.MULTILINE)
    return found[1] if found else ""


def longest_lease_seconds(startup: str) -> int:
    """For how long the servers of this configuration give an address at most."""
    times = re.findall(r"^dhcp-range=.*,(\d+|infinite)$", startup, re.MULTILINE)
    seconds = (INFINITE_SECONDS if one == "infinite" else int(one) for one in times)
    return max(seconds, default=0)


def _option_lines(options: Iterable[Option]) -> list[list[Word]]:
    return [[*map(safe_words.tag, one.tags), one.option, *one.values] for one in options]


def _range_fields(one: DhcpRange) -> list[Word]:
    first = safe_words.bare_address(one.network.network_address)
    fields = [safe_words.set_tag(safe_words.subnet_tag(one.subnet_id)), first]
    if isinstance(one.network, IPv4Network):
        fields += [Word("static"), safe_words.bare_address(one.network.netmask)]
    else:
        fields += [RANGE_MODES[one.mode], safe_words.number(one.network.prefixlen)]
    time = DEPRECATED if one.is_deprecated else safe_words.lease_time(one.lease_seconds)
    return [*fields, time]


def _dynamic(one: DhcpRange) -> list[list[Word]]:
    """The dynamic ranges, for machines without a dhcp-host line."""
    netmask = safe_words.bare_address(one.network.netmask)
    subnet = safe_words.set_tag(safe_words.subnet_tag(one.subnet_id))
    seconds = safe_words.lease_time(one.lease_seconds)
    ranges = [(outsiders(one.classes), span) for span in one.dynamic]
    ranges += [([safe_words.tag(of.tag)], span) for of in one.classes for span in of.part]
    return [
        [STRANGER, *tags, subnet, *map(safe_words.bare_address, span), netmask, seconds]
        for tags, span in ranges
    ]


def _strangers(ranges: Sequence[DhcpRange]) -> list[Word]:
    """The tags of requests that get no answer.

    Machines that make their own IPv6 addresses ask for the rest. They count as strangers, as no
    line has an IPv6 address of theirs.
    """
    return [NOT_DHCPV6, STRANGER] if any(one.makes_own for one in ranges) else [STRANGER]


def _host_fields(interface: Word, host: Host) -> list[Word]:
    mine = [host.client_id] if host.client_id else []
    time = [host.lease_time] if host.lease_time else []
    return [host.mac, *mine, safe_words.tag(interface), host.name, *host.addresses, *time]
