"""Links that only the machine itself makes: what DHCP heard of it, and its lease. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from ipam import model
from ipam.cli.explain.configured import called
from ipam.cli.explain.facts import Fact, Facts, Fix, Record
from ipam.cli.instants import moment
from ipam.rules import device_owners

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "no address available": ("no-reservation", "The DHCP server has no line for it there."),
    "ignored": ("no-reservation", "The DHCP server has no line for it there."),
    "no address range available": ("no-range", "The network has no range for what it asks."),
    "no leases left": ("no-leases-left", "The server holds as many leases as it may."),
    "wrong network": ("moved", "It had an address of another network. It asks anew by itself."),
    "wrong address": ("renewing", "Its address was changed. It asks anew by itself."),
    "static lease available": ("renewing", "Its address was changed. It asks anew by itself."),
    "address in use": ("address-in-use", "Another machine has the address."),
    "address not available": ("other-address", "It asks for an address that is not its own."),
    "address reserved": ("other-address", "It asks for an address that is another machine's."),
    "lease not found": ("lease-unknown", "It renews a lease that is not known. It asks anew."),
    "unknown lease": ("lease-unknown", "It renews a lease that is not known. It asks anew."),
    "wrong server-ID": ("other-server", "Another DHCP server answered it."),
    "no unique-id": ("no-identity", "It sends neither a MAC address nor a client id."),
    "not on link": ("moved", "It had an address of another network. It asks anew by itself."),
    "no addresses available": ("no-reservation", "The DHCP server has no line for it there."),
    "address unavailable": ("address-in-use", "Another machine has the address."),
    "it declined its address: another machine has it": ("declined", "Find that machine."),
}
"""dnsmasq's reasons (rfc2131.c, rfc3315.c): the code, and what each means."""
PASSING: Final = ("moved", "renewing", "lease-unknown")
"""Codes of what ends by itself."""


def refusals(facts: Facts) -> Iterator[Fact]:
    """What the machine asked in vain since it last got an address."""
    (port,) = facts.matches
    since = _last_answer(facts)
    bound = port.get("binding:host_id") or ""
    for one in sorted(facts.refusals, key=lambda each: str(each["last_at"]), reverse=True):
        if not one["count"] or (since and moment(one["last_at"]) <= since):
            continue
        elsewhere = one["network_id"] != port["network_id"]
        if elsewhere or (bound and one["host"] != bound):
            yield _elsewhere(facts, one, is_other_network=elsewhere)
        else:
            yield _refused(facts, one)


def _elsewhere(facts: Facts, one: Record, *, is_other_network: bool) -> Fact:
    (port,) = facts.matches
    name = facts.network_names.get(one["network_id"], one["network_id"])
    where = f" from {one['tap']}" if one["tap"] else ""
    code = "on-another-network" if is_other_network else "on-another-host"
    fix = (
        Fix("Plug it into its own network.", f"ipam port show {called(port)}")
        if is_other_network
        else Fix(
            "Bind the port to that host.", f"ipam port set {called(port)} --host {one['host']}"
        )
    )
    return Fact(
        "wire",
        code,
        False,
        f"it asks on {name} at {one['host']}{where}, not where its port is",
        source="dnsmasq",
        at=one["last_at"],
        fix=fix,
    )


def _refused(facts: Facts, one: Record) -> Fact:
    (port,) = facts.matches
    reason = str(one["reason"])
    code, meaning = REASONS.get(reason, ("refused", "The DHCP server refused it."))
    address = port["fixed_ips"][0]["ip_address"] if port["fixed_ips"] else ""
    command = {
        "address-in-use": f"ipam find {address}",
        "declined": f"ipam find {address}",
        "other-server": "ipam lease events --mac " + port["mac_address"],
    }.get(code, f"ipam port probe {called(port)}")
    return Fact(
        "dnsmasq",
        code,
        None if code in PASSING else False,
        f"{one['host']} refused it {one['count']} times: {reason}. {meaning}",
        source="dnsmasq",
        at=one["last_at"],
        fix=None if code in PASSING else Fix(meaning, command),
    )


