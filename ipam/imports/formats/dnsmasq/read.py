"""dnsmasq's files as an estate: in dnsmasq's own order, with what each later file changes."""

from ipaddress import IPv6Address, ip_network

from ipam import model
from ipam.imports import told, words
from ipam.imports.estate import Draft, Network, Place, Reservation, Subnet, Wishes
from ipam.imports.files import Files
from ipam.imports.formats.dnsmasq import conf as configuration
from ipam.imports.formats.dnsmasq.boot_lines import boot_of
from ipam.imports.formats.dnsmasq.conf import Conf
from ipam.imports.formats.dnsmasq.ethers import read_ethers
from ipam.imports.formats.dnsmasq.host_lines import HostLine, Hosts, read_host
from ipam.imports.formats.dnsmasq.leases import is_lease_file, read_leases
from ipam.imports.formats.dnsmasq.lines import lines_of, shown
from ipam.imports.formats.dnsmasq.option_lines import options_for, unused
from ipam.imports.formats.dnsmasq.ranges import Range


def read(draft: Draft, files: Files, wishes: Wishes) -> None:
    """Fill the draft from a configuration with its files, or from single files of these kinds."""
    first = next(
        (
            path
            for path in sorted(files.texts, key=lambda one: (one.count("/"), one))
            if path.rpartition("/")[2] == configuration.FIRST
        ),
        None,
    )
    conf = Conf()
    leases: list[str] = []
    if first is not None:
        conf = configuration.read_conf(draft, files, first)
        hosts = _hosts(draft, files, conf)
        leases = _lease_files(draft, files, conf)
    else:
        hosts = _without_a_first(draft, files, conf, leases)
    _estate(draft, conf, hosts, wishes)
    for path in leases:
        read_leases(draft, files, path, wishes.now)
    for path in sorted(files.texts.keys() - conf.seen):
        draft.skip(Place(path), path, "no file that is read names it")


def _hosts(draft: Draft, files: Files, conf: Conf) -> Hosts:
    hosts = Hosts()
    for host in conf.hosts:
        _add(draft, hosts, host, "dnsmasq does not start with such a line")
    ethers = next((path for path in files.texts if path.rpartition("/")[2] == "ethers"), None)
    if conf.reads_ethers and ethers:
        conf.seen.add(ethers)
        read_ethers(draft, files, ethers, hosts)
    elif conf.reads_ethers:
        draft.problem(
            conf.reads_ethers.place,
            "include_missing",
            "/etc/ethers",
            "read-ethers reads /etc/ethers, which is not among the files given.",
        )
    for path in configuration.hosts_files(draft, files, conf):
        _read_hosts_file(draft, files, path, hosts)
    return hosts


def _read_hosts_file(draft: Draft, files: Files, path: str, hosts: Hosts) -> None:
    for line in lines_of(draft, files, path, bare=True):
        if host := read_host(draft, line):
            _add(draft, hosts, host, "dnsmasq leaves such a line of a hosts file out")


def _add(draft: Draft, hosts: Hosts, host: HostLine, what: str) -> None:
    other = hosts.at(host.address)
    if other is None:
        hosts.add(host)
        return
    draft.problem(
        host.place,
        "duplicate_address",
        host.subject,
        f"{host.address} is {other.subject}'s at {other.place} already: {what}, and so it is left"
        " out.",
    )


def _lease_files(draft: Draft, files: Files, conf: Conf) -> list[str]:
    found = [
        path
        for line in conf.lease_files
        if (path := configuration.found_file(draft, files, line, line.value))
    ]
    conf.seen.update(found)
    others = [
        p for p in sorted(files.texts) if p not in conf.seen and is_lease_file(files.texts[p])
    ]
    conf.seen.update(others)
    return found + others


def _without_a_first(draft: Draft, files: Files, conf: Conf, leases: list[str]) -> Hosts:
    """Read files that no dnsmasq.conf names, each by its own form."""
    late: list[str] = []
    for path in sorted(files.texts):
        form = form_of(files.texts[path])
        if form == "conf" and path not in conf.seen:
            inner = configuration.read_conf(draft, files, path)
            for key in (
                "ranges",
                "hosts",
                "options",
                "interfaces",
                "own_addresses",
                "hosts_files",
                "lease_files",
                "ignored_tags",
            ):
                getattr(conf, key).extend(getattr(inner, key))
            conf.reads_ethers = conf.reads_ethers or inner.reads_ethers
            conf.seen |= inner.seen
        elif form in ("hosts", "ethers"):
            late.append(path)
    named = {path for path in late if path in conf.seen}
    hosts = (
        _hosts(draft, files, conf)
        if conf.hosts or conf.hosts_files or conf.reads_ethers
        else Hosts()
    )
    for path in late:
        if path in named or path in conf.seen:
            continue
        conf.seen.add(path)
        if form_of(files.texts[path]) == "ethers":
            read_ethers(draft, files, path, hosts)
        else:
            _read_hosts_file(draft, files, path, hosts)
    leases += _lease_files(draft, files, conf)
    return hosts


