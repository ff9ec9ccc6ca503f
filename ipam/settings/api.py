"""[api]: where the API listens, whom it lets in, what it answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The settings of [api]."""

    bind_host: str
    bind_port: int
    socket: Path
    threads: int
    max_connections: int
    tls_certificate_file: Path | None
    tls_key_file: Path | None
    tls_client_ca_file: Path | None
    tls_require_client_certificate: bool
    tls_minimum_version: Literal["1.2", "1.3"]
    public_url: str
    auth_strategy: Literal["http_basic", "keystone"]
    htpasswd_file: Path
    auth_cache_seconds: int
    max_body_bytes: int
    metrics_public: bool
    metrics_totals: bool
    metrics_per_subnet: bool
    page_size_max: int
    bulk_size_max: int
    request_timeout_seconds: int


OPTIONS: Final = [
    cfg.StrOpt(
        "bind_host",
        default="127.0.0.1",
        help="Address the API listens on for TCP. By default only this machine can reach it."
        " Set tls_certificate_file, or put a TLS proxy in front of it, before you change"
        " that, because http_basic does not encrypt passwords.",
    ),
    cfg.PortOpt(
        "bind_port",
        default=9696,
        help="TCP port of the API: 9696 is what OpenStack's installers expect of the network"
        " service. 0 takes a free one.",
    ),
    cfg.StrOpt(
        "socket",
        default="",
        sample_default="/run/ipam/api.sock",
        help="Unix socket of the API for root and the service's own user, who need no password."
        " Empty means api.sock in run_path.",
    ),
    cfg.IntOpt(
        "threads",
        default=8,
        min=1,
        help="How many requests one API process handles at a time from TCP, and how many from"
        " root and its own user at the socket. More help only while the database is slow,"
        " because Python runs only one thread at a time.",
    ),
    cfg.IntOpt(
        "max_connections",
        default=800,
        min=16,
        help="How many TCP connections one API process keeps open. For a new one beyond that,"
        " another is closed which waits for its client: of the address with the most"
        " connections, the one that has waited longest. The socket does not count.",
    ),
    cfg.StrOpt(
        "tls_certificate_file",
        default="",
        sample_default="/etc/ipam/api.pem",
        help="PEM file of the certificate for TCP, with its chain: TCP then speaks TLS alone. A"
        " changed file counts from the next connection on.",
    ),
    cfg.StrOpt(
        "tls_key_file",
        default="",
        sample_default="/etc/ipam/api.key",
        help="PEM file of its key, without a password. Empty means that it is in"
        " tls_certificate_file.",
    ),
    cfg.StrOpt(
        "tls_client_ca_file",
        default="",
        sample_default="/etc/ipam/clients-ca.pem",
        help="PEM file of the authority that signs certificates of clients. A client that shows"
        " one needs no password: its common name (else its first DNS name) is a user of"
        " htpasswd_file, or the host of an enrolled agent. Use an authority that signs"
        " nothing else.",
    ),
    cfg.BoolOpt(
        "tls_require_client_certificate",
        default=False,
        help="Whether TCP is closed to clients without such a certificate.",
    ),
    cfg.StrOpt(
        "tls_minimum_version",
        default="1.2",
        choices=["1.2", "1.3"],
        help="The oldest version of TLS that is spoken.",
    ),
    cfg.StrOpt(
        "public_url",
        default="",
        sample_default="https://network.example.org",
        help="The URL under which clients reach the API, without /v2.0, for the links in answers."
        " Empty means what the request says (Host, X-Forwarded-Proto, X-Forwarded-Host).",
    ),
    cfg.StrOpt(
        "auth_strategy",
        default="http_basic",
        choices=["http_basic", "keystone"],
        help="Who may call over TCP: http_basic asks for a user of the htpasswd file, keystone for"
        " a token, checked as [keystone_authtoken] says (needs dnsmasq-ipam[keystone]). The Unix"
        " socket needs neither.",
    ),
    cfg.StrOpt(
        "htpasswd_file",
        default="",
        sample_default="/var/lib/ipam/htpasswd",
        help="bcrypt htpasswd file of the http_basic users, written by `ipam user`. Empty means"
        " htpasswd in state_path.",
    ),
    cfg.IntOpt(
        "auth_cache_seconds",
        default=300,
        min=0,
        help="How many seconds a checked password is trusted before bcrypt (about 60 ms of"
        " CPU) runs again. A changed htpasswd file empties the cache at once.",
    ),
    cfg.IntOpt(
        "max_body_bytes",
        default=1_048_576,
        min=1024,
        help="Longest request body in bytes; a longer one gets 413. 1 MiB holds a bulk of"
        " about 3,000 ports.",
    ),
    cfg.BoolOpt(
        "metrics_public",
        default=True,
        help="Whether /metrics needs no authentication, as usual for Prometheus; else it is"
        " only for admins. It has numbers and no names.",
    ),
    cfg.BoolOpt(
        "metrics_totals",
        default=True,
        help="Whether /metrics counts networks, subnets, ports, leases, addresses and the"
        " events that wait for Nova. A scrape then reads an index of each table, about 10"
        " ms of the database for 100,000 rows.",
    ),
    cfg.BoolOpt(
        "metrics_per_subnet",
        default=False,
        help="Whether /metrics has the addresses of each subnet by state: seven lines for each of"
        " them.",
    ),
    cfg.IntOpt(
        "page_size_max",
        default=0,
        min=0,
        help="The most items in one answer to a list, whatever `limit` asks for. 0 sets no bound.",
    ),
    cfg.IntOpt(
        "bulk_size_max",
        default=500,
        min=1,
        max=5000,
        help="The most resources that one POST makes. All are made in one transaction, which keeps"
        " others from the same rows: 500 ports take about a second.",
    ),
    cfg.IntOpt(
        "request_timeout_seconds",
        default=30,
        min=1,
        max=3600,
        help="Seconds after which the next statement of a request is not made: all that it did is"
        " undone, and its answer is 503 with Retry-After. A statement that is under way then may"
        " take [database] statement_timeout_seconds more. Keep the sum below the timeout of a"
        " proxy in front.",
    ),
]
