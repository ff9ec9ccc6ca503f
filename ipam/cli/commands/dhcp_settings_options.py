"""Options for DHCP options and lease times of networks and subnets, and their form in the API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from ipam import model
from ipam.cli.options import Command, KeyValues, stacked
from ipam.errors import NotFound

IPV6 = "option6:"
"""What stands before the name of an option of IPv6, as in dnsmasq's own files."""
DEFAULT = "default"
Json = Mapping[str, Any]


class _Completed:
    """Completes the names of options, as words of a parameter."""

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        param: click.Parameter,  # noqa: ARG002  # click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """The options whose names begin so."""
        words = dict.fromkeys(map(self._word, _names()))
        return [CompletionItem(one) for one in words if one.startswith(incomplete)]

    def _word(self, name: str) -> str:
        return name


class DhcpOptionType(_Completed, click.ParamType[dict[str, Any]]):
    """`NAME=VALUE`, with `option6:` before the name for IPv6, in the API's form."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The option. A usage error says what is wrong."""
        if isinstance(value, dict):
            return value
        name, equals, text = value.partition("=")
        if not (name and equals):
            self.fail(
                f"{value!r} is not NAME=VALUE. `ipam options list` has the names.", param, ctx
            )
        return named(name) | {"opt_value": text}

    def _word(self, name: str) -> str:
        return f"{name}="


class DhcpOptionName(_Completed, click.ParamType[dict[str, Any]]):
    """The name of an option, with `option6:` before it for IPv6."""

    name = "name"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002  # click's signature
        ctx: click.Context | None,  # noqa: ARG002  # click's signature
    ) -> dict[str, Any]:
        """Name and IP version, in the API's form."""
        return value if isinstance(value, dict) else named(value)


class ExtraDhcpOption(_Completed, KeyValues):
    """`name=NAME,value=VALUE` of a port's option."""

    def _word(self, name: str) -> str:
        return f"name={name.removeprefix(IPV6)},value="


class LeaseTime(click.ParamType[int | str]):
    """`12h`, `3600`, `infinite` or `deprecated` in the API's form; `default` as it is."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """The seconds. A usage error says what is wrong."""
        from ipam.rules.dhcp_option_values import (  # noqa: PLC0415  # msgspec, for one option
            INFINITE_SECONDS,
            lease_time,
        )
        from ipam.rules.dhcp_settings import INFINITE_LEASE  # noqa: PLC0415  # as above

        if isinstance(value, int):
            return value
        if value == DEFAULT:
            return DEFAULT
        if value == "deprecated":
            return model.DEPRECATED
        try:
            (seconds,) = lease_time(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}, or infinite, or default.", param, ctx)
        return INFINITE_LEASE if seconds == INFINITE_SECONDS else int(str(seconds))


def dhcp_settings_options(verb: str) -> Callable[[Command], Command]:
    """--dhcp-option and --lease-time. `verb` says what becomes of the options."""
    return stacked(
        click.option(
            "--dhcp-option",
            "dhcp_options",
            multiple=True,
            type=DhcpOptionType(),
            metavar="NAME=VALUE",
            help=f"{verb} a DHCP option that machines are told, as `ipam options list` has it;"
            " option6:NAME for IPv6; repeat for more.",
        ),
        click.option(
            "--lease-time",
            type=LeaseTime(),
            metavar="TIME",
            help="How long DHCP leases are: 600, 12h, 7d, infinite, or default; deprecated for an"
            " IPv6 subnet whose addresses machines are to leave.",
        ),
    )


no_dhcp_option = click.option(
    "--no-dhcp-option", is_flag=True, help="First remove the present DHCP options."
)
gone_dhcp_option = click.option(
    "--dhcp-option",
    "gone_options",
    multiple=True,
    type=DhcpOptionName(),
    metavar="NAME",
    help="Take away a DHCP option; repeat for more.",
)


def named(text: str) -> dict[str, Any]:
    """Name and IP version of an option in the API's form."""
    version = 6 if text.startswith(IPV6) else 4
    return {"opt_name": text.removeprefix(IPV6), "ip_version": version}


def wire_lease_time(fields: dict[str, Any]) -> dict[str, Any]:
    """The value of --lease-time, removed from `fields`, in the API's form."""
    given = fields.pop("lease_time")
    return {} if given is None else {"lease_time": None if given == DEFAULT else given}


def wire_options(
    fields: dict[str, Any], subnet_version: int | None = None
) -> dict[str, list[Json]]:
    """The values of --dhcp-option, removed from `fields`, in the form of a network or subnet."""
    given = list(fields.pop("dhcp_options"))
    own = given if subnet_version is None else for_subnet(given, subnet_version)
    return {"dhcp_options": own} if own else {}


def for_subnet(options: Sequence[Json], ip_version: int) -> list[Json]:
    """The options in the form of a subnet's, whose IP version is its own. May raise UsageError.

    One without a value keeps the network's from the machines.
    """
    for one in options:
        if one["ip_version"] > ip_version:
            raise click.UsageError(
                f"--dhcp-option: {IPV6}{one['opt_name']} is of IPv6, and the subnet of IPv4."
            )
    return [
        {name: value or None for name, value in one.items() if name != "ip_version"}
        for one in options
    ]


def with_options(present: Sequence[Json], added: Sequence[Json]) -> list[Json]:
    """The present options and the added ones, of which each replaces one of its name."""
    return list({_key(one): one for one in (*present, *added)}.values())


def without_options(present: Sequence[Json], gone: Sequence[Json], owner: str) -> list[Json]:
    """The present options without these. Raises NotFound with those that are not there."""
    keys, wanted = [_key(one) for one in present], [_key(one) for one in gone]
    if absent := [name for name, version in wanted if (name, version) not in keys]:
        there = ", ".join(name for name, _ in keys) or "none"
        raise NotFound(f"{owner} has no DHCP option {', '.join(absent)}. It has: {there}.")
    return [one for one in present if _key(one) not in wanted]


def _key(option: Json) -> tuple[str, int]:
    return option["opt_name"], option.get("ip_version", 0)


def _names() -> list[str]:
    from ipam.rules import dhcp_options  # noqa: PLC0415  # msgspec, for a press of Tab

    return [
        f"{IPV6 if version == 6 else ''}{name}" for name, _, version, _ in dhcp_options.known()
    ]
