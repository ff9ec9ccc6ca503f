"""Deletes a network with the ports on it, or shows which these are."""

from typing import TYPE_CHECKING, Final

from ipam import model
from ipam.cli import lookup
from ipam.cli.commands.port_delete import delete_if_there
from ipam.cli.output import addresses
from ipam.cli.resource_kinds import NETWORK, PORT
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.client import Client

FIELDS: Final = ("id", "name", "mac_address", "fixed_ips", "device_owner", "device_id")


def delete_with_ports(client: "Client", name: str, *, yes: bool) -> None:
    """Tell each port of the network and, with `yes`, delete it; then the network.

    The first port that is refused ends it: the network and the ports behind it stay.
    """
    network_id = lookup.find_id(client, NETWORK, name)
    params = [("network_id", network_id), *(("fields", field) for field in FIELDS)]
    ports = client.list(PORT.path, PORT.collection, params)
    for port in ports:
        if port["device_owner"] == model.DHCP_PORT_OWNER:
            continue  # it goes with its network
        device = f" of {port['device_id']}" if port["device_id"] else ""
        called = port["name"] or port["id"]
        say(f"- port {called} {port['mac_address']} {addresses(port['fixed_ips'])}{device}")
        if yes:
            delete_if_there(client, port["id"])
    say(f"- network {name}")
    if yes:
        client.delete(f"{NETWORK.path}/{network_id}")
