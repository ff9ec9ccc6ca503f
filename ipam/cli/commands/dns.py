"""`ipam dns …`: what the resolvers of the networks answer, for names and for addresses."""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from ipam import model
from ipam.chunks import chunks
from ipam.cli import lookup, output
from ipam.cli.commands import dns_on_host, dns_zones
from ipam.cli.commands.dns_on_host import on_option
from ipam.cli.connection import connect
from ipam.cli.options import examples, format_options
from ipam.cli.printing import print_columns
from ipam.cli.resource_kinds import NETWORK, PORT, SUBNET
from ipam.errors import NotFound
from ipam.rules import dns_answers
from ipam.rules.dns_answers import Answer, Claim, published_name

if TYPE_CHECKING:
    from ipam.client import Client

FIELDS = (
    *("id", "name", "network_id", "dns_name", "dns_domain", "fixed_ips", "device_owner"),
    "dns_assignment",
)
COLUMNS = (
    output.Column("Name", "name"),
    output.Column("Address", "address"),
    output.Column("Also", "also"),
    output.Column("Elsewhere", "elsewhere"),
    output.Column("Kind", "kind"),
    output.Column("Port", "port"),
    output.Column("Network", "network"),
    output.Column("Note", "note"),
)
Record = Mapping[str, Any]
Ports = tuple[Sequence[Record], dict[str, str]]
"""Ports, and by their ids what their machines call themselves."""
IDS_AT_ONCE = 100


@click.group()
def dns() -> None:
    """Names: what the networks' own resolvers answer, and the zones elsewhere."""


dns.add_command(dns_zones.zones)
dns.add_command(dns_zones.sync)
dns.add_command(dns_zones.retry)


@dns.command(
    "list",
    epilog=examples(
        "ipam dns list",
        "ipam dns list --network demo -c Name -c Address -f csv",
        "ipam dns list --network demo --on node-7",
    ),
)
@click.option("--network", metavar="NETWORK", help="Only the names of this network.")
@on_option
@format_options
def list_names(
    network: str | None, host: str | None, output_format: str, wanted: Sequence[str]
) -> None:
    """List the names that are answered, with their addresses.

    The kind says whose name it is: the port's (port), one made of the address (address), what the
    machine of a dynamic range calls itself (machine), or what the port's machine calls itself
    beside the port's name (own). Elsewhere is the name that its subnet publishes, where a zone has
    room for it: see `ipam dns zones`. The note says what is not as its port asks: a name that
    several ports share, or that is not served. With --on it says what that host's resolver answers
    otherwise, and the command ends with status 1 if there is anything.
    """
    client = connect()
    filters = {"network_id": lookup.find_id(client, NETWORK, network)} if network else {}
    own_names = _own_names(client, filters.items())
    rows = list(_rows(client, _ports(client, filters.items()), own_names))
    _show_on(client, host, rows, output_format, wanted)


@dns.command(
    "lookup",
    epilog=examples(
        "ipam dns lookup web.lab.example",
        "ipam dns lookup 10.0.0.20",
        "ipam dns lookup web.lab.example --on node-7",
    ),
)
@click.argument("name_or_address", metavar="NAME|ADDRESS")
@on_option
@format_options
def look_up(
    name_or_address: str, host: str | None, output_format: str, wanted: Sequence[str]
) -> None:
    """Say who has a name, or which name an address has, in every network.

    Of a network without a domain only the first label is compared. With --on the note says what
    that host's resolver answers otherwise. Ends with status 1 if it does, or if nobody has it.
    """
    client = connect()
    name = name_or_address.removesuffix(".").lower()
    address = _address(name)
    if address is not None:
        ports, own_names = _with(client, address)
        found = [row for row in _rows(client, ports, own_names) if row["address"] == address]
    else:
        ports, own_names = _claiming(client, name)
        found = [row for row in _rows(client, ports, own_names) if _is_named(row, name)]
    if not found:
        raise NotFound(f"Nobody has '{name_or_address}'. `ipam dns list` shows all names.")
    _show_on(client, host, found, output_format, wanted)


