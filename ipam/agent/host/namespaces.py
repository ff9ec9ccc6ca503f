"""The namespaces of the networks, and the DHCP port's interface and addresses in them.

A short-lived thread enters a namespace and works inside, because each thread has a namespace of
its own. That takes 1 ms, where a child process takes 30.
"""

import contextlib
import ctypes
import errno
import os
import select
import socket
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pyroute2 import netns
from pyroute2.netlink.exceptions import NetlinkError

from ipam import files, model
from ipam.agent.host.file_watch import InotifyWatch
from ipam.agent.host.inside import LOOPBACK, Inside, Room, open_socket
from ipam.agent.host.netlink import IPV6_CONF, indices_of, unless, write_sysctl
from ipam.agent.host.own_neighbours import learned, pin, pin_missing
from ipam.agent.host.visit import Visit
from ipam.agent.outside import AddressRefusedError
from ipam.rules.ipv6 import eui64

T = TypeVar("T")

NETNS_DIRECTORY = Path("/run/netns")
MOUNTS_OF_HOST = Path("/proc/1/ns/mnt")
CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
IFA_F_NODAD = 2


class Namespaces:
    """The namespaces by network. Each is read again when the kernel announces a change in it."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._by_descriptor: dict[int, Room] = {}
        self._visit: tuple[tuple[str, int], Visit] | None = None
        """The namespace that was changed last, by network and inode: more is often to be done."""
        self._epoll = select.epoll()
        # Whoever deletes a namespace deletes its file; in it nothing is announced then.
        self._files = InotifyWatch()
        self._epoll.register(self._files, select.EPOLLIN)
        with contextlib.suppress(PermissionError):
            files.make_directory(NETNS_DIRECTORY, files.PUBLIC_DIRECTORY)
        self._files.watch(NETNS_DIRECTORY)

    def fileno(self) -> int:
        """A descriptor that is readable when something may have changed in one of them."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._end_visit()
        for network_id in list(self._rooms):
            self._leave(network_id)
        self._epoll.close()
        self._files.close()

    def refresh(self) -> None:
        """Take in what has changed."""
        self._end_visit()
        for descriptor, _events in self._epoll.poll(0):
            if room := self._by_descriptor.get(descriptor):
                room.take_announcements()
        self._files.changed()  # `look` finds what

    def look(self, network_id: str) -> Inside | None:
        """The content of the network's namespace; None without one."""
        room = self._room(network_id)
        if room is None:
            return None
        return room.look()

    def known(self) -> Collection[str]:
        """The networks whose namespaces were looked at."""
        return list(self._rooms)

    def changed(self, network_id: str) -> None:
        """Read the namespace again at the next `look`."""
        if room := self._rooms.get(network_id):
            room.is_current = False

    def create(self, network_id: str) -> None:
        """Have the network's namespace, with loopback up and no IPv6 autoconfiguration."""
        name = model.dhcp_namespace(network_id)
        path = NETNS_DIRECTORY / name
        if path.exists() and not os.path.ismount(path):
            # What a killed agent left between making the file and mounting, or `ip netns del`
            # between unmounting and removing it.
            path.unlink(missing_ok=True)
        if not path.exists():
            _in_thread(lambda: _new_namespace(name))
        self._inside(network_id, _prepare_namespace)
        self.changed(network_id)

    def delete(self, network_id: str) -> None:
        """Have no namespace of the network."""
        self._leave(network_id)
        with contextlib.suppress(FileNotFoundError):
            _in_thread(lambda: _remove_name(model.dhcp_namespace(network_id)))

    def set_up(self, network_id: str, interface: str) -> None:
        """Set up the interface in the namespace, and loopback."""

        def up(route: Any) -> None:
            for index in (LOOPBACK, *indices_of(interface)):
                route.link("set", index=index, state="up")

        self.changed(network_id)
        self._inside(network_id, up)

    def delete_link(self, network_id: str, name: str) -> None:
        """Have no link of this name in the namespace."""
        inside = self.look(network_id)
        if inside is None or name not in inside.links:
            return

        def delete(route: Any) -> None:
            for index in indices_of(name):
                route.link("del", index=index)

        self.changed(network_id)
        self._inside(network_id, delete)

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        """Add the address to the interface in the namespace, or remove it.

        Raises AddressRefusedError for an address that this interface cannot have.
        """
        ip, _, length = address.partition("/")
        # Duplicate detection would keep dnsmasq from using the address for a second or two.
        flags = {"flags": IFA_F_NODAD} if model.ip_version(ip) == 6 and add else {}

        def change(route: Any) -> None:
            index = socket.if_nametoindex(interface)
            with _refusals() if add else unless(errno.EADDRNOTAVAIL):
                route.addr(
                    "replace" if add else "del",
                    index=index,
                    address=ip,
                    prefixlen=int(length),
                    **flags,
                )
            if model.ip_version(ip) == 6:
                pin(route, index, ip, add=add)
            if flags:
                _give_link_local(route, index)

        self.changed(network_id)
        self._inside(network_id, change)

    def _inside(self, network_id: str, work: Callable[[Any], T]) -> T:
        """The result of `work`, called with a connection to the kernel inside the namespace."""
        name = model.dhcp_namespace(network_id)
        stay = network_id, (NETNS_DIRECTORY / name).stat().st_ino
        if self._visit is None or self._visit[0] != stay:
            self._end_visit()
            self._visit = stay, Visit(name)
        try:
            return self._visit[1].call(work)
        except BaseException:
            self._end_visit()
            raise

    def _end_visit(self) -> None:
        ended, self._visit = self._visit, None
        if ended is not None:
            ended[1].end()

    def _room(self, network_id: str) -> Room | None:
        """The namespace that the network's file stands for at the moment."""
        name = model.dhcp_namespace(network_id)
        try:
            inode = os.stat(f"{NETNS_DIRECTORY}/{name}").st_ino  # noqa: PTH116  # in each turn
        except FileNotFoundError:
            self._leave(network_id)
            return None
        room = self._rooms.get(network_id)
        if room is not None and room.inode == inode:
            return room
        self._leave(network_id)
        try:
            room = Room(inode, call_in_namespace(name, open_socket))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return None  # the file exists, but no namespace is mounted on it
        self._rooms[network_id] = self._by_descriptor[room.socket.fileno()] = room
        self._epoll.register(room.socket, select.EPOLLIN)
        return room

    def _leave(self, network_id: str) -> None:
        """Close the socket in the namespace, which lives as long as somebody is in it."""
        if self._visit is not None and self._visit[0][0] == network_id:
            self._end_visit()
        room = self._rooms.pop(network_id, None)
        if room is not None:
            del self._by_descriptor[room.socket.fileno()]
            self._epoll.unregister(room.socket)
            room.socket.close()