def form_of(text: str) -> str:
    """What a file is: conf, hosts, ethers, leases, or empty for none of these."""
    if is_lease_file(text):
        return "leases"
    for line in text.split("\n"):
        bare = line.strip()
        if not bare or bare[0] in "#+":
            continue
        option = bare.partition("=")[0].strip()
        if option in configuration.OF_DNS or option in _OPTIONS:
            return "conf"
        if words.mac(bare.split()[0]) and len(bare.split()) > 1 and "," not in bare.split()[0]:
            return "ethers"
        first = bare.partition(",")[0].strip()
        if words.mac(first) or first.startswith("id:") or "," in bare:
            return "hosts"
        return ""
    return ""


_OPTIONS = frozenset(
    [
        "dhcp-range",
        "dhcp-host",
        "dhcp-option",
        "dhcp-option-force",
        "interface",
        "listen-address",
        "dhcp-hostsfile",
        "dhcp-hostsdir",
        "dhcp-optsfile",
        "dhcp-optsdir",
        "dhcp-leasefile",
        "read-ethers",
        "dhcp-ignore",
        "conf-file",
        "conf-dir",
        "dhcp-mac",
        "dhcp-vendorclass",
        "dhcp-userclass",
        "dhcp-boot",
        "dhcp-script",
        "dhcp-relay",
        "dhcp-match",
        "dhcp-broadcast",
        "dhcp-circuitid",
        "dhcp-remoteid",
        "dhcp-subscrid",
        "pxe-prompt",
        "pxe-service",
        "dhcp-name-match",
        "tag-if",
        "dhcp-pxe-vendor",
        "dhcp-proxy",
        "dhcp-luascript",
    ]
)


def _estate(draft: Draft, conf: Conf, hosts: Hosts, wishes: Wishes) -> None:
    network = _network(draft, conf)
    _subnets(draft, conf, wishes, network)
    unused(draft, conf.options, [_tags(conf, one) for one in conf.ranges])
    for host in hosts:
        _reservation(draft, host, network)


def _network(draft: Draft, conf: Conf) -> str:
    """The key of the network that all is in, if there is one interface; else empty."""
    if len(set(conf.interfaces)) != 1:
        if conf.ranges and len({one.cidr for one in conf.ranges}) > 1:
            draft.problem(
                conf.ranges[0].place,
                "network_unknown",
                ", ".join(conf.interfaces) or "interface",
                "The files do not say which ranges are on one interface: each prefix becomes a"
                " network of its own. --network puts all into one.",
            )
        return ""
    key = conf.interfaces[0]
    draft.networks.append(
        Network(place=conf.ranges[0].place if conf.ranges else Place(""), key=key, bridge=key)
    )
    return key


def _tags(conf: Conf, one: Range) -> set[str]:
    return {*one.tags, *conf.interfaces, "dhcpv6" if one.version == 6 else ""} - {""}


def _subnets(draft: Draft, conf: Conf, wishes: Wishes, network: str) -> None:
    strangers_ignored = any(
        shown(line.value).replace(" ", "") in ("tag:!known", "!known", "#known")
        for line in conf.ignored_tags
    )
    made: dict[str, tuple[Subnet, Range]] = {}
    for one in conf.ranges:
        cidr = one.cidr or words.inside(one.start, wishes.prefixes)
        if cidr is None:
            _no_prefix(draft, one)
            continue
        if cidr not in made:
            subnet = Subnet(place=one.place, cidr=cidr, network=network)
            subnet.lease_seconds = one.lease_seconds
            made[cidr] = (subnet, one)
            draft.subnets.append(subnet)
            _tell(draft, conf, subnet, one)
        subnet, first = made[cidr]
        if one.lease_seconds != first.lease_seconds:
            draft.problem(
                one.place,
                "two_lease_times",
                cidr,
                f"{cidr} has ranges with different lease times: that of {first.place} is taken.",
            )
        if set(one.tags) != set(first.tags):
            draft.problem(
                one.place,
                "ranges_with_different_tags",
                cidr,
                f"Ranges of {cidr} set different tags: the options for those of {first.place} are"
                " taken.",
            )
        _add_pool(draft, subnet, one, strangers_ignored=strangers_ignored)


