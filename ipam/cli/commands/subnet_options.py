"""Options of the commands for subnets, and their values in the API's form."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import click

from ipam import model
from ipam.cli.options import Command, KeyValues, stacked

LIST_WORDS = {
    "allocation_pools": "allocation pool",
    "dynamic_ranges": "dynamic range",
    "dns_nameservers": "DNS name server",
    "host_routes": "host route",
}
"""What the values of a subnet's lists are called."""


def dhcp_option(command: Command) -> Command:
    """--dhcp/--no-dhcp."""
    return click.option(
        "--dhcp/--no-dhcp",
        "enable_dhcp",
        default=None,
        help="Whether dnsmasq serves it (default: yes).",
    )(command)


def gateway_option(command: Command) -> Command:
    """--gateway."""
    return click.option(
        "--gateway",
        metavar="IP|auto|none",
        help="The router for the machines: an address, the first one (auto), or none.",
    )(command)


def dns_publish_option(command: Command) -> Command:
    """--dns-publish-fixed-ip/--no-dns-publish-fixed-ip, as the openstack command has them."""
    return click.option(
        "--dns-publish-fixed-ip/--no-dns-publish-fixed-ip",
        default=None,
        help="Whether its ports' names are in zones elsewhere (default: no).",
    )(command)


def address_selection_option(command: Command) -> Command:
    """--address-selection."""
    return click.option(
        "--address-selection",
        type=click.Choice(get_args(model.AddressSelection)),
        help="Which free address a port gets (default: least-recently-used).",
    )(command)


def list_value_options(verb: str) -> Callable[[Command], Command]:
    """--allocation-pool, --dynamic-range, --dns-nameserver, --host-route, each repeatable."""
    return stacked(
        _ranges("--allocation-pool", f"{verb} a range of addresses to give out"),
        _ranges("--dynamic-range", f"{verb} a range for machines that nobody announced"),
        click.option(
            "--dns-nameserver",
            "dns_nameservers",
            multiple=True,
            metavar="IP",
            help=f"{verb} a DNS server machines are told; repeat for more.",
        ),
        click.option(
            "--host-route",
            "host_routes",
            multiple=True,
            type=KeyValues(["destination", "gateway"]),
            metavar="destination=CIDR,gateway=IP",
            help=f"{verb} a route machines are told; repeat for more.",
        ),
    )


def class_options(command: Command) -> Command:
    """--client-class and --client-class-option, each repeatable."""
    return stacked(
        click.option(
            "--client-class",
            "client_classes",
            multiple=True,
            type=KeyValues(["name"], ["vendor-class", "mac-prefix", "start", "end"]),
            metavar="name=NAME,vendor-class=TEXT,mac-prefix=OCTETS,start=IP,end=IP",
            help="Machines with a part of the dynamic ranges, or options, of their own; repeat for"
            " more. One of the same name is replaced.",
        ),
        click.option(
            "--client-class-option",
            "class_options",
            multiple=True,
            type=KeyValues(["class", "option", "value"]),
            metavar="class=NAME,option=NAME,value=VALUE",
            help="A DHCP option for a given client class; repeat for more.",
        ),
    )(command)


def wire_classes(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The client classes, removed from `fields`, in the API's form. May raise UsageError."""
    classes = {
        one["name"]: {key.replace("-", "_"): value for key, value in one.items()}
        | {"dhcp_options": []}
        for one in fields.pop("client_classes")
    }
    for one in fields.pop("class_options"):
        if one["class"] not in classes:
            raise click.UsageError(
                f"--client-class-option: no --client-class is {one['class']!r}."
            )
        option = {"opt_name": one["option"], "opt_value": one["value"]}
        classes[one["class"]]["dhcp_options"].append(option)
    return list(classes.values())


def with_classes(
    present: Sequence[dict[str, Any]], added: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The present classes and the added ones, of which each replaces one of its name."""
    by_name = {one["name"]: one for one in (*present, *added)}
    return list(by_name.values())


def wire_lists(fields: dict[str, Any]) -> dict[str, list[Any]]:
    """The list options, removed from `fields`, in the API's form."""
    routes = [
        {"destination": route["destination"], "nexthop": route["gateway"]}
        for route in fields.pop("host_routes")
    ]
    return {
        "allocation_pools": list(fields.pop("allocation_pools")),
        "dynamic_ranges": list(fields.pop("dynamic_ranges")),
        "dns_nameservers": list(fields.pop("dns_nameservers")),
        "host_routes": routes,
    }


def wire_gateway(gateway: str | None) -> dict[str, str | None]:
    """The value of --gateway in the API's form."""
    if gateway is None or gateway.lower() == "auto":
        return {}
    return {"gateway_ip": None if gateway.lower() == "none" else gateway}


def _ranges(flag: str, what: str) -> Callable[[Command], Command]:
    return click.option(
        flag,
        f"{flag.strip('-').replace('-', '_')}s",
        multiple=True,
        type=KeyValues(["start", "end"]),
        metavar="start=IP,end=IP",
        help=f"{what}; repeat for more.",
    )
