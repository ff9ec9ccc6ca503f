"""Bridges, veth pairs, namespaces and addresses: what the agent sees and changes in the kernel.

Changes go through pyroute2, which nothing else imports. Every call says what should be and takes
"it is so already" for success, so a call that was interrupted can be made again.

Work inside a namespace is done by a short-lived thread that enters it: a thread's namespace is its
own, which costs 1 ms where a child process costs 30.
"""

import contextlib
import ctypes
import errno
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pyroute2 import IPRoute, netns
from pyroute2.netlink.exceptions import NetlinkError

from ipam import model
from ipam.agent.host.link_table import LinkTable
from ipam.agent.state import Bridge, Interface

T = TypeVar("T")

logging.getLogger("pyroute2").setLevel(logging.WARNING)  # it would log every netlink message

NETNS_DIRECTORY = Path("/run/netns")
CLONE_NEWNET = 0x40000000
IFA_F_NODAD = 2
IPV6_CONF = Path("/proc/sys/net/ipv6/conf")


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """What the kernel has of one network."""

    bridge: Bridge | None
    namespace: bool
    interface: Interface | None
    addresses: frozenset[str]
    members: frozenset[str]
    """The links on the bridge that are up and have its MTU, without the DHCP port's own."""
    foreign: bool
    """Something other than the DHCP port is on the bridge."""


@dataclass(frozen=True, slots=True)
class _Inside:
    """What a namespace has, as long as its file stays the same file."""

    inode: int
    interface: str | None
    mac: str
    mtu: int
    addresses: frozenset[str]


