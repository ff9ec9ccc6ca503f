"""Options of the commands for ports, and their values in the API's form."""

from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup
from ipam.cli.commands.dhcp_settings_options import ExtraDhcpOption
from ipam.cli.estate.text_form import PORT as PORT_FORM
from ipam.cli.instants import End
from ipam.cli.options import (
    Command,
    KeyValues,
    admin_state_option,
    description_option,
    given,
    stacked,
)
from ipam.cli.resource_kinds import SUBNET

if TYPE_CHECKING:
    from ipam.client import Client

fixed_ip_option = click.option(
    "--fixed-ip",
    "fixed_ips",
    multiple=True,
    type=KeyValues([], ["subnet", "ip-address"]),
    metavar="subnet=SUBNET,ip-address=IP",
    help="An address, or a subnet to take one from, or both; repeat for more.",
)
extra_dhcp_option = click.option(
    "--extra-dhcp-option",
    "extra_dhcp_opts",
    multiple=True,
    type=ExtraDhcpOption(["name"], ["value", "ip-version"]),
    metavar="name=NAME,value=VALUE[,ip-version=4|6]",
    help="A DHCP option for this machine; repeat for more.",
)


allowed_address_option = click.option(
    "--allowed-address",
    "allowed_address_pairs",
    multiple=True,
    type=KeyValues(["ip-address"], ["mac-address"]),
    metavar="ip-address=IP[,mac-address=MAC]",
    help="Another address or prefix that the machine may use; repeat for more.",
)


expires_option = click.option(
    "--expires",
    "expires_at",
    type=End(),
    metavar="WHEN",
    help="When the port ends by itself and its addresses become free, if no device has it then:"
    " 30d, 2027-01-31, '2027-01-31 18:00' or never.",
)


def machine_options(command: Command) -> Command:
    """The options about the machine, for `create` and `set`."""
    return stacked(
        click.option("--mac-address", metavar="MAC", help="The machine's MAC address."),
        click.option(
            "--device", "device_id", metavar="ID", help="The id of the device that uses the port."
        ),
        click.option(
            "--device-owner", metavar="OWNER", help="The kind of device that uses the port."
        ),
        click.option(
            "--host",
            metavar="HOST",
            help="The host it runs on, as in `ipam agent list`. That host's agent serves it.",
        ),
        click.option("--dns-name", metavar="NAME", help="The machine's host name."),
        click.option(
            "--dns-domain",
            metavar="DOMAIN",
            help="The domain of its name in zones elsewhere, if not the network's.",
        ),
        expires_option,
        description_option,
        admin_state_option,
    )(command)


def wire_changes(fields: dict[str, Any]) -> dict[str, Any]:
    """The given ones of the fields in the API's form."""
    changes = given(**wire_binding(fields))
    if changes.get("expires_at") == End.never:
        changes["expires_at"] = None
    return changes


def wire_binding(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with --host under its name in the API."""
    return {"binding:host_id" if name == "host" else name: fields[name] for name in fields}


def canonical_mac(text: str | None) -> str | None:
    """A MAC address as the API writes it; what it refuses as it is."""
    return PORT_FORM.key_of(text) if text else None


def wire_fixed_ip(
    client: "Client", network_id: str | None, pairs: dict[str, str]
) -> dict[str, str]:
    """`subnet=…,ip-address=…` in the API's form."""
    if not pairs:
        raise click.UsageError("--fixed-ip wants subnet=…, ip-address=…, or both.")
    fixed_ip = {}
    if "subnet" in pairs:
        filters = {"network_id": network_id} if network_id else {}
        fixed_ip["subnet_id"] = lookup.find_id(client, SUBNET, pairs["subnet"], **filters)
    if "ip-address" in pairs:
        fixed_ip["ip_address"] = pairs["ip-address"]
    return fixed_ip


def owned_fixed_ip(
    client: "Client", found: dict[str, Any], pairs: dict[str, str]
) -> dict[str, str]:
    """The port's fixed IP that matches the given one; else the given one."""
    wanted = wire_fixed_ip(client, found["network_id"], pairs)
    for fixed_ip in found["fixed_ips"]:
        if wanted.items() <= fixed_ip.items():
            return dict(fixed_ip)
    return wanted


def wire_dhcp_option(pairs: dict[str, str]) -> dict[str, Any]:
    """`name=…,value=…` in the API's form. Without a value it deletes the option."""
    option: dict[str, Any] = {"opt_name": pairs["name"], "opt_value": pairs.get("value")}
    if "ip-version" in pairs:
        text = pairs["ip-version"]
        option["ip_version"] = int(text) if text.isdigit() else text
    return option


def wire_address_pair(pairs: dict[str, str]) -> dict[str, str]:
    """`ip-address=…,mac-address=…` in the API's form."""
    return {name.replace("-", "_"): value for name, value in pairs.items()}


def owned_address_pair(found: dict[str, Any], pairs: dict[str, str]) -> dict[str, str]:
    """The port's allowed address pair that matches the given one; else the given one."""
    wanted = wire_address_pair(pairs)
    present = found["allowed_address_pairs"]
    return next((dict(one) for one in present if wanted.items() <= one.items()), wanted)