def leases(facts: Facts) -> Iterator[Fact]:
    """Whether it has its lease, and the right one."""
    (port,) = facts.matches
    if str(port["device_owner"]).startswith(device_owners.NETWORK):
        return  # the DHCP server itself, say
    own = {one["ip_address"] for one in port["fixed_ips"]}
    stranger = next(
        (
            one
            for one in facts.leases
            if one["ip_address"] in own and one["mac_address"] not in (port["mac_address"], None)
        ),
        None,
    )
    if stranger:
        yield Fact(
            "lease",
            "leased-to-another",
            False,
            f"{stranger['ip_address']} is leased to {stranger['mac_address']}",
            source="lease",
            at=stranger["last_seen_at"],
            fix=Fix("End that lease.", f"ipam lease release {stranger['ip_address']}"),
        )
    yield from _identities(facts)
    mine = [
        one
        for one in facts.leases
        if one["mac_address"] == port["mac_address"]
        or (one["mac_address"] is None and one["ip_address"] in own)
    ]
    if wrong := [one for one in mine if one["ip_address"] not in own]:
        yield Fact(
            "lease",
            "another-address",
            False,
            f"it has {wrong[0]['ip_address']}, which is not its port's",
            source="lease",
            at=wrong[0]["last_seen_at"],
            fix=Fix(
                "End that lease: it asks anew.", f"ipam lease release {wrong[0]['ip_address']}"
            ),
        )
    elif mine:
        ends = mine[0]["expires_at"] or "never"
        yield Fact(
            "lease",
            "leased",
            True,
            f"it has {mine[0]['ip_address']}, until {ends}",
            source="lease",
            at=mine[0]["last_seen_at"],
        )
    elif any(_is_leased(subnet) for subnet in facts.subnets):
        yield _without_lease(facts)


def _is_leased(subnet: Record) -> bool:
    """Whether its addresses come with leases: those of machines' own making do not."""
    modes = {subnet["ipv6_ra_mode"], subnet["ipv6_address_mode"]}
    own_making = {model.SLAAC, model.DHCPV6_STATELESS}
    return bool(subnet["enable_dhcp"]) and modes.isdisjoint(own_making)


def _without_lease(facts: Facts) -> Fact:
    (port,) = facts.matches
    host = port.get("binding:host_id") or "its host"
    newest = facts.events[0] if facts.events else None
    if newest is None:
        link = model.tap_name(port["id"])
        if not str(port["device_owner"]).startswith(model.COMPUTE_OWNER_PREFIX):
            link = model.bridge_name(port["network_id"])
        return Fact(
            "guest",
            "never-heard",
            False,
            f"DHCP is ready, and nothing was ever heard of {port['mac_address']}",
            source="dnsmasq",
            fix=Fix(
                "See whether its requests reach the bridge: there may be no DHCP client, another"
                " MAC address, no uplink, or a firewall.",
                f"ssh {host} tcpdump -ni {link} port 67 or port 547",
            ),
        )
    if newest["action"] == "missed":
        return Fact(
            "lease",
            "expired-unnoticed",
            False,
            f"its lease of {newest['ip_address']} ran out while the agent was away",
            source="lease",
            at=newest["occurred_at"],
            fix=Fix(
                "Its DHCP client asks anew when it starts.", f"ipam agent show {newest['host']}"
            ),
        )
    if newest["action"] == "del":
        return Fact(
            "lease",
            "lease-ended",
            False,
            f"its lease of {newest['ip_address']} ended",
            source="lease",
            at=newest["occurred_at"],
            fix=Fix("Start its DHCP client.", f"ipam lease events --mac {port['mac_address']}"),
        )
    return Fact(
        "lease",
        "lease-unclear",
        None,
        f"it was given {newest['ip_address']}, and has no lease now",
        source="lease",
        at=newest["occurred_at"],
    )


def _identities(facts: Facts) -> Iterator[Fact]:
    """More than one DHCPv6 identity of one machine."""
    duids = list(dict.fromkeys(one["duid"] for one in facts.events if one["duid"]))
    if len(duids) > 1:
        yield Fact(
            "lease",
            "duid-changed",
            None,
            f"it sent {len(duids)} DUIDs, last {duids[0]}: reinstalled, or a clone of another"
            " machine's disk",
            source="lease",
            is_note=True,
        )


def _last_answer(facts: Facts) -> datetime | None:
    given = (one["occurred_at"] for one in facts.events if one["action"] in ("add", "old"))
    return max(map(moment, given), default=None)
