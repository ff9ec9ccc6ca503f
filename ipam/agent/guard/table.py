"""The guard as an nftables table of the bridge family: the text that makes and changes it. Pure.

The rules are the same on every host. What differs are the elements of sets, so a frame costs the
same with ten ports and with thousands.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ipam.agent.guard.elements import GUARDED, TAPS, Element, Guard
from ipam.agent.guard.fence import OWN_ADVERTS, OWN_DHCP4, OWN_DHCP6, SERVER
from ipam.agent.guard.opening import ANSWERING, MACHINES, OPENED, SOLE

USUAL_RUN_PATH: Final = "/run/ipam"
DHCP_PACKETS_PER_SECOND: Final = 20
DHCP_PACKETS_AT_ONCE: Final = 40
"""A machine that boots sends some five packets in all."""
EXAMPLE: Final[Guard] = {
    "tap": frozenset(
        {
            TAPS,
            GUARDED,
            ("macs", "02:00:00:00:00:01"),
            ("chaddrs", "0x20000000001"),
            ("v4", "02:00:00:00:00:01 . 192.0.2.1"),
            ("v4_nets", "02:00:00:00:00:01 . 192.0.2.0/25"),
            ("v6", "02:00:00:00:00:01 . 2001:db8::1"),
            ("v6_nets", "02:00:00:00:00:01 . 2001:db8:1::/48"),
            ("nd6", "0x20010db8000000000000000000000001"),
            ("nd6_nets", "0x1-0x5"),
            *SERVER,
            OWN_DHCP4,
            OWN_DHCP6,
            OWN_ADVERTS,
            (OPENED, "eth1"),
            (MACHINES, "02:00:00:00:00:01"),
            SOLE,
        }
    )
}
"""An element in each set, to try whether a kernel takes it."""
DROPS_KEPT: Final = "1h"
"""How long the kernel remembers how many frames of a tap it dropped."""

# `prerouting`, because the bridge learns from what passes it: in `forward` a frame with another's
# MAC address is dropped, and has moved that address to its sender all the same.
# The priority is before ebtables' and before br_netfilter's.
# What is for the bridge itself, such as LLDP, comes to no chain: it must not be learnt from.
# Without `icmpv6 taddr` and with plain bit offsets, nft 1.0.6 (Debian 12) reads it, too.
# The fence is where it is known by which port a frame leaves: `forward`, and, for a bridge of the
# administrator's on which the host itself has a DHCP server, `input` and `output`.
# Of a first fragment that ends before it says what it is the kernel knows the `l4proto` all the
# same, but a look at its first octets does not match. A look behind the packet's end does, if the
# frame has more. So of a fragment only the first eight octets count: there are no fewer.
_FENCE: Final = """\
		udp dport vmap { 67 : jump asked4, 547 : jump asked6, 68 : jump answered4, \
546 : jump answered6 }
		icmpv6 type vmap { nd-router-solicit : jump solicited, nd-router-advert : jump advertised }
