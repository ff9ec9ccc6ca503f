"""[dns]: the zones of name servers elsewhere in which ports have records."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Final

from oslo_config import cfg, types

from ipam.rules.dns_zones import Zone, twice, zone_fault

DNS_PORT: Final = 53


@dataclass(frozen=True, slots=True)
class PrimaryServer:
    """A zone and the server that its updates are sent to."""

    zone: Zone
    address: str
    port: int
    key_file: Path | None
    """None: that of all zones."""

    @property
    def called(self) -> str:
        """The server in messages."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return shown if self.port == DNS_PORT else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """The settings of [dns]."""

    zones: tuple[PrimaryServer, ...]
    key_file: Path | None
    owner: str
    ttl: int
    timeout: float
    compare_interval: float

    @property
    def known(self) -> tuple[Zone, ...]:
        """The zones without their servers."""
        return tuple(one.zone for one in self.zones)


def primary_servers(texts: Sequence[str]) -> tuple[PrimaryServer, ...]:
    """Items of `zones` in their final types. Raises ValueError."""
    servers = tuple(_primary_server(text) for text in texts)
    if names := twice([one.zone for one in servers]):
        raise ValueError(f"{names[0]} is there twice: a zone has one primary server")
    return servers


def _primary_server(text: str) -> PrimaryServer:
    name, *words = text.split()
    if not words:
        raise ValueError(f"{name} has no server: write ZONE ADDRESS")
    key_file: Path | None = None
    prefix: IPv4Network | None = None
    for word in words[1:]:
        if word.startswith("/") and key_file is None:
            key_file = Path(word)
        elif "/" in word and prefix is None:
            prefix = IPv4Network(word)
        else:
            raise ValueError(f"{word} in '{text}' is neither the path of a key nor a prefix")
    zone = Zone(name.lower().removesuffix("."), prefix)
    if fault := zone_fault(zone):
        raise ValueError(fault)
    return PrimaryServer(zone, *_endpoint(words[0]), key_file)


def _endpoint(text: str) -> tuple[str, int]:
    """The address and the port of `192.0.2.53`, `192.0.2.53:5353` or `[2001:db8::1]:5353`."""
    host, port = text, DNS_PORT
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = int(rest.removeprefix(":")) if rest else DNS_PORT
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
        port = int(number)
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port")
    return str(ip_address(host)), port


OPTIONS: Final = [
    cfg.ListOpt(
        "zones",
        default=[],
        item_type=types.String(max_length=1024),
        sample_default="lab.example 192.0.2.53, 2.0.192.in-addr.arpa 192.0.2.53",
        help="ZONE SERVER for each zone in which the ports of subnets with dns_publish_fixed_ip"
        " have records: A and AAAA, in reverse zones PTR. SERVER is the address of the zone's"
        " primary server, with :PORT if that is not 53. A KEY_FILE may follow, and of a classless"
        " reverse zone (RFC 2317) its PREFIX must. `ipam worker` sends the updates; set it for the"
        " API and the worker alike.",
    ),
    cfg.StrOpt(
        "key_file",
        default="",
        sample_default="/etc/ipam/dns.key",
        help="File with the TSIG key that signs updates and transfers, as `tsig-keygen` prints it."
        " Nobody else may read it.",
    ),
    cfg.StrOpt(
        "owner",
        default="ipam",
        max_length=64,
        help="The service's name in the DHCID record beside each of its names, by which it knows"
        " them. Two services that write to one zone need two. After a change the old names count"
        " as somebody else's.",
    ),
    cfg.IntOpt(
        "ttl",
        default=300,
        min=0,
        max=604_800,
        help="Seconds for which resolvers may keep an answer. A change is seen as late.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=5.0,
        min=0.1,
        max=60,
        help="Seconds that a server may take for an answer. While one is silent, the changes of"
        " other zones wait for it now and then.",
    ),
    cfg.FloatOpt(
        "compare_interval",
        default=3600.0,
        min=1,
        help="Seconds between two comparisons of a whole zone with the ports, by a transfer"
        " (AXFR). What is missing, wrong or left over is put right, if this service made it.",
    ),
]
