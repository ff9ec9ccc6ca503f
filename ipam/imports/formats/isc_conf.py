"""dhcpd.conf: networks, subnets, pools, hosts. What is inner inherits from what is around it."""

from dataclasses import dataclass, field, replace
from typing import Final

from ipam.imports import told, words
from ipam.imports.estate import Draft, LeaseSeconds, Network, Reservation, Subnet
from ipam.imports.files import DEPTH_MAX, Files
from ipam.imports.formats.isc_grammar import Statement, listed, statements
from ipam.imports.formats.isc_hosts import host, seconds_of
from ipam.imports.told import Option
from ipam.rules.boot import FILE, NEXT_SERVER, SERVER_NAME

DEFAULT_SECONDS: Final = 43_200

SILENT: Final = frozenset(
    [
        "authoritative",
        "not",
        "ddns-update-style",
        "ddns-updates",
        "ddns-domainname",
        "ddns-rev-domainname",
        "log-facility",
        "max-lease-time",
        "min-lease-time",
        "omapi-port",
        "omapi-key",
        "key",
        "zone",
        "lease-file-name",
        "pid-file-name",
        "local-address",
        "update-static-leases",
        "update-optimization",
        "one-lease-per-client",
        "get-lease-hostnames",
        "ping-check",
        "ping-timeout",
        "ping-timeout-ms",
        "server-identifier",
        "update-conflict-detection",
        "ignore-client-uids",
        "dynamic-bootp-lease-cutoff",
        "authoring-byte-order",
        "dynamic-bootp-lease-length",
        "boot-unknown-clients",
        "client-updates",
        "infinite-is-reserved",
        "always-broadcast",
        "always-reply-rfc1048",
        "min-secs",
        "stash-agent-options",
        "use-lease-addr-for-default-route",
        "abandon-lease-time",
        "db-time-format",
        "delayed-ack",
        "max-ack-delay",
        "leasequery",
        "preferred-lifetime",
        "interface",
        "lease-id-format",
        "adaptive-lease-time-threshold",
        "site-option-space",
        "vendor-option-space",
        "do-forward-updates",
        "ldap-server",
        "execute",
        "set",
        "log",
        "on",
    ]
)
"""Statements that say nothing of who has which address."""

BOOT: Final = {"next-server": NEXT_SERVER, "filename": FILE, "server-name": SERVER_NAME}
"""Statements on booting from the network, and the options that say the same."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What holds at a place of the file."""

    network: str = ""
    options: dict[tuple[int, int], Option] = field(default_factory=dict)
    lease_seconds: LeaseSeconds = DEFAULT_SECONDS
    named: bool = False
    known_only: bool = False
    group: tuple[Statement, ...] = ()
    """Statements of groups, which are those of the hosts inside."""
    subnet: Subnet | None = None