"""
_RULES: Final = f"""\
	set taps {{
		type ifname
	}}
	set guarded {{
		type ifname
	}}
	set macs {{
		type ifname . ether_addr
	}}
	set chaddrs {{
		typeof iifname . @th,288,48
	}}
	set v4 {{
		type ifname . ether_addr . ipv4_addr
	}}
	set v4_nets {{
		type ifname . ether_addr . ipv4_addr
		flags interval
	}}
	set v6 {{
		type ifname . ether_addr . ipv6_addr
	}}
	set v6_nets {{
		type ifname . ether_addr . ipv6_addr
		flags interval
	}}
	set nd6 {{
		typeof iifname . @th,64,128
	}}
	set nd6_nets {{
		typeof iifname . @th,64,128
		flags interval
	}}
	set dhcp_rates {{
		type ifname
		size 65535
		flags dynamic,timeout
		timeout 10s
	}}
	set storms {{
		type ifname
		size 65535
		flags dynamic,timeout
		timeout {DROPS_KEPT}
		counter
	}}
	set spoofed {{
		type ifname
		size 65535
		flags dynamic,timeout
		timeout {DROPS_KEPT}
		counter
	}}
	set servers {{
		type ifname
	}}
	set own_dhcp4 {{
		type ifname
	}}
	set own_dhcp6 {{
		type ifname
	}}
	set own_adverts {{
		type ifname
	}}
	set fenced {{
		type ifname
		size 65535
		flags dynamic,timeout
		timeout {DROPS_KEPT}
		counter
	}}
	set opened {{
		type ifname . ifname
	}}
	set machines {{
		type ifname . ether_addr
	}}
	set answering {{
		type ifname
		flags timeout
	}}
	set sole {{
		type ifname
	}}
	chain prerouting {{
		type filter hook prerouting priority -200; policy accept;
		udp dport vmap {{ 67 : jump dhcp4, 547 : jump dhcp6, 68 : jump server, \
546 : jump server }}
		ether type ip iifname . ether saddr . ip saddr @v4 accept
		iifname @guarded goto guest
	}}
	chain server {{
		iifname @guarded goto foreign
	}}
	chain dhcp4 {{
		iifname @taps jump bounded
		iifname @guarded goto client4
	}}
	chain dhcp6 {{
		iifname @taps jump bounded
	}}
	chain bounded {{
		update @dhcp_rates {{ iifname limit rate over {DHCP_PACKETS_PER_SECOND}/second \
burst {DHCP_PACKETS_AT_ONCE} packets }} goto storm
	}}
	chain client4 {{
		ip frag-off & 0x2000 != 0 goto foreign
		iifname . @th,288,48 != @chaddrs goto foreign
		ether type ip ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 \
iifname . ether saddr @macs accept
	}}
	chain storm {{
		update @storms {{ iifname }} drop
	}}
	chain foreign {{
		update @spoofed {{ iifname }} drop
	}}
	chain guest {{
		ether type vmap {{ ip : goto guest4, ip6 : goto guest6, arp : goto guest_arp, \
0x8035 : goto guest_rarp }}
		goto foreign
	}}
	chain guest4 {{
		iifname . ether saddr . ip saddr @v4_nets accept
		goto foreign
	}}
	chain guest_arp {{
		iifname . ether saddr != @macs goto foreign
		arp htype != 1 goto foreign
		arp ptype != ip goto foreign
		arp hlen != 6 goto foreign
		arp plen != 4 goto foreign
		iifname . arp saddr ether . arp saddr ip @v4 accept
		iifname . arp saddr ether . arp saddr ip @v4_nets accept
		arp saddr ip 0.0.0.0 iifname . arp saddr ether @macs accept
		goto foreign
	}}
	chain guest_rarp {{
		iifname . ether saddr @macs accept
		goto foreign
	}}
	chain guest6 {{
		frag frag-off != 0 goto source6
		frag nexthdr {{ 0, 43, 44, 60, 135, 139, 140 }} goto foreign
		exthdr frag exists icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} goto foreign
		icmpv6 type vmap {{ nd-router-advert : goto foreign, nd-redirect : goto foreign, \
nd-neighbor-advert : goto target }}
		ip6 saddr :: goto unspecified
		meta l4proto {{ icmpv6, udp }} @th,16,16 0-65535 goto source6
		meta l4proto {{ icmpv6, udp }} goto foreign
		meta l4proto 0-255 goto source6
		goto foreign
	}}
	chain target {{
		iifname . @th,64,128 @nd6 goto source6
		iifname . @th,64,128 @nd6_nets goto source6
		goto foreign
	}}
	chain source6 {{
		iifname . ether saddr . ip6 saddr @v6 accept
		iifname . ether saddr . ip6 saddr @v6_nets accept
		goto foreign
	}}
	chain unspecified {{
		iifname . ether saddr != @macs goto foreign
		icmpv6 type {{ nd-router-solicit, mld-listener-report, mld-listener-done, \
mld2-listener-report }} accept
		icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @nd6 accept
		icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @nd6_nets accept
		goto foreign
	}}
	chain forward {{
		type filter hook forward priority -200; policy accept;
{_FENCE}		oifname . iifname @opened goto from_uplink
		iifname . oifname @opened goto to_uplink
	}}
	chain input {{
		type filter hook input priority -200; policy accept;
{_FENCE}	}}
	chain output {{
		type filter hook output priority -200; policy accept;
{_FENCE}	}}
	chain asked4 {{
		iifname @own_dhcp4 goto outward
	}}
	chain asked6 {{
		iifname @own_dhcp6 goto outward
	}}
	chain solicited {{
		iifname @own_adverts goto outward
	}}
	chain answered4 {{
		oifname @own_dhcp4 goto inward
	}}
	chain answered6 {{
		oifname @own_dhcp6 goto inward
	}}
	chain advertised {{
		oifname @own_adverts goto inward
	}}
	chain outward {{
		oifname @taps return
		oifname @servers return
		iifname != @guarded udp sport {{ 67, 547 }} return
		goto stray
	}}
	chain inward {{
		iifname @taps return
		iifname @servers return
		goto stray
	}}
	chain stray {{
		update @fenced {{ iifname }} drop
	}}
	chain from_uplink {{
		oifname @answering oifname . ether saddr @machines accept
		oifname @sole oifname . ether saddr @machines accept
		drop
	}}
	chain to_uplink {{
		iifname @answering goto to_machines
		iifname @sole goto to_machines
		drop
	}}
	chain to_machines {{
		iifname . ether daddr @machines accept
		ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 accept
		drop
	}}
}}
"""


def name_of(run_path: Path) -> str:
    """The table's name: of an agent that runs beside the host's own, another one."""
    if str(run_path) == USUAL_RUN_PATH:
        return "ipam"
    return f"ipam_{hashlib.sha256(bytes(run_path)).hexdigest()[:8]}"


def whole(table: str, guard: Guard) -> str:
    """The transaction that makes the table, in place of any earlier one."""
    rules = f"table bridge {table} {{\n{_RULES}"
    return removal(table) + rules + _lines(table, "add", elements_of(guard))


def change(
    table: str,
    removed: Iterable[tuple[str, Element]],
    added: Iterable[tuple[str, Element]],
) -> str:
    """The transaction that removes and adds elements, each with its tap."""
    return _lines(table, "delete", removed) + _lines(table, "add", added)


def answering(table: str, taps: Iterable[str], milliseconds: int) -> str:
    """The transaction after which these DHCP ports answer for so long, and no others."""
    keys = [f'"{tap}" timeout {milliseconds}ms' for tap in taps]
    flush = f"flush set bridge {table} {ANSWERING}\n"
    if not keys or milliseconds <= 0:
        return flush
    return f"{flush}add element bridge {table} {ANSWERING} {{ {', '.join(keys)} }}\n"


def removal(table: str) -> str:
    """The transaction after which there is no table."""
    return f"table bridge {table}\ndelete table bridge {table}\n"


def elements_of(guard: Guard) -> Iterable[tuple[str, Element]]:
    """Each element, with its tap."""
    return ((tap, element) for tap, elements in guard.items() for element in elements)


def _lines(table: str, verb: str, elements: Iterable[tuple[str, Element]]) -> str:
    by_set: dict[str, list[str]] = defaultdict(list)
    for tap, (name, key) in elements:
        rest = f'"{key}"' if name == OPENED else key
        by_set[name].append(f'"{tap}" . {rest}' if key else f'"{tap}"')
    return "".join(
        f"{verb} element bridge {table} {name} {{ {', '.join(keys)} }}\n"
        for name, keys in by_set.items()
    )