def _show_on(
    client: "Client",
    host: str | None,
    rows: list[dict[str, Any]],
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Show the rows, with what a host's resolver says otherwise."""
    differing = host is not None and dns_on_host.compare(client, host, rows)
    _show(rows, output_format, wanted)
    if differing:
        raise click.exceptions.Exit(1)


def _show(rows: Iterable[Record], output_format: str, wanted: Sequence[str]) -> None:
    columns = output.select(COLUMNS, COLUMNS, wanted)
    ordered = sorted(rows, key=lambda row: (row["network"], row["name"], row["address"]))
    print_columns(columns, ordered, output_format, none="No names.")


def _ports(client: "Client", filters: Iterable[tuple[str, Any]]) -> Sequence[Record]:
    fields = [("fields", field) for field in FIELDS]
    return client.list(PORT.path, PORT.collection, [*filters, *fields])


def _with(client: "Client", address: str) -> Ports:
    """The ports with the address, and those that claim the names of these."""
    owners = _ports(client, [("fixed_ips", f"ip_address={address}")])
    own_names = _own_names(client, [("port_id", port["id"]) for port in owners]) if owners else {}
    names = {port["dns_name"] for port in owners} | set(own_names.values())
    return [*owners, *_named(client, names - {""}, owners)], own_names


def _claiming(client: "Client", name: str) -> Ports:
    """The ports that may have a name: by what they claim, or by the address in it."""
    labels = name.split(".")
    claimed = [".".join(labels[:count]) for count in range(1, len(labels) + 1)]
    own_names = _own_names(client, [("own_name", labels[0])])
    machines = list(_of_ids(client, own_names))
    found = [*machines, *_named(client, [*claimed, f"{name}."], machines)]
    if address := _address_in(labels[0]):
        more, names = _with(client, address)
        return [*found, *more], own_names | names
    return found, own_names


def _named(client: "Client", names: Collection[str], others: Sequence[Record]) -> Iterator[Record]:
    """The ports that claim one of these names, also in full where it is one label.

    That is in the domain of any network, or in the one that the API names for the others.
    """
    labels = [name for name in names if "." not in name]
    found = client.list(NETWORK.path, NETWORK.collection, [("fields", "dns_domain")])
    domains = {one["dns_domain"].strip(".") for one in found} | {
        _default_domain(others).strip(".")
    }
    full = {f"{label}.{domain}." for label in labels for domain in domains if domain}
    for some in chunks(sorted({*names, *full}), IDS_AT_ONCE):
        yield from _ports(client, [("dns_name", name) for name in some])


def _of_ids(client: "Client", ids: Iterable[str]) -> Iterator[Record]:
    for some in chunks(sorted(ids), IDS_AT_ONCE):
        yield from _ports(client, [("id", one) for one in some])


def _own_names(client: "Client", filters: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """What machines call themselves, by port: with the first of a port's addresses."""
    wanted = [("fields", "port_id"), ("fields", "own_name"), ("sort_key", "ip_address")]
    found: dict[str, str] = {}
    for lease in client.list("/v2.0/leases", "leases", [*filters, *wanted]):
        if lease["own_name"] and lease["port_id"]:
            found.setdefault(lease["port_id"], lease["own_name"])
    return found


def _rows(
    client: "Client", ports: Iterable[Record], own_names: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The rows of each address of the ports, by what the resolver of its network answers."""
    by_network: dict[str, dict[str, Record]] = {}
    for port in ports:
        by_network.setdefault(port["network_id"], {})[port["id"]] = port
    networks, published = _networks(client, by_network), _published(client)
    for network_id, of_network in by_network.items():
        if network_id in networks:
            ports_of_it = list(of_network.values())
            yield from _rows_of(networks[network_id], ports_of_it, own_names, published)


def _networks(client: "Client", ids: Iterable[str]) -> dict[str, Record]:
    fields = [("fields", field) for field in ("id", "name", "dns_domain")]
    wanted = set(ids)
    if len(wanted) == 1:
        fields += [("id", one) for one in wanted]
    found = client.list(NETWORK.path, NETWORK.collection, fields) if wanted else []
    return {one["id"]: one for one in found}


def _published(client: "Client") -> set[str]:
    """The ids of the subnets whose ports have names elsewhere."""
    wanted = [("dns_publish_fixed_ip", "true"), ("fields", "id")]
    return {one["id"] for one in client.list(SUBNET.path, SUBNET.collection, wanted)}


def _rows_of(
    network: Record,
    ports: Sequence[Record],
    own_names: Mapping[str, str],
    published: set[str],
) -> Iterator[dict[str, Any]]:
    domain = network["dns_domain"] or _default_domain(ports)
    claims: list[Claim] = []
    owners: dict[str, tuple[Record, Claim]] = {}
    claimants: dict[tuple[tuple[str, ...], bool], set[str]] = {}
    for port in ports:
        addresses = [one["ip_address"] for one in port["fixed_ips"]]
        is_leased = port["device_owner"] == model.LEASE_PORT_OWNER
        own_name = own_names.get(port["id"], "")
        for claim in dns_answers.claims(
            port["dns_name"], addresses, is_leased=is_leased, own_name=own_name
        ):
            claims.append(claim)
            owners[claim.address] = port, claim
            served = dns_answers.names(claim.name, domain)
            claimants.setdefault((served, claim.is_leased), set()).add(port["id"])
    for answer in dns_answers.answers(claims, domain, claims):
        port, claim = owners[answer.address]
        sharing = len(claimants[dns_answers.names(claim.name, domain), claim.is_leased])
        of_port = {
            "address": answer.address,
            "reverse": answer.names[0],
            "port": port["name"] or port["id"],
            "network": network["name"] or network["id"],
            "network_id": network["id"],
            "has_domain": bool(domain),
        }
        yield (
            _named_row(answer.names)
            | of_port
            | {
                "elsewhere": _elsewhere(port, answer.address, domain, published),
                "kind": _kind(claim, answer, domain),
                "note": _note(claim, answer, domain, sharing),
            }
        )
        if answer.own_names:
            own = {"elsewhere": "", "kind": "own", "note": ""}
            yield _named_row(answer.own_names) | of_port | own


def _named_row(names: Sequence[str]) -> dict[str, Any]:
    return {"name": names[0], "also": ", ".join(names[1:]), "names": names}


def _kind(claim: Claim, answer: Answer, domain: str) -> str:
    if answer.names == dns_answers.names(model.default_hostname(claim.address), domain):
        return "address"
    return "machine" if claim.is_leased else "port"


def _default_domain(ports: Sequence[Record]) -> str:
    """The domain of names in a network without one of its own, as the API has it."""
    for port in ports:
        for assigned in port["dns_assignment"]:
            if domain := assigned["fqdn"][len(assigned["hostname"]) + 1 :]:
                return str(domain)
    return ""


def _elsewhere(port: Record, address: str, domain: str, published: set[str]) -> str:
    """The name of one of a port's addresses in a zone elsewhere; empty without one."""
    subnets = {one["subnet_id"] for one in port["fixed_ips"] if one["ip_address"] == address}
    if port["device_owner"] == model.LEASE_PORT_OWNER or published.isdisjoint(subnets):
        return ""
    name = published_name(
        port["dns_name"], of_port=port["dns_domain"], of_network=domain, of_deployment=""
    )
    return name or ""


def _note(claim: Claim, answer: Answer, domain: str, sharing: int) -> str:
    wished = dns_answers.names(claim.name, domain)
    if not wished:
        return f"{claim.name} is not served"
    if answer.names != wished:
        return f"{claim.name} is a port's name"
    return f"shared by {sharing} ports" if sharing > 1 else ""


def _is_named(row: Record, name: str) -> bool:
    return name in row["names"] or (
        not row["has_domain"] and name.partition(".")[0] in row["names"]
    )


def _address(text: str) -> str | None:
    """The address that the text is, in its usual form."""
    with contextlib.suppress(ValueError):
        return str(ip_address(text))
    return None


def _address_in(label: str) -> str | None:
    """The address of a name that was made of it."""
    text = label.removeprefix("host-")
    if text == label:
        return None
    return _address(text.replace("-", ".")) or _address(text.replace("-", ":"))