class _Reader:
    def __init__(self, draft: Draft, files: Files) -> None:
        self.draft = draft
        self.files = files
        self.open: list[str] = []
        self.included: set[str] = set()
        self.hosts: list[Reservation] = []
        self.defined: dict[str, tuple[int, int]] = {}
        """Options that the file defines: version and number by name."""

    def walk(self, block: list[Statement], scope: Scope) -> Scope:
        """Read a block: first what holds in it, then what is inside."""
        block = self._with_includes(block)
        for one in block:
            scope = self._holds(one, scope)
        for one in block:
            if one.block is not None or one.first in ("host", "subnet", "range", "range6"):
                self._inner(one, scope)
        return scope

    def _with_includes(self, block: list[Statement]) -> list[Statement]:
        found: list[Statement] = []
        for one in block:
            if one.first != "include":
                found.append(one)
                if not one.is_whole:
                    self._syntax(one, "it has no end")
                continue
            name = one.text(1)
            path = self.files.find(name, one.place.file)
            if path is None:
                self.draft.problem(
                    one.place,
                    "include_missing",
                    name[:255],
                    f"{name[:200]} is not among the files given: what it says is not known. Its"
                    " name is relative to the directory in which dhcpd was started.",
                )
            elif path in self.open or len(self.open) >= DEPTH_MAX:
                self._syntax(one, f"{path} includes itself, or includes are nested too deeply")
            elif sum(len(self.files.texts[each]) for each in (*self.included, path)) < 2**25:
                self.included.add(path)
                self.open.append(path)
                found += self._with_includes(statements(self.draft, self.files, path))
                self.open.pop()
        return found

    def _holds(self, one: Statement, scope: Scope) -> Scope:
        """The scope with what one statement adds to all of its block."""
        if one.block is not None:
            return scope
        match one.first:
            case "option":
                return self._option(one, scope)
            case "default-lease-time":
                return replace(scope, lease_seconds=seconds_of(one.text(1)))
            case "use-host-decl-names":
                return replace(scope, named=one.text(1).lower() in ("on", "true"))
            case "allow" | "deny" | "ignore":
                return self._permission(one, scope)
            case "range" | "range6" | "host" | "prefix6" | "failover":
                return scope
            case first if first in BOOT:
                option = Option(BOOT[first], 4, (one.text(1),), one.place, first)
                return replace(scope, options={**scope.options, (4, BOOT[first]): option})
            case first if first in SILENT:
                self.draft.skip(one.place, first, "it says nothing of who has which address")
            case first:
                self.draft.problem(
                    one.place,
                    "option_not_taken",
                    first[:100],
                    f"'{first[:60]}' has no equal in a subnet or a port: it is left out.",
                )
        return scope

    def _option(self, one: Statement, scope: Scope) -> Scope:
        name = one.text(1).lower()
        if one.text(2).lower() == "code" or name == "space":
            number = one.text(3)
            if number.isdecimal() and len(number) < 6:
                self.defined[name] = (6 if name.startswith("dhcp6.") else 4, int(number))
            return scope
        version = 6 if name.startswith("dhcp6.") else 4
        number_ = told.number_of(name, version)
        if number_ is None and name in self.defined:
            version, number_ = self.defined[name]
        if number_ is None or "." in name.removeprefix("dhcp6."):
            self.draft.problem(
                one.place,
                "option_not_taken",
                f"option {name[:100]}",
                f"The option {name[:60]} is not known: it is left out.",
            )
            return scope
        values = _values(one, number_)
        option = Option(number_, version, values, one.place, name)
        return replace(scope, options={**scope.options, (version, number_): option})

    def _permission(self, one: Statement, scope: Scope) -> Scope:
        words_ = [text.lower() for text in one.texts]
        strangers = words_[:1] in (["unknown-clients"], ["unknown"])
        known = words_[:1] in (["known-clients"], ["known"])
        if (one.first != "allow" and strangers) or (one.first == "allow" and known):
            self.draft.problem(
                one.place,
                "strangers_ignored",
                scope.subnet.cidr if scope.subnet else str(one.place),
                "Only machines with a host get addresses here: the ranges are left out.",
            )
            return replace(scope, known_only=True)
        if words_[:2] == ["members", "of"] or words_[:1] == ["members"]:
            name = one.texts[-1] if one.texts else ""
            self.draft.problem(
                one.place,
                "pool_by_class",
                name[:100],
                f"{one.first} members of the class {name[:60]}: a range here has no classes.",
            )
        elif words_[:1] not in (
            ["booting"],
            ["bootp"],
            ["client-updates"],
            ["duplicates"],
            ["declines"],
            ["leasequery"],
            ["dynamic"],
            ["all"],
        ):
            self.draft.problem(
                one.place,
                "option_not_taken",
                " ".join([one.first, *words_])[:100],
                "The permission has no equal here: it is left out.",
            )
        return scope

    def _inner(self, one: Statement, scope: Scope) -> None:
        match one.first:
            case "shared-network":
                key = one.text(1)
                self.draft.networks.append(Network(place=one.place, key=key))
                self.walk(one.block or [], replace(scope, network=key))
            case "subnet" | "subnet6":
                self._subnet(one, scope)
            case "pool" | "pool6":
                inner = self.walk(one.block or [], scope)
                if scope.subnet is not None and inner.lease_seconds != scope.lease_seconds:
                    self.draft.problem(
                        one.place,
                        "two_lease_times",
                        scope.subnet.cidr,
                        f"A pool of {scope.subnet.cidr} has another lease time than the subnet,"
                        " whose is taken.",
                    )
            case "range" | "range6":
                self._range(one, scope)
            case "group":
                self._group(one, scope)
            case "host":
                found = host(self.draft, one, named=scope.named, around=list(scope.group))
                if found is not None:
                    self.hosts.append(found)
            case "class" | "subclass" | "key" | "zone" | "failover":
                self.draft.skip(
                    one.place,
                    f"{one.first} {one.text(1)}"[:255],
                    "it says nothing of who has which address",
                )
            case "option" | "":
                pass
            case first:
                self.draft.problem(
                    one.place,
                    "condition_not_evaluated",
                    first[:100],
                    f"What stands under '{' '.join(w.text for w in one.words)[:80]}' depends on"
                    " the client: it is left out.",
                )

    def _group(self, one: Statement, scope: Scope) -> None:
        block = self._with_includes(one.block or [])
        of_hosts = tuple(
            each
            for each in block
            if each.block is None
            and each.first
            in (
                "option",
                "default-lease-time",
                "next-server",
                "filename",
                "deny",
                "allow",
                "ignore",
            )
        )
        inner = replace(scope, group=(*scope.group, *of_hosts))
        for each in block:
            if each.block is None and each not in of_hosts:
                inner = self._holds(each, inner)
        for each in block:
            if each.block is not None:
                self._inner(each, inner)

    def _subnet(self, one: Statement, scope: Scope) -> None:
        text, mask = one.text(1), one.text(3)
        cidr = words.prefix(text, mask) if one.first == "subnet" else words.prefix(text)
        if cidr is None or (one.first == "subnet" and one.text(2) != "netmask"):
            self._syntax(one, f"'{' '.join(one.texts)[:80]}' is no subnet")
            return
        subnet = Subnet(place=one.place, cidr=cidr, network=scope.network)
        self.draft.subnets.append(subnet)
        inner = self.walk(one.block or [], replace(scope, subnet=subnet))
        version = 6 if ":" in cidr else 4
        options = [each for (of, _), each in inner.options.items() if of == version]
        told.apply(subnet, told.told(self.draft, cidr, options))
        subnet.lease_seconds = inner.lease_seconds

    def _range(self, one: Statement, scope: Scope) -> None:
        texts = [text for text in one.texts if text not in ("dynamic-bootp", "temporary")]
        subnet = scope.subnet
        if subnet is None:
            self._syntax(one, "a range stands outside of every subnet")
            return
        first = words.address(texts[0]) if texts else None
        if one.first == "range6" and texts and "/" in texts[0]:
            prefix = words.prefix(texts[0])
            pool = words.ends(prefix) if prefix else None
        else:
            last = words.address(texts[1]) if len(texts) > 1 else first
            pool = (
                words.ordered(first, last)
                if first and last and ((":" in first) == (":" in last))
                else None
            )
        if pool is None or any(not words.inside(end, [subnet.cidr]) for end in pool):
            self._syntax(one, f"'{' '.join(texts)[:80]}' is no range of {subnet.cidr}")
        elif scope.known_only:
            self.draft.skip(one.place, f"{pool[0]}-{pool[1]}", "only known machines get of it")
        else:
            subnet.pools.append(pool)

    def _syntax(self, one: Statement, text: str) -> None:
        self.draft.problem(one.place, "syntax", str(one.place), f"dhcpd refuses it: {text}.")


