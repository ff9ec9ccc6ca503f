"""Changes through the API, and what the machine itself does at the same time."""

import os
import signal
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, Final

from tests.system.ipam_host import random_mac
from tests.truth.expectation import expected
from tests.truth.site import Json, Subject
from tests.truth.states import NTP, add_subnet6, at_home
from tests.waiting import eventually

Change = Callable[[Subject], None]


def port(**attributes: Any) -> Change:
    """These attributes of the port."""

    def change(one: Subject) -> None:
        one.site.update("port", one.port, **attributes)

    return change


def network(**attributes: Any) -> Change:
    """These attributes of the network."""

    def change(one: Subject) -> None:
        one.site.update("network", one.network, **attributes)

    return change


def subnets(**attributes: Any) -> Change:
    """These attributes of each subnet of the network."""

    def change(one: Subject) -> None:
        for each in one.site.subnets(one.network):
            one.site.update("subnet", each, **attributes)

    return change


def subnets4(**attributes: Any) -> Change:
    """These attributes of each IPv4 subnet of the network."""

    def change(one: Subject) -> None:
        for each in one.site.subnets(one.network):
            if each["ip_version"] == 4:
                one.site.update("subnet", each, **attributes)

    return change


def first(*changes: Change) -> Change:
    """One after the other; the agent acts in between."""

    def change(one: Subject) -> None:
        for each in changes:
            each(one)
            one.site.settle()

    return change


def at_once(*changes: Change) -> Change:
    """One right after the other."""

    def change(one: Subject) -> None:
        for each in changes:
            each(one)

    return change


def mac_changes(one: Subject) -> None:
    """The port's MAC, and the machine's."""
    mac = random_mac()
    one.site.update("port", one.port, mac_address=mac)
    one.machine.change_mac(mac)


def address_changes(one: Subject) -> None:
    """Another address of the same subnets."""
    wishes = [free_address(one, each) for each in one.site.subnets(one.network) if fixed(each)]
    one.site.update("port", one.port, fixed_ips=[wish for wish in wishes if wish])


def second_address(one: Subject) -> None:
    """One more address, of the same subnet."""
    more = [free_address(one, each) for each in one.site.subnets(one.network) if fixed(each)]
    wishes = [ip for ip in one.site.show("port", one.port)["fixed_ips"] if is_fixed(one, ip)]
    one.site.update("port", one.port, fixed_ips=[*wishes, *more[:1]])


def addresses_go(one: Subject) -> None:
    """No address at all."""
    one.site.update("port", one.port, fixed_ips=[])


def gateway_changes(one: Subject) -> None:
    for each in one.site.subnets(one.network):
        if each["ip_version"] == 4:
            net = ip_network(each["cidr"])
            pool = {"start": str(net[2]), "end": str(net[-3])}
            one.site.update("subnet", each, allocation_pools=[pool])
            one.site.update("subnet", each, gateway_ip=str(net[-2]))


def default_route_by_host_route(one: Subject) -> None:
    """No gateway, and a host route for everything."""
    for each in one.site.subnets(one.network):
        if each["ip_version"] == 4:
            route = {"destination": "0.0.0.0/0", "nexthop": str(ip_network(each["cidr"])[9])}
            one.site.update("subnet", each, gateway_ip=None, host_routes=[route])


def pools_change(one: Subject) -> None:
    for each in one.site.subnets(one.network):
        net = ip_network(each["cidr"])
        pool = {"start": str(net[100]), "end": str(net[120])}
        one.site.update("subnet", each, allocation_pools=[pool])


def sibling_comes(one: Subject) -> None:
    await_served(one, one.site.create("port", **sibling(one)))


def sibling_goes(one: Subject) -> None:
    """dnsmasq has to read its files anew."""
    made = one.site.create("port", **sibling(one), extra_dhcp_opts=[NTP])
    await_served(one, made)
    one.site.delete("port", made)


def siblings_come_and_go(one: Subject) -> None:
    for _ in range(5):
        made = one.site.create("port", **sibling(one), extra_dhcp_opts=[NTP])
        await_served(one, made)
        one.site.update("port", made, mac_address=random_mac())
        one.site.delete("port", made)