def namespace_path(network_id: str) -> str:
    """The file that stands for the network's namespace."""
    return str(NETNS_DIRECTORY / model.dhcp_namespace(network_id))


def call_in_namespace(name: str, work: Callable[[], T]) -> T:
    """The result of `work`, called inside the namespace. A socket that it makes stays there.

    Raises OSError if there is no such namespace.
    """

    def enter() -> T:
        netns.setns(name, flags=0)
        return work()

    return _in_thread(enter)


def call_in_new_namespace(work: Callable[[], T]) -> T:
    """The result of `work`, called in a namespace without a name, which ends after it."""

    def enter() -> T:
        _unshare_network()
        return work()

    return _in_thread(enter)


def pin_own_addresses(network_id: str, interface: str) -> list[str]:
    """Have the namespace's entries of `own_neighbours`. Gives the addresses that had none."""
    return _in_namespace(
        model.dhcp_namespace(network_id), lambda route: pin_missing(route, interface)
    )


def learned_neighbours(network_id: str, interface: str) -> dict[str, str]:
    """The MAC addresses that the namespace has learned on the interface, by address.

    Raises OSError if it is gone.
    """
    name = model.dhcp_namespace(network_id)
    return _in_namespace(name, lambda route: learned(route, interface))


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise AddressRefusedError for what says that the address itself is at fault."""
    try:
        yield
    except NetlinkError as error:
        if error.code in (errno.EINVAL, errno.EACCES, errno.EADDRNOTAVAIL):
            raise AddressRefusedError(os.strerror(error.code)) from error
        raise


def _give_link_local(route: Any, index: int) -> None:
    """Add the link-local address, which a flush removes, and which dnsmasq needs for IPv6."""
    mac = route.get_links(index)[0].get("address")
    address = model.unpack(eui64("fe80::/64", mac))
    route.addr("replace", index=index, address=address, prefixlen=64, flags=IFA_F_NODAD)
    pin(route, index, address)


def _prepare_namespace(route: Any) -> None:
    route.link("set", index=LOOPBACK, state="up")
    # For new interfaces: usable at once, and ignoring their own router advertisements.
    for name in ("accept_dad", "accept_ra", "autoconf"):
        write_sysctl(IPV6_CONF / "default" / name, "0")


def _new_namespace(name: str) -> None:
    """Put this thread into a new namespace, and give the namespace a name."""
    _unshare_network(name)
    _enter_mounts_of_host()
    netns.attach(name, "thread-self")


def _unshare_network(*name: str) -> None:
    """Put this thread into a new namespace, which an error calls by this name."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "unshare failed", *name)


def _remove_name(name: str) -> None:
    _enter_mounts_of_host()
    netns.remove(name)


def _enter_mounts_of_host() -> None:
    """Put this thread where the whole host sees its mounts, if a unit gave the agent its own.

    The name of a namespace is a mount. One in the agent's own mounts would end with the agent.
    """
    try:
        if MOUNTS_OF_HOST.samefile("/proc/thread-self/ns/mnt"):
            return
    except PermissionError:  # in some containers process 1 is not to be looked at
        return
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(MOUNTS_OF_HOST, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # A thread that shares its working directory with others cannot change its mounts.
        if libc.unshare(CLONE_FS) < 0 or libc.setns(descriptor, CLONE_NEWNS) < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"cannot enter the host's mounts: {os.strerror(error)}")
    finally:
        os.close(descriptor)


def _in_namespace(name: str, work: Callable[[Any], T]) -> T:
    """The result of `work`, called with a connection to the kernel inside the namespace."""
    visit = Visit(name)
    try:
        return visit.call(work)
    finally:
        visit.end()


def _in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, called in a thread that ends after it."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="namespace") as pool:
        return pool.submit(work).result()
