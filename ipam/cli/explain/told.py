"""What a machine is told with its address: route, DNS servers, name, MTU. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ipam.cli.explain.configured import called, called_subnet
from ipam.cli.explain.facts import Fact, Facts, Fix
from ipam.rules.subnet_options import is_unspecified


def told(facts: Facts, why: str) -> Iterator[Fact]:
    """What the machine is told with its address; what was asked for, if it lacks, is the cause.

    What the DHCP server offered counts more than what is configured.
    """
    if not why:
        for aspect in CHECKS:
            for fact in _aspect(facts, aspect):
                if fact.ok is False:
                    yield Fact(fact.step, fact.code, None, fact.text, is_note=True)
        return
    yield from _aspect(facts, why)


def _aspect(facts: Facts, aspect: str) -> Iterator[Fact]:
    codes, check = CHECKS[aspect]
    if values := list(_offered(facts, codes)):
        text = f"the DHCP server tells {aspect}: {', '.join(values)}"
        yield Fact(aspect, f"offers-{aspect}", True, text, source="probe")
    else:
        yield from check(facts)


def _offered(facts: Facts, codes: Sequence[str]) -> Iterator[str]:
    for answer in facts.probe["answers"] if facts.probe else ():
        for offer in answer["offers"]:
            yield from (one["value"] for one in offer["options"] if one["code"] in codes)


def _route(facts: Facts) -> Iterator[Fact]:
    for subnet in facts.subnets:
        if subnet["ip_version"] != 4:
            continue
        name = called_subnet(subnet)
        routes = [one["destination"] for one in subnet["host_routes"]]
        if not subnet["gateway_ip"] and "0.0.0.0/0" not in routes:
            yield Fact(
                "route",
                "no-gateway",
                False,
                f"the subnet {name} tells no default route",
                fix=Fix("Give it a gateway.", f"ipam subnet set {name} --gateway IP"),
            )
        else:
            yield Fact(
                "route",
                "has-gateway",
                True,
                f"{name}: the default route is {subnet['gateway_ip'] or 'among its routes'}",
            )


def _dns(facts: Facts) -> Iterator[Fact]:
    for subnet in facts.subnets:
        name = called_subnet(subnet)
        if not subnet["dns_nameservers"]:
            yield Fact("dns", "own-dns", True, f"{name}: the DNS server is the network's own")
            continue
        servers = [one for one in subnet["dns_nameservers"] if not is_unspecified(one)]
        if servers:
            yield Fact("dns", "has-dns", True, f"{name}: the DNS server is {', '.join(servers)}")
            continue
        yield Fact(
            "dns",
            "no-dns",
            False,
            f"the subnet {name} tells no DNS server",
            fix=Fix(
                "Name one.", f"ipam subnet set {name} --no-dns-nameservers --dns-nameserver IP"
            ),
        )


def _name(facts: Facts) -> Iterator[Fact]:
    (one,) = facts.matches
    if one["dns_name"]:
        yield Fact("name", "has-name", True, f"its host name is {one['dns_name']}")
    else:
        yield Fact(
            "name",
            "no-name",
            False,
            "the port has no dns_name, so the machine is told no name",
            fix=Fix("Name it.", f"ipam port set {called(one)} --dns-name NAME"),
        )


def _mtu(facts: Facts) -> Iterator[Fact]:
    if facts.network:
        mtu, name = facts.network["mtu"], called(facts.network)
        yield Fact(
            "mtu",
            "has-mtu",
            True,
            f"machines are told MTU {mtu}: `ipam network set {name} --mtu BYTES` changes it, and"
            " they take it over with their next lease",
        )


CHECKS: Final[Mapping[str, tuple[Sequence[str], Callable[[Facts], Iterator[Fact]]]]] = {
    "route": (("3",), _route),
    "dns": (("6", "23"), _dns),
    "name": (("12", "39"), _name),
    "mtu": (("26",), _mtu),
}
"""By aspect: the options that tell it, and the check of what is configured."""