def subnet6_comes(one: Subject) -> None:
    """A subnet with stateless autoconfiguration beside what is there."""
    add_subnet6(one.site, one.network, "slaac", "slaac")


def subnet6_comes_and_goes(one: Subject) -> None:
    made = add_subnet6(one.site, one.network, "dhcpv6-stateful", "dhcpv6-stateful")
    one.site.settle()
    one.site.delete("subnet", made)


def subnet4_comes(one: Subject) -> None:
    """A second IPv4 subnet."""
    cidr = f"{one.site.prefix()}.0/24"
    one.site.create("subnet", network_id=one.network["id"], ip_version=4, cidr=cidr)


def heir_comes(one: Subject) -> None:
    """The port goes, its machine vanishes, another machine gets the address."""
    wishes = [ip for ip in one.site.show("port", one.port)["fixed_ips"] if is_fixed(one, ip)]
    one.machine.unplug()
    one.site.delete("port", one.port)
    more: Json = {"fixed_ips": wishes} if wishes else {}
    one.port = one.site.create("port", **at_home(one.site, one.network), **more)
    one.machine = one.site.machine(one.port)


def addresses_swap(one: Subject) -> None:
    """The neighbour and the machine exchange their addresses."""
    mine = [ip for ip in one.site.show("port", one.port)["fixed_ips"] if is_fixed(one, ip)]
    its = [ip for ip in one.site.show("port", one.neighbour)["fixed_ips"] if is_fixed(one, ip)]
    if not (mine and its):
        return
    one.site.update("port", one.port, fixed_ips=[])
    one.site.update("port", one.neighbour, fixed_ips=mine)
    one.site.update("port", one.port, fixed_ips=its)


def other_client_id(one: Subject) -> None:
    """The machine was leased as another client: installer and installed system."""
    one.machine.udhcpc("-x", "0x3d:ff0102030405060708")


def long_client_id(one: Subject) -> None:
    one.machine.udhcpc("-x", "0x3d:" + "ab" * 120)
    heir_comes(one)


def other_duid(one: Subject) -> None:
    """The machine comes back with another DUID, as after an installation."""
    one.machine.install_anew()


def dnsmasq_dies(one: Subject) -> None:
    pid = one.site.dnsmasq_pid(one.network)
    if not pid:
        return
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # the agent has ended it, and its files are about to go
    eventually(lambda: one.site.dnsmasq_pid(one.network) not in (0, pid), "a new dnsmasq")


def agent_restarts(one: Subject) -> None:
    one.site.end_agent(signal.SIGKILL)
    one.site.start_agent()


def tap_is_plugged_anew(one: Subject) -> None:
    one.machine.unplug()
    one.site.eventually(lambda: one.site.status(one.port) == "DOWN", "the port is DOWN")
    one.machine = one.site.machine(one.site.show("port", one.port))


def await_served(one: Subject, made: Json) -> None:
    """Until the port is ACTIVE or, where its network is not served, the agent has looked."""
    network = one.site.show("network", one.network)
    told = expected(network, one.site.subnets(one.network), made, one.site.resolvers(one.network))
    if told.addresses or told.addresses6 or told.self_made6:
        one.site.await_active(made)
    else:
        one.site.settle()


def fixed(subnet: Json) -> bool:
    """Whether a port's address of the subnet may be named."""
    return subnet["ipv6_address_mode"] in (None, "dhcpv6-stateful")


def is_fixed(one: Subject, fixed_ip: Json) -> bool:
    by_id = {each["id"]: each for each in one.site.subnets(one.network)}
    return fixed(by_id[fixed_ip["subnet_id"]])


def free_address(one: Subject, subnet: Json) -> Json:
    """An address of the subnet that no port has, by name."""
    held = one.site.client.list("/v2.0/ports", "ports", {"network_id": one.network["id"]})
    taken = {ip["ip_address"] for each in held for ip in each["fixed_ips"]}
    net = ip_network(subnet["cidr"])
    found = next(str(net[number]) for number in range(200, 250) if str(net[number]) not in taken)
    return {"subnet_id": subnet["id"], "ip_address": found}


