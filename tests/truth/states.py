"""States of a port and its network before the change. Each makes a Subject that is served."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.system.ipam_host import random_mac
from tests.truth.machine import UDHCPC_AND_DHCLIENT
from tests.truth.site import Json, Site, Subject

State = Callable[[Site], Subject]

NTP: Final = {"opt_name": "ntp-server", "opt_value": "192.0.2.123", "ip_version": 4}


def fresh(site: Site) -> Subject:
    """One IPv4 subnet, a machine that has never asked, a neighbour that has."""
    return subject(site)


def leased(site: Site) -> Subject:
    """The machine has its lease."""
    made = subject(site)
    made.machine.ask4()
    return made


def leased_with_options(site: Site) -> Subject:
    """The machine has its lease, and an option of its own with it."""
    made = subject(site, extra_dhcp_opts=[NTP])
    made.machine.ask4()
    return made


def used_address(site: Site) -> Subject:
    """The address was another machine's, which has vanished with its lease."""
    made = subject(site)
    made.machine.ask4()
    address = made.port["fixed_ips"]
    made.machine.unplug()
    site.delete("port", made.port)
    made.port = site.create("port", fixed_ips=address, **at_home(site, made.network))
    made.machine = site.machine(made.port)
    site.await_active(made.port)
    return made


def dual_stack(site: Site) -> Subject:
    """IPv4 and stateful DHCPv6, both leased."""
    made = subject(site, modes=("dhcpv6-stateful", "dhcpv6-stateful"))
    made.machine.ask4()
    made.machine.ask6()
    return made


def slaac(site: Site) -> Subject:
    """IPv4 leased, and an IPv6 address that the machine makes."""
    made = subject(site, modes=("slaac", "slaac"))
    made.machine.ask4()
    return made


def only_slaac(site: Site) -> Subject:
    """No IPv4 at all: the machine makes its address."""
    return subject(site, four=False, modes=("slaac", "slaac"))


def only_stateful(site: Site) -> Subject:
    """No IPv4 at all: DHCPv6 gives the address."""
    made = subject(site, four=False, modes=("dhcpv6-stateful", "dhcpv6-stateful"))
    made.machine.ask6()
    return made


def only_stateless(site: Site) -> Subject:
    """No IPv4 at all: the machine makes its address and asks for the rest."""
    return subject(site, four=False, modes=("dhcpv6-stateless", "dhcpv6-stateless"))


def shared(site: Site) -> Subject:
    """The network is shared, and the port another project's."""
    made = subject(site, project_id="another-project", shared=True)
    made.machine.ask4()
    return made


def moved(site: Site) -> Subject:
    """The port came from another host."""
    before: Any = {"binding:host_id": f"{site.name}-before"}
    made = subject(site, wait=False, **before)
    site.update("port", made.port, **{"binding:host_id": site.name})
    site.await_active(made.port)
    made.machine.ask4()
    return made


STATES: Final[Mapping[str, State]] = {
    each.__name__: each
    for each in (
        fresh,
        leased,
        leased_with_options,
        used_address,
        dual_stack,
        slaac,
        only_slaac,
        only_stateful,
        only_stateless,
        shared,
        moved,
    )
}


def subject(
    site: Site,
    *,
    four: bool = True,
    modes: tuple[str, str] | None = None,
    shared: bool = False,
    wait: bool = True,
    **port: Any,
) -> Subject:
    """A network with a port and a machine, and a neighbour that has its lease."""
    network = site.create("network", name="truth", dns_domain="truth.example.", shared=shared)
    if four:
        cidr = f"{site.prefix()}.0/24"
        names = ["192.0.2.53"]
        site.create(
            "subnet", network_id=network["id"], ip_version=4, cidr=cidr, dns_nameservers=names
        )
    if modes:
        add_subnet6(site, network, *modes)
    made = site.create("port", **at_home(site, network) | port)
    beside = site.create("port", **at_home(site, network))
    machines = [site.machine(made), site.machine(beside, UDHCPC_AND_DHCLIENT)]
    for each in (made, beside) if wait else (beside,):
        site.await_active(each)
    one = Subject(site, network, made, machines[0], beside, machines[1])
    if four:
        assert machines[1].ask4().addresses, site.dnsmasq_log(network)
    return one


def add_subnet6(site: Site, network: Json, ra_mode: str, address_mode: str) -> Json:
    """An IPv6 subnet of the network, advertised by dnsmasq."""
    return site.create(
        "subnet",
        network_id=network["id"],
        ip_version=6,
        cidr=site.prefix6(),
        ipv6_ra_mode=ra_mode,
        ipv6_address_mode=address_mode,
    )


def at_home(site: Site, network: Json) -> Json:
    """A server's port, on this host."""
    return {
        "network_id": network["id"],
        "mac_address": random_mac(),
        "device_owner": "compute:nova",
        "binding:host_id": site.name,
    }