class Kernel:
    """The kernel of the host. Not for several threads."""

    def __init__(self) -> None:
        self.links = LinkTable()
        self._route = IPRoute()
        self._inside: dict[str, _Inside] = {}

    def close(self) -> None:
        """Close the sockets; nothing on the host changes."""
        self.links.close()
        self._route.close()

    def see(self, network_id: str) -> SeenNetwork:
        """The network as it is. Call `links.refresh()` first."""
        name = model.bridge_name(network_id)
        link = self.links.by_name.get(name)
        members = self.links.members(name)
        inside = self._look_inside(network_id)
        interface = self._interface(inside, members)
        outside = interface.outside if interface else None
        guests = [member for member in members if member.name != outside]
        bridge = Bridge(name, link.mtu) if link and link.up else None
        return SeenNetwork(
            bridge=bridge,
            namespace=inside is not None,
            interface=interface,
            addresses=inside.addresses if inside else frozenset(),
            members=frozenset(g.name for g in guests if g.up and link and g.mtu == link.mtu),
            foreign=bool(guests),
        )

    def ensure_bridge(self, bridge: Bridge) -> None:
        """The bridge, up, with this MTU and without spanning tree or addresses of its own."""
        link = self.links.by_name.get(bridge.name)
        if link is None:
            with _unless(errno.EEXIST):
                self._route.link(
                    "add",
                    ifname=bridge.name,
                    kind="bridge",
                    br_stp_state=0,
                    br_forward_delay=0,
                    mtu=bridge.mtu,
                )
            self.links.refresh()
            link = self.links.by_name[bridge.name]
        _write_sysctl(IPV6_CONF / bridge.name / "disable_ipv6", "1")
        self._route.link("set", index=link.index, state="up", mtu=bridge.mtu)
        for member in self.links.members(bridge.name):
            if member.mtu != bridge.mtu:
                self._route.link("set", index=member.index, mtu=bridge.mtu)

    def delete_link(self, name: str) -> None:
        """No link of that name; a veth pair goes with either end."""
        self.links.refresh()
        link = self.links.by_name.get(name)
        if link is not None:
            with _unless(errno.ENODEV):
                self._route.link("del", index=link.index)

    def create_namespace(self, network_id: str) -> None:
        """The network's namespace, with loopback up and no IPv6 self-configuration."""
        name = model.dhcp_namespace(network_id)
        path = NETNS_DIRECTORY / name
        if path.exists() and not os.path.ismount(path):
            path.unlink()  # what a killed agent left between making the file and mounting
        if not path.exists():
            _in_thread(lambda: _new_namespace(name))
        _in_namespace(name, _prepare_namespace)
        self._inside.pop(network_id, None)

    def delete_namespace(self, network_id: str) -> None:
        """No namespace of the network."""
        self._inside.pop(network_id, None)
        with contextlib.suppress(FileNotFoundError):
            netns.remove(model.dhcp_namespace(network_id))

    def create_interface(self, network_id: str, interface: Interface, bridge: str) -> None:
        """The DHCP port's veth pair, between the bridge and the namespace, up at both ends."""
        namespace = model.dhcp_namespace(network_id)
        self._inside.pop(network_id, None)
        self.delete_link(interface.outside)
        self._route.link(
            "add",
            ifname=interface.outside,
            kind="veth",
            mtu=interface.mtu,
            master=self.links.by_name[bridge].index,
            state="up",
            peer={
                "ifname": interface.inside,
                "address": interface.mac,
                "mtu": interface.mtu,
                "net_ns_fd": str(NETNS_DIRECTORY / namespace),
            },
        )
        _write_sysctl(IPV6_CONF / interface.outside / "disable_ipv6", "1")

        def up(route: Any) -> None:
            index = route.link_lookup(ifname=interface.inside)[0]
            route.link("set", index=index, state="up")

        _in_namespace(namespace, up)

    def delete_interface(self, network_id: str, interface: Interface) -> None:
        """No veth pair of the DHCP port."""
        self._inside.pop(network_id, None)
        self.delete_link(interface.outside)

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        """Give the interface in the namespace the address, or take it away."""
        ip, _, length = address.partition("/")
        # Duplicate detection would keep dnsmasq from using the address for a second or two.
        flags = {"flags": IFA_F_NODAD} if ":" in ip and add else {}

        def change(route: Any) -> None:
            index = route.link_lookup(ifname=interface)[0]
            with _unless(errno.EADDRNOTAVAIL):
                route.addr(
                    "replace" if add else "del",
                    index=index,
                    address=ip,
                    prefixlen=int(length),
                    **flags,
                )

        self._inside.pop(network_id, None)
        _in_namespace(model.dhcp_namespace(network_id), change)

    def attach_tap(self, tap: str, bridge: Bridge) -> None:
        """Put the tap on the bridge and set it up. A tap that has gone meanwhile is no error."""
        link = self.links.by_name.get(tap)
        master = self.links.by_name.get(bridge.name)
        if link is None or master is None:
            return
        with _unless(errno.ENODEV):
            _write_sysctl(IPV6_CONF / tap / "disable_ipv6", "1")
            self._route.link(
                "set", index=link.index, master=master.index, mtu=bridge.mtu, state="up"
            )

    def present_taps(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that are links of this host."""
        return frozenset(name for name in names if name in self.links.by_name)

    def members(self, network_id: str) -> frozenset[str]:
        """The links on the network's bridge, in whatever state."""
        return frozenset(link.name for link in self.links.members(model.bridge_name(network_id)))

    def _look_inside(self, network_id: str) -> _Inside | None:
        """What the namespace has, read once: nobody but this agent changes it."""
        name = model.dhcp_namespace(network_id)
        try:
            inode = (NETNS_DIRECTORY / name).stat().st_ino
        except FileNotFoundError:
            self._inside.pop(network_id, None)
            return None
        known = self._inside.get(network_id)
        if known is None or known.inode != inode:
            try:
                known = _in_namespace(name, lambda route: _read_inside(route, inode))
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                return None  # the file is there, the namespace is not mounted on it
            self._inside[network_id] = known
        return known

    @staticmethod
    def _interface(inside: _Inside | None, members: Collection[Any]) -> Interface | None:
        """The veth pair if both ends are where they belong."""
        if inside is None or inside.interface is None:
            return None
        outside = "tap" + inside.interface.removeprefix("ns-")
        if not any(link.name == outside and link.up for link in members):
            return None
        return Interface(outside, inside.interface, inside.mac, inside.mtu)


def namespace_path(network_id: str) -> str:
    """The file that stands for the network's namespace."""
    return str(NETNS_DIRECTORY / model.dhcp_namespace(network_id))


def _read_inside(route: Any, inode: int) -> _Inside:
    for link in route.get_links():
        name = link.get("ifname")
        if name.startswith("ns-") and link.get("state") == "up":
            addresses = frozenset(
                f"{address.get('address')}/{address.get('prefixlen')}"
                for address in route.get_addr(index=link["index"])
                if not address.get("address").startswith("fe80:")
            )
            return _Inside(inode, name, link.get("address"), link.get("mtu"), addresses)
    return _Inside(inode, None, "", 0, frozenset())


def _prepare_namespace(route: Any) -> None:
    route.link("set", index=1, state="up")
    # For interfaces to come: usable at once, and deaf to their own router advertisements.
    for name in ("accept_dad", "accept_ra", "autoconf"):
        _write_sysctl(IPV6_CONF / "default" / name, "0")


def _new_namespace(name: str) -> None:
    """Give this thread a new namespace and the namespace a name."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "unshare failed", name)
    netns.attach(name, "thread-self")


def _in_namespace(name: str, work: Callable[[Any], T]) -> T:
    """The result of `work`, given a connection to the kernel inside the namespace."""

    def enter() -> T:
        netns.setns(name, flags=0)
        with IPRoute() as route:
            return work(route)

    return _in_thread(enter)


def _in_thread(work: Callable[[], T]) -> T:
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  # it is raised again in the caller
            failures.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


@contextlib.contextmanager
def _unless(*codes: int) -> Iterator[None]:
    """Take these answers of the kernel for success."""
    try:
        yield
    except NetlinkError as error:
        if error.code not in codes:
            raise


def _write_sysctl(path: Path, value: str) -> None:
    """Set it where the kernel has it; one without IPv6 does not."""
    with contextlib.suppress(FileNotFoundError):
        path.write_text(value)