def sibling(one: Subject) -> Json:
    return at_home(one.site, one.network) | one.site.bare()


BOOT: Final = {"tftp_server": "192.0.2.9", "bios": "pxelinux.0"}
SETTINGS: Final = {
    "network": network(dhcp_options=[NTP], dhcp_boot=BOOT, lease_time=7200),
    "subnet": subnets4(
        dhcp_options=[{"opt_name": "42", "opt_value": "192.0.2.77"}], dhcp_boot={}, lease_time=-1
    ),
}
ROUTES: Final = [{"destination": "198.51.100.0/24", "nexthop": "10.100.0.9"}]

CHANGES: Final[Mapping[str, Change]] = {
    "nothing": lambda _one: None,
    "port name": port(name="renamed"),
    "port description": port(description="other"),
    "port down": port(admin_state_up=False),
    "port down and up": first(port(admin_state_up=False), port(admin_state_up=True)),
    "port mac_address": mac_changes,
    "port other address": address_changes,
    "port second address": second_address,
    "port no address": addresses_go,
    "port dns_name": port(dns_name="other-name"),
    "port dns_name that reads as a time": port(dns_name="5d"),
    "port options": port(extra_dhcp_opts=[NTP]),
    "port options change": first(
        port(extra_dhcp_opts=[NTP]), port(extra_dhcp_opts=[NTP | {"opt_value": "192.0.2.99"}])
    ),
    "port options go": first(
        port(extra_dhcp_opts=[NTP]), port(extra_dhcp_opts=[NTP | {"opt_value": None}])
    ),
    "port device": port(device_id="d8d1a3b7-7a26-4b3c-8d3c-2f2f4a8f3c11"),
    "port away": port(**{"binding:host_id": "elsewhere"}),
    "port away and back": lambda one: first(
        port(**{"binding:host_id": "elsewhere"}), port(**{"binding:host_id": one.site.name})
    )(one),
    "port pairs": port(allowed_address_pairs=[{"ip_address": "198.51.100.7"}]),
    "subnet name": subnets(name="renamed"),
    "subnet gateway": gateway_changes,
    "subnet no gateway": subnets(gateway_ip=None),
    "subnet default route": default_route_by_host_route,
    "subnet routes": subnets4(host_routes=ROUTES),
    "subnet name servers": subnets4(dns_nameservers=["192.0.2.54", "192.0.2.55"]),
    "subnet no name servers": subnets(dns_nameservers=[]),
    "subnet name server 0.0.0.0": subnets4(dns_nameservers=["0.0.0.0"]),
    "subnet pools": pools_change,
    "subnet without DHCP": subnets4(enable_dhcp=False),
    "subnet without DHCP and with it": first(
        subnets4(enable_dhcp=False), subnets4(enable_dhcp=True)
    ),
    "network name": network(name="renamed"),
    "network mtu": network(mtu=1300),
    "network dns_domain": network(dns_domain="other.example."),
    "network down": network(admin_state_up=False),
    "network down and up": first(network(admin_state_up=False), network(admin_state_up=True)),
    "network shared": network(shared=True),
    "sibling comes": sibling_comes,
    "sibling goes": sibling_goes,
    "siblings come and go": siblings_come_and_go,
    "second IPv4 subnet": subnet4_comes,
    "SLAAC subnet comes": subnet6_comes,
    "DHCPv6 subnet comes and goes": subnet6_comes_and_goes,
    "heir": heir_comes,
    "addresses swapped": addresses_swap,
    "other client-id": other_client_id,
    "heir of a long client-id": long_client_id,
    "other DUID": other_duid,
    "dnsmasq dies": dnsmasq_dies,
    "agent restarts": agent_restarts,
    "tap plugged anew": tap_is_plugged_anew,
    "network options, boot and lease time": SETTINGS["network"],
    "subnet options, boot and lease time": first(SETTINGS["network"], SETTINGS["subnet"]),
}
