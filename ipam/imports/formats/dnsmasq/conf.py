"""The configuration files: which are read in which order, and what their lines say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ipam.imports import words
from ipam.imports.estate import Draft, Place
from ipam.imports.files import DEPTH_MAX, Files
from ipam.imports.formats.dnsmasq.boot_lines import BootLine, firmware_of, read_boot
from ipam.imports.formats.dnsmasq.host_lines import HostLine, read_host
from ipam.imports.formats.dnsmasq.lines import Line, lines_of, shown
from ipam.imports.formats.dnsmasq.option_lines import OptionLine, read_option
from ipam.imports.formats.dnsmasq.ranges import Range, read_range

FIRST: Final = "dnsmasq.conf"

OF_DNS: Final = frozenset(
    [
        "address",
        "addn-hosts",
        "alias",
        "all-servers",
        "auth-peer",
        "auth-sec-servers",
        "auth-server",
        "auth-soa",
        "auth-ttl",
        "auth-zone",
        "bogus-nxdomain",
        "bogus-priv",
        "cache-size",
        "caa-record",
        "clear-on-reload",
        "cname",
        "conntrack",
        "connmark-allowlist",
        "connmark-allowlist-enable",
        "dnssec",
        "dnssec-check-unsigned",
        "dnssec-no-timecheck",
        "dnssec-timestamp",
        "dns-forward-max",
        "dns-loop-detect",
        "dns-rr",
        "domain",
        "domain-needed",
        "dynamic-host",
        "edns-packet-max",
        "enable-dbus",
        "enable-ubus",
        "expand-hosts",
        "fast-dns-retry",
        "filter-A",
        "filter-AAAA",
        "filterwin2k",
        "filter-rr",
        "host-record",
        "hostsdir",
        "ignore-address",
        "interface-name",
        "ipset",
        "leasequery",
        "local",
        "local-service",
        "local-ttl",
        "localise-queries",
        "localmx",
        "log-async",
        "log-debug",
        "log-facility",
        "log-queries",
        "max-cache-ttl",
        "max-port",
        "max-ttl",
        "min-cache-ttl",
        "min-port",
        "mx-host",
        "mx-target",
        "naptr-record",
        "neg-ttl",
        "nftset",
        "no-0x20-encode",
        "no-hosts",
        "no-ident",
        "no-negcache",
        "no-poll",
        "no-resolv",
        "no-round-robin",
        "pid-file",
        "port",
        "port-limit",
        "proxy-dnssec",
        "ptr-record",
        "query-port",
        "quiet-dhcp",
        "quiet-dhcp6",
        "quiet-ra",
        "quiet-tftp",
        "rebind-domain-ok",
        "rebind-localhost-ok",
        "resolv-file",
        "rev-server",
        "selfmx",
        "server",
        "servers-file",
        "srv-host",
        "stop-dns-rebind",
        "strict-order",
        "synth-domain",
        "trust-anchor",
        "txt-record",
        "umbrella",
        "use-stale-cache",
        "user",
        "group",
        "version",
        "bind-dynamic",
        "bind-interfaces",
        "except-interface",
        "no-dhcp-interface",
        "no-dhcpv4-interface",
        "no-dhcpv6-interface",
        "no-daemon",
        "keep-in-foreground",
        "log-dhcp",
        "dhcp-authoritative",
        "dhcp-fqdn",
        "dhcp-lease-max",
        "dhcp-no-override",
        "dhcp-ttl",
        "dhcp-duid",
        "dhcp-rapid-commit",
        "dhcp-sequential-ip",
        "enable-ra",
        "ra-param",
        "script-arp",
        "script-on-renewal",
        "no-ping",
        "dhcp-ignore-names",
        "dhcp-generate-names",
        "dhcp-client-update",
        "shared-network",
        "bridge-interface",
        "tftp-root",
        "enable-tftp",
        "tftp-secure",
        "tftp-no-fail",
        "tftp-no-blocksize",
        "tftp-lowercase",
        "tftp-max",
        "tftp-mtu",
        "tftp-port-range",
        "tftp-single-port",
        "tftp-unique-root",
        "do-0x20-encode",
        "max-tcp-connections",
        "dump-file",
        "dump-mask",
    ]
)
"""Options that say nothing of who has which address. Names and forwarding stay where they are."""


@dataclass(slots=True)
class Conf:
    """What the configuration says."""

    ranges: list[Range] = field(default_factory=list)
    hosts: list[HostLine] = field(default_factory=list)
    options: list[OptionLine] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    own_addresses: list[str] = field(default_factory=list)
    hosts_files: list[Line] = field(default_factory=list)
    lease_files: list[Line] = field(default_factory=list)
    ignored_tags: list[Line] = field(default_factory=list)
    boot: list[BootLine] = field(default_factory=list)
    firmware: dict[str, str] = field(default_factory=dict)
    """By tag, the architecture whose requests have it, or `ipxe`."""
    reads_ethers: Line | None = None
    seen: set[str] = field(default_factory=set)
    """Paths that were read, or were left out for a reason that was told."""


def read_conf(draft: Draft, files: Files, first: str) -> Conf:
    """Read this configuration file and all that it includes."""
    conf = Conf()
    for line in _lines(draft, files, conf, first, 0):
        _take(draft, files, conf, line)
    return conf


def _lines(draft: Draft, files: Files, conf: Conf, path: str, depth: int) -> Iterator[Line]:
    if path in conf.seen:
        return  # dnsmasq reads a file once
    conf.seen.add(path)
    for line in lines_of(draft, files, path):
        if line.option in ("conf-file", "conf-dir") and depth >= DEPTH_MAX:
            draft.problem(line.place, "syntax", line.value, "Includes are nested too deeply.")
        elif line.option == "conf-file":
            if inner := found_file(draft, files, line, line.value):
                yield from _lines(draft, files, conf, inner, depth + 1)
        elif line.option == "conf-dir":
            for inner in _of_folder(draft, files, conf, line):
                yield from _lines(draft, files, conf, inner, depth + 1)
        else:
            yield line


def _of_folder(draft: Draft, files: Files, conf: Conf, line: Line) -> list[str]:
    name, *patterns = line.parts()
    paths = files.folder(shown(name), line.place.file)
    if paths is None:
        _missing(draft, line, name)
        return []
    wanted = [one[1:] for one in patterns if one.startswith("*")]
    refused = [one for one in patterns if one and not one.startswith("*")]
    taken = []
    for path in paths:
        bare = path.rpartition("/")[2]
        if reason := _not_read(bare, wanted, refused):
            conf.seen.add(path)
            draft.skip(Place(path), path, reason)
        else:
            taken.append(path)
    return taken


def _not_read(name: str, wanted: list[str], refused: list[str]) -> str:
    if name.startswith(".") or name.endswith("~") or (name[0] == name[-1] == "#"):
        return "dnsmasq reads no such file of a directory"
    if wanted and not any(name.endswith(one) for one in wanted):
        return "conf-dir takes other names"
    if any(name.endswith(one) for one in refused):
        return "conf-dir leaves such names out"
    return ""


def hosts_files(draft: Draft, files: Files, conf: Conf) -> list[str]:
    """The paths of the hosts files, in the order in which they are read."""
    found: list[str] = []
    for line in conf.hosts_files:
        name = shown(line.value)
        folder = files.folder(name, line.place.file)
        if folder is not None:
            for path in folder:
                if _not_read(path.rpartition("/")[2], [], []):
                    conf.seen.add(path)
                    draft.skip(Place(path), path, "dnsmasq reads no such file of a directory")
                else:
                    found.append(path)
        elif path_ := found_file(draft, files, line, line.value):
            found.append(path_)
    conf.seen.update(found)
    return list(dict.fromkeys(found))


def found_file(draft: Draft, files: Files, line: Line, name: str) -> str | None:
    """The path of a file that a line names. Reports one that is not among the files given."""
    found = files.find(shown(name), line.place.file)
    if found is None:
        _missing(draft, line, name)
    return found


def _missing(draft: Draft, line: Line, name: str) -> None:
    draft.problem(
        line.place,
        "include_missing",
        shown(name),
        f"{line.option} names {shown(name)}, which is not among the files given: what it says is"
        " not known.",
    )


def _take(draft: Draft, files: Files, conf: Conf, line: Line) -> None:
    match line.option:
        case "dhcp-range":
            if range_ := read_range(draft, line):
                conf.ranges.append(range_)
        case "dhcp-host":
            if host := read_host(draft, line):
                conf.hosts.append(host)
        case "dhcp-option" | "dhcp-option-force":
            if option := read_option(draft, line):
                conf.options.append(option)
        case "interface" | "dhcp-alternate-port":
            conf.interfaces += [shown(one) for one in line.parts() if one]
        case "listen-address":
            conf.own_addresses += [a for one in line.parts() if (a := words.address(shown(one)))]
        case "dhcp-hostsfile" | "dhcp-hostsdir":
            conf.hosts_files.append(line)
        case "dhcp-optsfile" | "dhcp-optsdir":
            _options_file(draft, files, conf, line)
        case "dhcp-leasefile":
            conf.lease_files.append(line)
        case "read-ethers":
            conf.reads_ethers = line
        case "dhcp-ignore":
            conf.ignored_tags.append(line)
        case "dhcp-boot":
            if boot := read_boot(draft, line):
                conf.boot.append(boot)
        case "dhcp-match" | "dhcp-vendorclass" | "dhcp-userclass" if told := firmware_of(line):
            conf.firmware |= told
        case option if option in OF_DNS:
            draft.skip(line.place, option, "it says nothing of who has which address")
        case option:
            draft.problem(
                line.place,
                "option_not_taken",
                option[:100],
                f"{option[:100]} has no equal in a subnet or a port: it is left out.",
            )


def _options_file(draft: Draft, files: Files, conf: Conf, line: Line) -> None:
    folder = files.folder(shown(line.value), line.place.file)
    one = None if folder is not None else found_file(draft, files, line, line.value)
    for path in folder or ([one] if one else []):
        conf.seen.add(path)
        for inner in lines_of(draft, files, path, bare=True):
            if option := read_option(draft, inner):
                conf.options.append(option)