def _add_pool(draft: Draft, subnet: Subnet, one: Range, *, strangers_ignored: bool) -> None:
    if one.modes & {"proxy"}:
        subnet.dhcp = False
        draft.problem(one.place, "proxy_dhcp", subnet.cidr, "Another server gives the addresses.")
    if one.modes & {"ra-only", "slaac", "ra-stateless", "ra-names"} and one.version == 6:
        mode = "slaac" if one.modes & {"ra-only", "slaac"} else "dhcpv6-stateless"
        if one.pool is None:
            subnet.attributes["ipv6_address_mode"] = subnet.attributes["ipv6_ra_mode"] = mode
    if one.pool is None:
        return
    if strangers_ignored:
        draft.problem(
            one.place,
            "strangers_ignored",
            subnet.cidr,
            "dhcp-ignore=tag:!known: strangers get nothing, so the range is left out.",
        )
    elif one.conditions:
        draft.problem(
            one.place,
            "pool_by_class",
            ", ".join(one.conditions),
            f"Only machines with the tags {', '.join(one.conditions)} get addresses of it.",
        )
        subnet.pools.append(one.pool)
    else:
        subnet.pools.append(one.pool)


def _no_prefix(draft: Draft, one: Range) -> None:
    where = f"the interface {one.constructor}" if one.constructor else "the interface"
    if one.start == "::" and not one.constructor:
        draft.problem(
            one.place,
            "every_interface",
            "::",
            "Stateless on every interface: the prefixes are the interfaces'. Left out.",
        )
        return
    draft.problem(
        one.place,
        "mask_unknown",
        one.start,
        f"The prefix of the range from {one.start} is that of {where}, which the files do not"
        " say: name it with --prefix CIDR. Until then the range is left out.",
    )


def _tell(draft: Draft, conf: Conf, subnet: Subnet, one: Range) -> None:
    options = options_for(conf.options, _tags(conf, one), one.version)
    found = told.told(draft, subnet.cidr, options)
    own = next((a for a in conf.own_addresses if words.inside(a, [subnet.cidr])), None)
    subnet.server_address = own
    found.dns = [a for a in found.dns if a not in ("0.0.0.0", "::")]  # noqa: S104  # its own address
    told.apply(subnet, found)
    if one.version == 6:
        return
    boot_of(draft, conf.boot, subnet, _tags(conf, one), conf.firmware)
    if not found.says_gateway:
        subnet.gateway = own
    for says, what in ((found.says_gateway, "router"), (found.says_dns, "name server")):
        if not says:
            draft.problem(
                one.place,
                f"{what.replace(' ', '_')}_is_the_server",
                subnet.cidr,
                f"Machines of {subnet.cidr} are told dnsmasq's own address as their {what}"
                + (f", {own}." if own else ", which the files do not say."),
            )


def _reservation(draft: Draft, host: HostLine, network: str) -> None:
    addresses = [host.address] if host.address else []
    for text in host.addresses6:
        addresses += _addresses6(draft, host, text)
    for code, found, text in (
        (
            "several_macs",
            len(host.macs) > 1,
            f"The port is the first machine's; {', '.join(host.macs[1:])} gets no address of it.",
        ),
        (
            "mac_pattern",
            host.patterns,
            f"{', '.join(host.patterns)} is no single Ethernet MAC address: the address is held.",
        ),
        (
            "host_by_tag",
            host.conditions,
            f"The line counts for machines with the tags {', '.join(host.conditions)} alone.",
        ),
        (
            "tags_of_host",
            host.tags,
            f"It sets the tags {', '.join(host.tags)}: options for these are left out.",
        ),
        ("domain_left_out", host.domain, f"The domain {host.domain} of its name is left out."),
    ):
        if found:
            draft.problem(host.place, code, host.subject, text)
    if not (host.macs or host.client_id or addresses or host.name or host.patterns):
        draft.problem(
            host.place, "nothing_said", str(host.place), "The line names no machine: left out."
        )
        return
    draft.reservations.append(
        Reservation(
            place=host.place,
            network=network,
            macs=host.macs,
            client_id=host.client_id,
            by_name=bool(host.name and not host.macs and not host.client_id and not host.patterns),
            addresses=addresses,
            hostname=host.name,
            lease_seconds=host.lease_seconds,
            refused=host.ignored,
        )
    )


def _addresses6(draft: Draft, host: HostLine, text: str) -> list[str]:
    bare, slash, length = text.partition("/")
    one = words.address(bare)
    if one is None or model.ip_version(one) != 6:
        draft.problem(
            host.place,
            "not_an_address",
            text[:100],
            f"[{text[:60]}] is no IPv6 address: left out.",
        )
        return []
    if slash and length != "128":
        draft.problem(
            host.place,
            "address_block",
            text[:100],
            f"[{text[:60]}] is a block of addresses, of which a port has one: the first is taken.",
        )
    if int(IPv6Address(one)) >> 64:
        return [one]
    prefixes = [s.cidr for s in draft.subnets if ":" in s.cidr]
    if not prefixes:
        draft.problem(
            host.place, "prefix_unknown", text[:100], f"[{text[:60]}] lacks a prefix: left out."
        )
    return [
        str(ip_network(cidr)[int(IPv6Address(one))])
        for cidr in prefixes
        if ip_network(cidr).num_addresses > int(IPv6Address(one))
    ]