def read(draft: Draft, files: Files, paths: list[str]) -> None:
    """Take what these configuration files say."""
    reader = _Reader(draft, files)
    blocks = {path: statements(draft, files, path) for path in paths}
    named = {
        found
        for path, block in blocks.items()
        for name in _included(block)
        if (found := files.find(name, path))
    }
    for path in [each for each in blocks if each not in named] or blocks:
        reader.open = [path]
        reader.walk(blocks[path], Scope())
    draft.reservations += reader.hosts
    for subnet in draft.subnets:
        subnet.dhcp = bool(subnet.pools) or any(
            words.inside(address, [subnet.cidr])
            for one in reader.hosts
            for address in one.addresses
        )


def _included(block: list[Statement]) -> list[str]:
    found = []
    for one in block:
        if one.first == "include":
            found.append(one.text(1))
        elif one.block:
            found += _included(one.block)
    return found


def _values(one: Statement, number: int) -> tuple[str, ...]:
    """The values of an option; those of routes as `destination,router,…`."""
    values = listed([word.text for word in one.words[2:]])
    if number not in told.STATIC_ROUTES or not all(v.isdecimal() and len(v) < 4 for v in values):
        return tuple(values)
    octets = [int(value) for value in values]
    found: list[str] = []
    while octets:
        length, rest = octets[0], octets[1:]
        significant = (length + 7) // 8
        if length > 32 or len(rest) < significant + 4:
            return tuple(values)
        net = [*rest[:significant], 0, 0, 0, 0][:4]
        found.append(".".join(map(str, net)) + f"/{length}")
        found.append(".".join(map(str, rest[significant : significant + 4])))
        octets = rest[significant + 4 :]
    return tuple(found)
