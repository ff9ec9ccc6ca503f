"""dnsmasq's DHCP options: name, number and type, from `dnsmasq --help dhcp` and `dhcp6`.

An option that dnsmasq sets itself, or that has no meaning in a configuration, has a reason
instead.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from ipam.rules.dhcp_option_values import (
    Reader,
    Whole,
    address4,
    addresses4,
    addresses4_or_none,
    addresses6,
    anything4,
    client_id,
    domains,
    lease_time,
    ntp_servers6,
    routes,
    seconds,
    sip_servers,
    strings,
    text,
)

Table: TypeAlias = Mapping[str, tuple[int, Reader]]

LEASE_TIME: Final = 51
CLIENT_ID: Final = 61
MAY_BE_EMPTY: Final = (3, 121)
"""IPv4 options that may be empty, as in Neutron. The machine then does not get the subnet's."""

IPV4: Final[Table] = {
    "netmask": (1, address4),
    "time-offset": (2, Whole(4)),
    "router": (3, addresses4_or_none),
    "dns-server": (6, addresses4_or_none),
    "log-server": (7, addresses4),
    "lpr-server": (9, addresses4),
    "boot-file-size": (13, Whole(2)),
    "domain-name": (15, text),
    "swap-server": (16, addresses4),
    "root-path": (17, text),
    "extension-path": (18, text),
    "ip-forward-enable": (19, Whole(1)),
    "non-local-source-routing": (20, Whole(1)),
    "policy-filter": (21, addresses4),
    "max-datagram-reassembly": (22, Whole(2)),
    "default-ttl": (23, Whole(1)),
    "mtu": (26, Whole(2)),
    "all-subnets-local": (27, Whole(1)),
    "broadcast": (28, address4),
    "router-discovery": (31, Whole(1)),
    "router-solicitation": (32, addresses4),
    "static-route": (33, addresses4),
    "trailer-encapsulation": (34, Whole(1)),
    "arp-timeout": (35, Whole(4)),
    "ethernet-encap": (36, Whole(1)),
    "tcp-ttl": (37, Whole(1)),
    "tcp-keepalive": (38, Whole(4)),
    "nis-domain": (40, text),
    "nis-server": (41, addresses4),
    "ntp-server": (42, addresses4),
    "vendor-encap": (43, anything4),
    "netbios-ns": (44, addresses4),
    "netbios-dd": (45, addresses4),
    "netbios-nodetype": (46, Whole(1)),
    "netbios-scope": (47, anything4),
    "x-windows-fs": (48, addresses4),
    "x-windows-dm": (49, addresses4),
    "lease-time": (LEASE_TIME, lease_time),
    "t1": (58, seconds),
    "t2": (59, seconds),
    "vendor-class": (60, anything4),
    "client-id": (CLIENT_ID, client_id),
    "nis+-domain": (64, text),
    "nis+-server": (65, addresses4),
    "tftp-server": (66, text),
    "bootfile-name": (67, text),
    "mobile-ip-home": (68, addresses4),
    "smtp-server": (69, addresses4),
    "pop3-server": (70, addresses4),
    "nntp-server": (71, addresses4),
    "irc-server": (74, addresses4),
    "user-class": (77, anything4),
    "rapid-commit": (80, anything4),
    "client-arch": (93, Whole(2)),
    "client-interface-id": (94, anything4),
    "client-machine-id": (97, anything4),
    "posix-timezone": (100, text),
    "tzdb-timezone": (101, text),
    "ipv6-only": (108, Whole(4)),
    "captive-portal": (114, text),
    "domain-search": (119, domains),
    "sip-server": (120, sip_servers),
    "classless-static-route": (121, routes),
    "vendor-id-encap": (125, anything4),
    "tftp-server-address": (150, addresses4),
    "server-ip-address": (255, address4),
}

IPV6: Final[Table] = {
    "sip-server-domain": (21, domains),
    "sip-server": (22, addresses6),
    "dns-server": (23, addresses6),
    "domain-search": (24, domains),
    "nis-server": (27, addresses6),
    "nis+-server": (28, addresses6),
    "nis-domain": (29, domains),
    "nis+-domain": (30, domains),
    "sntp-server": (31, addresses6),
    "information-refresh-time": (32, seconds),
    "posix-timezone": (41, text),
    "tzdb-timezone": (42, text),
    "ntp-server": (56, ntp_servers6),
    "bootfile-url": (59, text),
    "bootfile-param": (60, strings),
    "captive-portal": (103, text),
}

TYPED_BY_NUMBER: Final = {249: routes}
"""Types of IPv4 options that have only a number."""

_OWN = "the DHCP server makes it itself"
NOT_TOLD4: Final[Mapping[int, str]] = {
    0: "it is padding",
    12: "a machine's name is its port's dns_name",
    50: "clients send it",
    52: _OWN,
    53: _OWN,
    54: _OWN,
    55: "clients send it",
    56: _OWN,
    57: "clients send it",
    81: _OWN,
    82: "relays send it",
    118: "clients send it",
}
NOT_TOLD6: Final[Mapping[int, str]] = dict.fromkeys((*range(10), *range(11, 21), 25, 26, 39), _OWN)
NAMES_NOT_TOLD4: Final[Mapping[str, int]] = {
    "hostname": 12,
    "requested-address": 50,
    "option-overload": 52,
    "message-type": 53,
    "server-identifier": 54,
    "parameter-request": 55,
    "message": 56,
    "max-message-size": 57,
    "fqdn": 81,
    "agent-id": 82,
    "agent-info": 82,
    "subnet-select": 118,
}
NAMES_NOT_TOLD6: Final[Mapping[str, int]] = {
    "client-id": 1,
    "server-id": 2,
    "ia-na": 3,
    "ia-ta": 4,
    "iaaddr": 5,
    "oro": 6,
    "preference": 7,
    "unicast": 12,
    "status": 13,
    "rapid-commit": 14,
    "user-class": 15,
    "vendor-class": 16,
    "vendor-opts": 17,
    "fqdn": 39,
}

OTHER_NAMES: Final[Mapping[str, str]] = {
    "boot-file": "bootfile-name",
    "boot-file-name": "bootfile-name",
    "boot-file-url": "bootfile-url",
    "bootfile": "bootfile-name",
    "broadcast-address": "broadcast",
    "classless-route": "classless-static-route",
    "dhcp-client-identifier": "client-id",
    "dhcp-lease-time": "lease-time",
    "domain-name-server": "dns-server",
    "domain-name-servers": "dns-server",
    "host-name": "hostname",
    "interface-mtu": "mtu",
    "name-servers": "dns-server",
    "next-server": "server-ip-address",
    "ntp-servers": "ntp-server",
    "rfc3442-classless-static-routes": "classless-static-route",
    "routers": "router",
    "subnet-mask": "netmask",
    "tftp-server-name": "tftp-server",
    "vendor-class-identifier": "vendor-class",
    "vendor-encapsulated-options": "vendor-encap",
    "wpad": "252",
}
"""Names of options in ISC DHCP, Kea and others, and dnsmasq's names for them."""
